package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
)

// cities are the three locations of a company. Each goes with a Qonto account
// of its own. Oslo gets no webhooks on either side and is polled; the others
// are reconciled.
var cities = []string{"berlin", "oslo", "paris"}

// traits are the fields that a person has on both sides.
var traits = []struct{ contact, client string }{
	{"firstName", "first_name"}, {"lastName", "last_name"}, {"email", "email"}, {"city", "city"},
}

// person is one of whom there is to be a contact and a client, as somebody
// last wanted them.
type person struct {
	place           string
	contact, client string // ids, empty while only the sync can know
	want            map[string]string
	gone            bool
}

// town is the two apps with the people who change records in them.
type town struct {
	t     *testing.T
	clock *journaltest.Clock
	crm   *sandbox.Sandbox
	banks map[string]*sandbox.Sandbox
	doors map[string]*httptest.Server // of the apps, by "highlevel" or place
	post  *office

	mu      sync.Mutex
	dice    *rand.Rand
	people  []*person
	changes int
	meddled int
	logged  map[string]int // requests looked at, by door
}

func organisation(place string) string {
	return fmt.Sprintf("0d2f6c3e-5a41-4c7e-9b8a-%012x", slices.Index(cities, place)+1)
}

func newTown(t *testing.T, seed uint64) *town {
	clock := journaltest.NewClock()
	w := &town{t: t, clock: clock, banks: map[string]*sandbox.Sandbox{}, doors: map[string]*httptest.Server{},
		post: newOffice(t, seed, clock.Now), dice: rand.New(rand.NewPCG(seed, 1)), logged: map[string]int{}}
	w.crm = newSandbox(t, sandbox.Config{Seed: int64(seed), Now: clock.Now})
	w.door("highlevel", w.crm)
	for i, place := range cities {
		bank, err := sandbox.New(sandbox.Config{
			Apps: slices.DeleteFunc(all.Apps(), func(a *bindings.App) bool { return a.Name != "qonto" }), Rules: all.Rules(), Now: clock.Now, Seed: int64(seed) + int64(i) + 1,
			Accounts: map[string]string{"qonto": organisation(place)}, Tokens: map[string][]string{"qonto": {"key-of-" + place}},
		})
		must(t, err)
		must(t, bank.Start(context.WithoutCancel(t.Context()), "127.0.0.1:0"))
		t.Cleanup(func() { must(t, bank.Close()) })
		w.banks[place] = bank
		w.door(place, bank)
	}
	w.post.lost["oslo"], w.post.lost[organisation("oslo")] = true, true
	return w
}

// door is where the engine reaches an app. Now and then somebody is quicker
// than its call and changes the very record.
func (w *town) door(name string, apps *sandbox.Sandbox) {
	w.doors[name] = httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut || r.Method == http.MethodPatch {
			w.meddle(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
		}
		apps.Handler().ServeHTTP(answer, r)
	}))
	w.t.Cleanup(w.doors[name].Close)
}

// config is that of an engine for all of it.
func (w *town) config(dir string, log *book) engine.Config {
	c := engine.Config{
		Apps: hasty(all.Apps()), Listen: "127.0.0.1:0", Grace: patience, Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"),
		Clock: w.clock, Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{ReplaceAttr: w.dated})), Accounts: map[string][]string{},
		Connections: []connection.Settings{{
			Name: "highlevel/agency", Account: "sandboxCompany000001", As: "company", BaseURL: w.doors["highlevel"].URL + "/highlevel",
			TokenURL: w.doors["highlevel"].URL + "/highlevel/oauth/token", Credentials: maps.Clone(credentials["highlevel"]),
			WebhookKeys: map[string]string{"ed25519": w.crm.PublicKey("highlevel")},
		}},
	}
	for _, place := range cities {
		location := connection.Settings{Name: "highlevel/" + place, Account: "loc-" + place, Parent: "highlevel/agency", Reconcile: 10 * time.Minute}
		account := connection.Settings{
			Name: "qonto/" + place, Account: organisation(place), BaseURL: w.doors[place].URL + "/qonto", WebhookSecret: "secret-of-" + place,
			Credentials: map[string]string{"login": "demo", "secret_key": "key-of-" + place}, Reconcile: 10 * time.Minute,
		}
		if place == "oslo" {
			location.Poll, location.Reconcile, account.Poll, account.Reconcile = time.Minute, 0, time.Minute, 0
		}
		c.Connections = append(c.Connections, location, account)
		c.Accounts[location.Name] = []string{account.Name}
	}
	return c
}

// dated gives lines of the log the time of the clock.
func (w *town) dated(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		a.Value = slog.TimeValue(w.clock.Now())
	}
	return a
}

// hasty has what is gone looked for in an hour, and not in a day.
func hasty(apps []*bindings.App) []*bindings.App {
	for i, app := range apps {
		quick := *app
		quick.Polls = slices.Clone(app.Polls)
		for j := range quick.Polls {
			quick.Polls[j].FullEvery = min(quick.Polls[j].FullEvery, 10*time.Minute)
		}
		apps[i] = &quick
	}
	return apps
}

