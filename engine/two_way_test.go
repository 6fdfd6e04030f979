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
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
)

// cities are the three locations of a company. Each has a Qonto account of its
// own. The webhooks of Oslo are lost on both sides, and it is polled; the others
// are reconciled.
var cities = []string{"berlin", "oslo", "paris"}

// syncedFields are the fields that a contact and its client both have.
var syncedFields = []struct{ contact, client string }{
	{"firstName", "first_name"}, {"lastName", "last_name"}, {"email", "email"}, {"city", "city"},
}

// pair is a contact and the client of the same person, with the values of the last
// changes.
type pair struct {
	place           string
	contact, client string // ids, empty until findRecords finds the record of the sync
	want            map[string]string
	gone            bool
}

// syncFixture has the two apps, and changes records in them as people do.
type syncFixture struct {
	t       *testing.T
	clock   *clock.Manual
	crm     *sandbox.Sandbox
	banks   map[string]*sandbox.Sandbox
	proxies map[string]*httptest.Server // of the apps, by "highlevel" or place
	network *lossyProxy

	mu         sync.Mutex
	random     *rand.Rand
	people     []*pair
	changes    int
	concurrent int
	checked    map[string]int // requests that were checked, by proxy
}

func organisation(place string) string {
	return fmt.Sprintf("0d2f6c3e-5a41-4c7e-9b8a-%012x", slices.Index(cities, place)+1)
}

func newSyncFixture(t *testing.T, seed uint64) *syncFixture {
	clock := clock.NewManual(time.Now().Round(0))
	s := &syncFixture{t: t, clock: clock, banks: map[string]*sandbox.Sandbox{}, proxies: map[string]*httptest.Server{},
		network: newLossyProxy(t, seed, clock), random: rand.New(rand.NewPCG(seed, 1)), checked: map[string]int{}}
	s.crm = newSandbox(t, sandbox.Config{Seed: int64(seed), Now: clock.Now})
	s.startProxy("highlevel", s.crm)
	for i, place := range cities {
		bank, err := sandbox.New(sandbox.Config{
			Apps: slices.DeleteFunc(all.Apps(), func(a *bindings.App) bool { return a.Name != "qonto" }), Rules: all.Rules(), Now: clock.Now, Seed: int64(seed) + int64(i) + 1,
			Accounts: map[string]string{"qonto": organisation(place)}, Tokens: map[string][]string{"qonto": {"key-of-" + place}},
		})
		must(t, err)
		must(t, bank.Start(context.WithoutCancel(t.Context()), "127.0.0.1:0"))
		t.Cleanup(func() { must(t, bank.Close()) })
		s.banks[place] = bank
		s.startProxy(place, bank)
	}
	s.network.dropped["oslo"], s.network.dropped[organisation("oslo")] = true, true
	return s
}

// startProxy starts the proxy through which the engine calls an app. Before some
// calls, the proxy changes the same record.
func (s *syncFixture) startProxy(name string, apps *sandbox.Sandbox) {
	s.proxies[name] = httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut || r.Method == http.MethodPatch {
			s.changeConcurrently(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
		}
		apps.Handler().ServeHTTP(answer, r)
	}))
	s.t.Cleanup(s.proxies[name].Close)
}

// config returns the configuration of an engine for both apps.
func (s *syncFixture) config(dir string, log *logBuffer) engine.Config {
	c := engine.Config{
		Apps: fastFullPolls(all.Apps()), Listen: "127.0.0.1:0", Grace: maxWait, Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"),
		Clock: s.clock, Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{ReplaceAttr: s.logTime})), Accounts: map[string][]string{},
		Connections: []connection.Settings{{
			Name: "highlevel/agency", Account: "sandboxCompany000001", As: "company", BaseURL: s.proxies["highlevel"].URL + "/highlevel",
			TokenURL: s.proxies["highlevel"].URL + "/highlevel/oauth/token", Credentials: maps.Clone(credentials["highlevel"]),
			WebhookKeys: map[string]string{"ed25519": s.crm.PublicKey("highlevel")},
		}},
	}
	for _, place := range cities {
		location := connection.Settings{Name: "highlevel/" + place, Account: "loc-" + place, Parent: "highlevel/agency", Reconcile: 10 * time.Minute}
		account := connection.Settings{
			Name: "qonto/" + place, Account: organisation(place), BaseURL: s.proxies[place].URL + "/qonto", WebhookSecret: "secret-of-" + place,
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

// logTime sets the time of log lines to that of the clock.
func (s *syncFixture) logTime(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		a.Value = slog.TimeValue(s.clock.Now())
	}
	return a
}

// fastFullPolls has full polls, which find removed records, every 10 minutes
// instead of each day.
func fastFullPolls(apps []*bindings.App) []*bindings.App {
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

// TestTwoWayContacts syncs the contacts of three locations with the clients of
// three accounts for an hour (by the test's clock). Meanwhile records are created,
// changed and deleted on both sides, some just before a call of the engine, and
// webhooks are lost, late, doubled and out of order. In the end both sides have the
// values of the last changes, no run starts any more, and no request contained data
// of another account.
func TestTwoWayContacts(t *testing.T) {
	seeds, changes := []uint64{1}, 150
	if soak {
		seeds, changes = []uint64{2, 3, 5, 8, 13, 21}, 900
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			s := newSyncFixture(t, seed)
			dir := journaltest.Folder(t)
			f := &fixture{t: t, apps: s.crm, log: newLogBuffer(), data: filepath.Join(dir, "data"), scripts: filepath.Join(dir, "scripts")}
			must(t, os.Mkdir(f.scripts, 0o755))
			for name, text := range templates(t) {
				if strings.HasPrefix(name, "two-way-contacts/") {
					f.write(name, text)
				}
			}
			f.start(s.config(dir, f.log))
			s.network.target = f.engine.URL()
			must(t, s.crm.Subscribe("highlevel", s.network.server.URL+"/hooks/highlevel", ""))
			for place, bank := range s.banks {
				must(t, bank.Subscribe("qonto", s.network.server.URL+"/hooks/qonto", "secret-of-"+place))
			}
			s.pass(f, 2*time.Minute, nil) // the first polls
			times := make([]time.Duration, changes)
			for i := range times {
				times[i] = time.Duration(s.random.Int64N(int64(time.Hour)))
			}
			slices.Sort(times)
			s.pass(f, time.Hour, times)
			s.pass(f, 45*time.Minute, nil) // late webhooks, and two full polls
			s.expectEqual()
			runs := s.count(f)
			t.Logf("%d changes, %d of them just before a call; webhooks: %d lost, %d twice, %d late; runs %v", s.changes, s.concurrent,
				s.network.losses, s.network.doubles, s.network.delays, runs)
			all := 0
			for _, n := range runs {
				all += n
			}
			if runs[journal.Succeeded] != all {
				t.Errorf("runs: %v; expected all to succeed", runs)
			}
			// A change has a run, and its copy on the other side may have one;
			// some events arrive twice. An echo must not start a third.
			if 2*all > 5*s.changes {
				t.Errorf("%d runs for %d changes: echoes start some", all, s.changes)
			}
			s.pass(f, 45*time.Minute, nil)
			if later := s.count(f); !maps.Equal(runs, later) {
				t.Errorf("runs were %v and are %v, although there was no change", runs, later)
			}
			s.checkRequests()
			if t.Failed() {
				t.Logf("the log:\n%s", f.log)
			}
		})
	}
}

func (s *syncFixture) count(e *fixture) map[journal.State]int {
	counts := map[journal.State]int{}
	for q := (journal.RunQuery{Limit: 1000}); ; {
		runs, err := e.journal.Runs(s.t.Context(), q)
		must(s.t, err)
		for _, one := range runs {
			counts[one.State]++
			q.Before = one.Seq
		}
		if len(runs) < q.Limit {
			return counts
		}
	}
}

// pass lets time pass, with changes at the times given.
func (s *syncFixture) pass(e *fixture, d time.Duration, times []time.Duration) {
	const stride = 5 * time.Second
	for passed := time.Duration(0); passed < d; passed += stride {
		for len(times) > 0 && times[0] <= passed {
			s.change()
			times = times[1:]
		}
		s.clock.Advance(stride)
		s.network.deliverDue()
		s.quiet(e)
		if passed%(5*time.Minute) == 0 {
			s.checkRequests()
		}
	}
}

// quiet waits until nothing is logged for a moment. Work that takes longer
// continues while time passes, as with a real clock.
func (s *syncFixture) quiet(e *fixture) {
	for {
		moved := e.log.changed()
		select {
		case <-moved:
		case <-time.After(2 * time.Millisecond):
			return
		}
	}
}

// ask makes a request of a person to an app.
func (s *syncFixture) ask(p *pair, app, method, path string, body map[string]string) gjson.Result {
	apps, token := s.crm, "Bearer "+sandbox.Token
	if app == "qonto" {
		apps, token = s.banks[p.place], "demo:key-of-"+p.place
	}
	text, err := json.Marshal(body)
	must(s.t, err)
	request := httptest.NewRequest(method, "/"+app+path, strings.NewReader(string(text)))
	request.Header = http.Header{"Authorization": {token}, "Content-Type": {"application/json"}, "Version": {"2021-07-28"}}
	answer := httptest.NewRecorder()
	if method != http.MethodGet { // so that no two changes have the same time
		s.clock.Advance(3 * time.Millisecond)
		defer s.clock.Advance(3 * time.Millisecond)
	}
	apps.Handler().ServeHTTP(answer, request)
	if answer.Code == http.StatusNotFound {
		return gjson.Result{}
	}
	if answer.Code > 299 {
		s.t.Errorf("%s %s %s was answered with %d %s", app, method, path, answer.Code, answer.Body)
	}
	return gjson.ParseBytes(answer.Body.Bytes())
}