// TestTwoWayContacts keeps the contacts of three locations and the clients of
// three accounts alike for an hour (by the clock of all of it), while people
// create, change and delete on both sides, somebody else is quicker now and
// then, and webhooks are lost, late, doubled and out of order. In the end both
// sides have what was wanted last, nothing is done any more, and no request
// went to another's account.
func TestTwoWayContacts(t *testing.T) {
	seeds, changes := []uint64{1}, 150
	if soak {
		seeds, changes = []uint64{2, 3, 5, 8, 13, 21}, 900
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newTown(t, seed)
			dir := journaltest.Folder(t)
			e := &world{t: t, apps: w.crm, log: newBook(), data: filepath.Join(dir, "data"), scripts: filepath.Join(dir, "scripts")}
			must(t, os.Mkdir(e.scripts, 0o755))
			for name, text := range templates(t) {
				if strings.HasPrefix(name, "two-way-contacts/") {
					e.write(name, text)
				}
			}
			e.start(w.config(dir, e.log))
			w.post.target = e.engine.URL()
			must(t, w.crm.Subscribe("highlevel", w.post.server.URL+"/hooks/highlevel", ""))
			for place, bank := range w.banks {
				must(t, bank.Subscribe("qonto", w.post.server.URL+"/hooks/qonto", "secret-of-"+place))
			}
			w.pass(e, 2*time.Minute, nil) // the first looks
			times := make([]time.Duration, changes)
			for i := range times {
				times[i] = time.Duration(w.dice.Int64N(int64(time.Hour)))
			}
			slices.Sort(times)
			w.pass(e, time.Hour, times)
			w.pass(e, 45*time.Minute, nil) // late webhooks, and two looks for what is gone
			w.agree()
			runs := w.count(e)
			t.Logf("%d changes, %d of them quicker than a call; webhooks: %d lost, %d twice, %d late; runs %v", w.changes, w.meddled,
				w.post.losses, w.post.doubles, w.post.delays, runs)
			all := 0
			for _, n := range runs {
				all += n
			}
			if runs[journal.Succeeded] != all {
				t.Errorf("runs: %v; expected all to succeed", runs)
			}
			// Of a change come its own run and the pair's, and some come twice;
			// a third for its echo is what the guard saves.
			if 2*all > 5*w.changes {
				t.Errorf("%d runs for %d changes: echoes start some", all, w.changes)
			}
			w.pass(e, 45*time.Minute, nil)
			if later := w.count(e); !maps.Equal(runs, later) {
				t.Errorf("runs were %v and are %v, although nobody did anything", runs, later)
			}
			w.audit()
			if t.Failed() {
				t.Logf("the log:\n%s", e.log)
			}
		})
	}
}

func (w *town) count(e *world) map[journal.State]int {
	counts := map[journal.State]int{}
	for q := (journal.RunQuery{Limit: 1000}); ; {
		runs, err := e.journal.Runs(w.t.Context(), q)
		must(w.t, err)
		for _, one := range runs {
			counts[one.State]++
			q.Before = one.Seq
		}
		if len(runs) < q.Limit {
			return counts
		}
	}
}

// pass lets time pass, with changes at some times of it.
func (w *town) pass(e *world, d time.Duration, times []time.Duration) {
	const stride = 5 * time.Second
	for passed := time.Duration(0); passed < d; passed += stride {
		for len(times) > 0 && times[0] <= passed {
			w.change()
			times = times[1:]
		}
		w.clock.Pass(stride)
		w.post.due()
		w.quiet(e)
		if passed%(5*time.Minute) == 0 {
			w.audit()
		}
	}
}

// quiet waits until nothing is said for a moment: what takes longer goes on
// while time passes, as it does anywhere.
func (w *town) quiet(e *world) {
	for {
		moved := e.log.moved()
		select {
		case <-moved:
		case <-time.After(2 * time.Millisecond):
			return
		}
	}
}

// ask does what a person does in an app.
func (w *town) ask(p *person, app, method, path string, body map[string]string) gjson.Result {
	apps, token := w.crm, "Bearer "+sandbox.Token
	if app == "qonto" {
		apps, token = w.banks[p.place], "demo:key-of-"+p.place
	}
	text, err := json.Marshal(body)
	must(w.t, err)
	request := httptest.NewRequest(method, "/"+app+path, strings.NewReader(string(text)))
	request.Header = http.Header{"Authorization": {token}, "Content-Type": {"application/json"}, "Version": {"2021-07-28"}}
	answer := httptest.NewRecorder()
	if method != http.MethodGet { // no two changes are of the same moment
		w.clock.Pass(3 * time.Millisecond)
		defer w.clock.Pass(3 * time.Millisecond)
	}
	apps.Handler().ServeHTTP(answer, request)
	if answer.Code == http.StatusNotFound {
		return gjson.Result{}
	}
	if answer.Code > 299 {
		w.t.Errorf("%s %s %s was answered with %d %s", app, method, path, answer.Code, answer.Body)
	}
	return gjson.ParseBytes(answer.Body.Bytes())
}
