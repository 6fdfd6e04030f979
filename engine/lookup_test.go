package engine_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// TestLookup makes one call whose result is not known, of an operation that has a
// way to find out whether it was done. The run goes on without a person where that
// is certain, and the call is done once.
func TestLookup(t *testing.T) {
	const write = `shop.notes.write { tag = "a" }`
	tests := []struct {
		name string
		call string // its answer must have the note with tag "a"
		hook string // options
		// posts are what happens to the requests that write, in their order; lists to
		// those that read. The last one repeats; empty: they are answered.
		posts, lists string
		lag, late    time.Duration // of the list, and of a note whose request is "late"
		clockLag     time.Duration // how far the vendor's clock is behind ours
		others       []note        // that are there
		state        journal.State
		notes, sent  int    // how many notes there are with tag "a" in the end, and how often one was sent
		problem      string // in the problem of a held run
		candidates   int
		within       time.Duration // of the event
	}{
		{name: "answer lost", call: write, posts: "answer-lost", state: journal.Succeeded, notes: 1, sent: 1, within: 10 * time.Second},
		{name: "request lost", call: write, posts: "request-lost ok", state: journal.Succeeded, notes: 1, sent: 2, within: 80 * time.Second},
		{name: "answer lost, and the list lags", call: write, posts: "answer-lost", lag: 4900 * time.Millisecond, state: journal.Succeeded, notes: 1, sent: 1, within: 10 * time.Second},
		{name: "answer lost, and the list lags longer", call: write, posts: "answer-lost", lag: 20 * time.Second, state: journal.Succeeded, notes: 1, sent: 1, within: 80 * time.Second},
		{name: "done after 30 s", call: write, posts: "late", late: 30 * time.Second, lag: 4 * time.Second, state: journal.Succeeded, notes: 1, sent: 1, within: 80 * time.Second},
		{name: "done after 64 s", call: write, posts: "late", late: 64 * time.Second, lag: 4 * time.Second, state: journal.Succeeded, notes: 1, sent: 1, within: 80 * time.Second},
		{name: "request lost twice", call: write, posts: "request-lost request-lost ok", state: journal.Succeeded, notes: 1, sent: 3},
		{name: "request lost again and again", call: write, posts: "request-lost", state: journal.Held, notes: 0, sent: 5, problem: "it was not done, and the attempts of retry are used up"},
		{name: "the app is down", call: write, posts: "down ok", state: journal.Succeeded, notes: 1, sent: 2},
		{name: "found among others", call: write, posts: "answer-lost", others: []note{{Tag: "a", Ref: "x"}, {Tag: "b"}}, state: journal.Succeeded, notes: 2, sent: 1},

		{name: "a list that fails for some time", call: write, posts: "answer-lost", lists: "down down down down down down ok", state: journal.Succeeded, notes: 1, sent: 1},
		{name: "a list with a rate limit", call: write, posts: "answer-lost", lists: "busy ok", state: journal.Succeeded, notes: 1, sent: 1},
		{name: "a list that fails for good", call: write, posts: "answer-lost", lists: "down", state: journal.Held, notes: 1, sent: 1, problem: "the look-up failed: "},
		{name: "not found in time, and sent again", call: write, posts: "answer-lost unique", lists: "empty empty empty ok", state: journal.Succeeded, notes: 1, sent: 2},
		{name: "not found in time, and sent again, and not found then", call: write, posts: "answer-lost unique", lists: "empty", state: journal.Failed, notes: 1, sent: 2},
		{name: "a list with errors for good", call: write, posts: "answer-lost", lists: "error", state: journal.Held, notes: 1, sent: 1, problem: "the look-up failed: ", within: 3 * time.Hour},
		{name: "a list that may not be read", call: write, posts: "request-lost", lists: "forbidden", state: journal.Held, notes: 0, sent: 1, problem: "the look-up failed: "},

		{name: "a key of the script's own, answer lost", call: `shop.notes.write { tag = "a", ref = "own" }`, posts: "answer-lost", state: journal.Held, notes: 1, sent: 1,
			problem: "a look-up found one record that may be the call's", candidates: 1},
		{name: "a key of the script's own, request lost", call: `shop.notes.write { tag = "a", ref = "own" }`, posts: "request-lost ok", state: journal.Succeeded, notes: 1, sent: 2},
		{name: "a key of the script's own, and several are equal", call: `shop.notes.write { tag = "a", ref = "own" }`, posts: "answer-lost", others: []note{{Tag: "a"}},
			state: journal.Held, notes: 2, sent: 1, problem: "found 2 records", candidates: 2},
		{name: "a key of the script's own, request lost, and one is equal and old", call: `shop.notes.write { tag = "a", ref = "own" }`, posts: "request-lost ok",
			others: []note{{Tag: "a", At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}}, state: journal.Succeeded, notes: 2, sent: 2},

		{name: "a key of the script's own, request lost, and another call has made an equal one", call: `shop.notes.write { tag = "a", ref = "own" }`, posts: "request-lost ok",
			others: []note{{Tag: "a", Ref: strings.Repeat("0a", 16)}}, state: journal.Succeeded, notes: 2, sent: 2},
		{name: "a key of the script's own that is like one of ours", call: `shop.notes.write { tag = "a", ref = string.rep("0b", 16) }`, posts: "answer-lost",
			others: []note{{Tag: "a", Ref: strings.Repeat("0a", 16)}}, state: journal.Held, notes: 2, sent: 1, problem: "a look-up found one record", candidates: 1},
		{name: "a key of the script's own, not found in time, and sent again", call: `shop.notes.write { tag = "a", ref = "own" }`, posts: "answer-lost unique", lists: "empty empty empty ok",
			state: journal.Succeeded, notes: 1, sent: 2},
		{name: "a key of the script's own, sent again on purpose", call: `shop.notes.write { tag = "a", ref = "own" }`, hook: `on_uncertain = "retry"`, posts: "answer-lost unique",
			state: journal.Succeeded, notes: 1, sent: 2},
		{name: "a key of the script's own that another note has", call: `shop.notes.write { tag = "a", ref = "own" }`, hook: `on_uncertain = "retry"`, posts: "request-lost unique",
			others: []note{{Tag: "b", Ref: "own"}}, state: journal.Failed, notes: 0, sent: 2},
		{name: "a key of the script's own that an equal note has, and nothing was lost", call: `shop.notes.write { tag = "a", ref = "own" }`, posts: "unique",
			others: []note{{Tag: "a", Ref: "own"}}, state: journal.Failed, notes: 1, sent: 1},

		{name: "a vendor's clock that is behind, answer lost", call: `shop.notes.write { tag = "a", ref = "own" }`, posts: "answer-lost", clockLag: 20 * time.Minute,
			state: journal.Held, notes: 1, sent: 1, problem: "a look-up found one record", candidates: 1},
		{name: "a vendor's clock that is behind, request lost", call: `shop.notes.write { tag = "a", ref = "own" }`, posts: "request-lost ok", clockLag: 20 * time.Minute,
			others: []note{{Tag: "a", At: time.Date(2026, 3, 2, 8, 54, 0, 0, time.UTC)}}, state: journal.Succeeded, notes: 2, sent: 2},
		{name: "a vendor's clock that is ahead, answer lost", call: `shop.notes.write { tag = "a", ref = "own" }`, posts: "answer-lost", clockLag: -20 * time.Minute,
			state: journal.Held, notes: 1, sent: 1, problem: "a look-up found one record", candidates: 1},
		{name: "a vendor's clock that is wrong", call: `shop.notes.write { tag = "a", ref = "own" }`, posts: "answer-lost", clockLag: 25 * time.Hour,
			state: journal.Held, notes: 1, sent: 1, problem: "the look-up failed: shop.notes.list: the vendor's clock is 25h0m0s behind this machine's"},

		{name: "raised", call: `(function() local r, err = try(shop.notes.write, { tag = "a" }) assert(err.kind == "uncertain") return { note = { tag = "a" } } end)()`,
			hook: `on_uncertain = "raise"`, posts: "answer-lost", state: journal.Succeeded, notes: 1, sent: 1},
		{name: "retried on purpose", call: write, hook: `on_uncertain = "retry"`, posts: "answer-lost ok", state: journal.Succeeded, notes: 2, sent: 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := &noteVendor{posts: strings.Fields(test.posts), lists: strings.Fields(test.lists), lag: test.lag, late: test.late, clockLag: test.clockLag}
			r := newRunnerFixture(t, lookupScript(test.call, test.hook), v)
			v.start(r, test.others)
			from := r.Now()
			got, steps, _ := r.process(crashEvent, 0, false)
			if got.State != test.state {
				t.Fatalf("the run is %s, want %s: %s; park %+v", got.State, test.state, problem(got), got.Park)
			}
			notes, sent := v.count("a")
			if notes != test.notes || sent != test.sent {
				t.Errorf("there are %d notes, and %d were sent, want %d and %d", notes, sent, test.notes, test.sent)
			}
			if took := r.Now().Sub(from); test.within > 0 && took > test.within {
				t.Errorf("it took %s, want %s at most", took, test.within)
			}
			if refs := slices.Compact(v.refs("a")); len(refs) != 1 {
				t.Errorf("the keys were %q, want the same each time", refs)
			}
			if got.State != journal.Held {
				return
			}
			if !strings.Contains(problem(got), test.problem) {
				t.Errorf("the problem is %q, want %q", problem(got), test.problem)
			}
			l := steps[len(steps)-1].Lookup()
			if l == nil || len(l.Candidates) != test.candidates {
				t.Fatalf("the look-up is %+v, want %d candidates", l, test.candidates)
			}
			for _, c := range l.Candidates {
				var answer struct{ Note note }
				if err := json.Unmarshal(c, &answer); err != nil || answer.Note.Tag != "a" {
					t.Errorf("a candidate is %s", c)
				}
			}
		})
	}
}

// TestLookupDecisions reads who decided about a call.
func TestLookupDecisions(t *testing.T) {
	for posts, want := range map[string]journal.Resolution{"answer-lost": journal.Skip, "request-lost ok": journal.Resend} {
		v := &noteVendor{posts: strings.Fields(posts)}
		r := newRunnerFixture(t, lookupScript(`shop.notes.write { tag = "a" }`, ""), v)
		v.start(r, nil)
		got, _, _ := r.process(crashEvent, 0, false)
		if d := got.Decisions; len(d) != 1 || d[0].Resolution != want || d[0].By != journal.ByLookup || d[0].Step != 1 {
			t.Errorf("%s: the decisions are %+v, want %s by %s", posts, d, want, journal.ByLookup)
		}
	}
}

// TestLookupWithSecrets looks up a call with a secret, among records with secrets of
// other calls. The call is found, and no secret is stored.
func TestLookupWithSecrets(t *testing.T) {
	v := &noteVendor{posts: []string{"answer-lost", "ok"}}
	r := newRunnerFixture(t, lookupScript(`shop.notes.write { tag = secret "pin", ref = "own" }`, ""), v)
	r.secrets = map[string]string{"pin": "pin-of-this-call", "other": "pin-of-another"}
	v.start(r, []note{{Tag: "pin-of-this-call", Ref: "with pin-of-another in it"}})
	got, steps, _ := r.process(crashEvent, 0, false)
	notes, sent := v.count("pin-of-this-call")
	if got.State != journal.Held || notes != 2 || sent != 1 {
		t.Fatalf("the run is %s with %d notes of %d that were sent, want held, 2, 1: %s", got.State, notes, sent, problem(got))
	}
	l := steps[0].Lookup()
	if l == nil || len(l.Candidates) != 2 {
		t.Fatalf("the look-up is %+v, want 2 candidates", l)
	}
	if text := fmt.Sprintf("%s", l.Candidates); strings.Contains(text, "pin-of-") || !strings.Contains(text, `"ref":"with `) {
		t.Errorf("the candidates are %s", text)
	}
}

// TestSendAgainWithOwnKey decides to send a call again, whose key is the script's own
// and which was done. The vendor refuses it, and has the record.
func TestSendAgainWithOwnKey(t *testing.T) {
	v := &noteVendor{posts: []string{"answer-lost", "unique"}}
	r := newRunnerFixture(t, lookupScript(`shop.notes.write { tag = "a", ref = "own" }`, ""), v)
	v.start(r, nil)
	got, _, _ := r.process(crashEvent, 0, false)
	if got.State != journal.Held {
		t.Fatalf("the run is %s: %s", got.State, problem(got))
	}
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: r.storePath(), Clock: r})
	must(t, err)
	must(t, store.DecideCall(t.Context(), got.ID, journal.CallDecision{Resolution: journal.Resend, By: "ada"}))
	must(t, store.Close())
	got, _, _ = r.process(crashEvent, 0, false)
	if notes, sent := v.count("a"); got.State != journal.Succeeded || notes != 1 || sent != 2 {
		t.Errorf("the run is %s with %d notes of %d that were sent, want succeeded, 1, 2: %s", got.State, notes, sent, problem(got))
	}
}

// TestLookupAfterCrash ends the process before and after each write of a run whose
// request, or its answer, is lost. The next process goes on, and the call is done
// once.
func TestLookupAfterCrash(t *testing.T) {
	const byScript = `shop.notes.write({ tag = "a", ref = "own" }, { find = function() for n in each(shop.notes.list) do return { note = n } end return false end })`
	for _, test := range []struct{ call, posts string }{
		{`shop.notes.write { tag = "a" }`, "ok"}, {`shop.notes.write { tag = "a" }`, "answer-lost"},
		{`shop.notes.write { tag = "a" }`, "request-lost ok"}, {`shop.notes.write { tag = "a" }`, "late"},
		{byScript, "ok"}, {byScript, "answer-lost"}, {byScript, "request-lost ok"}, {byScript, "late"},
	} {
		posts := test.posts
		for at := 1; ; at++ {
			v := &noteVendor{posts: strings.Fields(posts), late: 30 * time.Second, lag: 3 * time.Second}
			source := strings.Replace(lookupScript(test.call, ""), "\nend)\n", "\n  state.add(\"n\")\nend)\n", 1)
			r := newRunnerFixture(t, source, v)
			v.start(r, nil)
			_, _, c := r.process(crashEvent, at, at%2 == 0)
			if !c.hasCrashed() {
				break
			}
			got, _, _ := r.process(crashEvent, 0, false)
			if notes, sent := v.count("a"); got.State != journal.Succeeded || notes != 1 {
				t.Errorf("%.30s, %s, crash at write %d (%s): the run is %s (%s), there are %d notes, %d sent", test.call, posts, at, c.names[at-1], got.State, problem(got), notes, sent)
			}
		}
	}
}

// TestLookupOfChangedConnection changes the account of a connection, or its way to
// authorise, while it is not known whether a call was done. Nothing is read or sent
// there.
func TestLookupOfChangedConnection(t *testing.T) {
	for _, call := range []string{
		`shop.notes.write { tag = "a" }`,
		`shop.notes.write({ tag = "a", ref = "own" }, { find = function() return false end })`,
		`shop.request({ path = "/notes", method = "POST", body = { tag = "a" } }, { find = function() return false end })`,
		`shop.items.save { tag = "a" }`, `shop.transfers.make { tag = "a" }`, // which are sent again without a look-up
	} {
		v := &noteVendor{posts: []string{"answer-lost"}}
		r := newRunnerFixture(t, lookupScript(call, ""), v)
		v.start(r, nil)
		if _, _, c := r.process(crashEvent, 2, true); !c.hasCrashed() || !strings.HasSuffix(c.names[1], " begun") {
			t.Fatalf("%s: the writes are %q", call, c.names)
		}
		_, before := v.count("a")
		settings := atShop(r.vendor.URL).Connections
		settings[0].Account = "shop-of-somebody-else"
		var err error
		r.set, err = connection.New(connection.Config{Apps: []*bindings.App{r.app}, Settings: settings, Folder: r.folder, Clock: r})
		must(t, err)
		got, _, _ := r.process(crashEvent, 0, false)
		if _, sent := v.count("a"); got.State != journal.Held || sent != before || !strings.Contains(problem(got), `the connection is now that of "shop-of-somebody-else"`) {
			t.Errorf("%s: the run is %s, and %d were sent, %d of them before: %s", call, got.State, sent, before, problem(got))
		}
	}
}

// TestLookupByScript makes one call with the option find, whose result is not known.
func TestLookupByScript(t *testing.T) {
	const list = `for n in each(shop.notes.list) do if n.tag == "a" then return { note = n } end end return false`
	tests := []struct {
		name, call, find string
		posts, lists     string
		lag, late        time.Duration
		state            journal.State
		notes, sent      int
		problem          string
	}{
		{name: "no fault", find: `error("it is not called")`, posts: "ok", state: journal.Succeeded, notes: 1, sent: 1},
		{name: "answer lost", find: list, posts: "answer-lost", state: journal.Succeeded, notes: 1, sent: 1},
		{name: "request lost", find: list, posts: "request-lost ok", state: journal.Succeeded, notes: 1, sent: 2},
		{name: "done after 30 s", find: list, posts: "late", late: 30 * time.Second, state: journal.Succeeded, notes: 1, sent: 1},
		{name: "the list fails for some time", find: list, posts: "answer-lost", lists: "down down down ok", state: journal.Succeeded, notes: 1, sent: 1},
		{name: "the list may not be read", find: list, posts: "answer-lost", lists: "forbidden", state: journal.Held, notes: 1, sent: 1, problem: "find raised an error: shop.notes.list: "},
		{name: "an error that is caught", find: `local r, err = try(shop.notes.list, {}) assert(err.kind == "forbidden") return false`, posts: "request-lost ok", lists: "forbidden",
			state: journal.Succeeded, notes: 1, sent: 2},
		{name: "nothing", find: ``, posts: "answer-lost", state: journal.Held, notes: 1, sent: 1, problem: "find returned nil"},
		{name: "an error", find: `error("no idea")`, posts: "answer-lost", state: journal.Held, notes: 1, sent: 1, problem: "find raised an error: orders.lua:3: no idea"},
		{name: "too large an answer", find: `return { note = { tag = "a" }, text = string.rep("x", 8 * 1024 * 1024) }`, posts: "answer-lost", state: journal.Held, notes: 1, sent: 1,
			problem: "a look-up found that the call was done, and its answer has 83886"},
		{name: "a function", find: `return print`, posts: "answer-lost", state: journal.Held, notes: 1, sent: 1, problem: "find returned a value that cannot be recorded"},
		{name: "an unsafe call", find: `shop.orders.pay { tag = "a" } return false`, posts: "answer-lost", state: journal.Held, notes: 1, sent: 1,
			problem: "shop.orders.pay cannot be used in the function find, which only makes calls that read"},
		{name: "a variable of the script", call: `(function() local n = 0
			local made = shop.notes.write({ tag = "a", ref = "own" }, { find = function() n = n + 1; FIND end })
			if n > 0 then shop.notes.list { page = "9" } end
			return made end)()`, find: list, posts: "answer-lost", state: journal.Succeeded, notes: 1, sent: 1},
		{name: "a variable of the script, request lost", call: `(function() local n = 0
			local made = shop.notes.write({ tag = "a", ref = "own" }, { find = function() n = n + 1; FIND end })
			if n > 0 then shop.notes.list { page = "9" } end
			return made end)()`, find: list, posts: "request-lost ok", state: journal.Succeeded, notes: 1, sent: 2},
		{name: "no end", find: `while true do end`, posts: "answer-lost", state: journal.Held, notes: 1, sent: 1, problem: "find ended: over the limit of "},
		{name: "too much memory", find: `local t = {} for i = 1, 1e9 do t[i] = { i } end`, posts: "answer-lost", state: journal.Held, notes: 1, sent: 1, problem: "find ended: over the limit of "},
		{name: "a step", find: `state.put("a", 1) return false`, posts: "answer-lost", state: journal.Held, notes: 1, sent: 1, problem: "state.put cannot be used in the function find"},
		{name: "a raw request that reads", find: `return { note = shop.request { path = "/notes" }.notes[1] }`, posts: "answer-lost", state: journal.Succeeded, notes: 1, sent: 1},
		{name: "a raw request that writes", find: `return shop.request { path = "/notes", method = "POST", body = { tag = "b" } }`, posts: "answer-lost", state: journal.Held, notes: 1, sent: 1,
			problem: "shop.request cannot be used in the function find"},
		{name: "of a raw request", call: `shop.request({ path = "/notes", method = "POST", body = { tag = "a" } }, { find = function() FIND end })`, find: list, posts: "answer-lost",
			state: journal.Succeeded, notes: 1, sent: 1},
		{name: "of an app that the catalogue finds by a key", call: `shop.notes.write({ tag = "a" }, { find = function() FIND end })`, find: `return { note = { tag = "a" } }`, posts: "request-lost",
			state: journal.Succeeded, notes: 0, sent: 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.call == "" {
				test.call = `shop.notes.write({ tag = "a", ref = "own" }, { find = function() FIND end })`
			}
			v := &noteVendor{posts: strings.Fields(test.posts), lists: strings.Fields(test.lists), lag: test.lag, late: test.late}
			source := lookupScript(strings.Replace(test.call, "FIND", test.find, 1), "")
			r := newRunnerFixture(t, source, v)
			v.start(r, nil)
			got, steps, _ := r.process(crashEvent, 0, false)
			notes, sent := v.count("a")
			if got.State != test.state || notes != test.notes || sent != test.sent {
				t.Errorf("the run is %s with %d notes of %d that were sent, want %s, %d, %d: %s", got.State, notes, sent, test.state, test.notes, test.sent, problem(got))
			}
			if len(steps) != 1 {
				t.Errorf("there are %d steps, want 1", len(steps))
			}
			if !strings.Contains(problem(got), test.problem) {
				t.Errorf("the problem is %q, want %q", problem(got), test.problem)
			}
		})
	}
}

func lookupScript(call, hook string) string {
	return fmt.Sprintf("local shop = require \"shop\"\non(\"shop.order.created\", { %s }, function()\n  local made = %s\n  assert(made.note.tag == \"a\")\nend)\n", hook, call)
}

// note is a record of noteVendor.
type note struct {
	Tag string    `json:"tag"`
	Ref string    `json:"ref,omitempty"`
	At  time.Time `json:"at"` // when it was, or will be, made
}

// noteVendor has notes, in pages of one. It loses requests and answers.
type noteVendor struct {
	mu           sync.Mutex
	clock        clock.Clock
	posts, lists []string
	lag, late    time.Duration
	clockLag     time.Duration // of the vendor's clock
	notes        []note
	received     []note
}

// start sets the clock and the notes that are there.
func (v *noteVendor) start(c clock.Clock, others []note) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clock = c
	for _, n := range others {
		if n.At.IsZero() {
			n.At = c.Now()
		}
		v.notes = append(v.notes, n)
	}
}

// count returns how many notes there are with a tag, now or later, and how many
// were sent.
func (v *noteVendor) count(tag string) (notes, sent int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range v.notes {
		if n.Tag == tag {
			notes++
		}
	}
	return notes, len(v.received)
}

func (v *noteVendor) refs(tag string) (refs []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range v.received {
		if n.Tag == tag {
			refs = append(refs, n.Ref)
		}
	}
	return refs
}

// next removes the first of the words, unless it is the last.
func next(words *[]string) string {
	if len(*words) == 0 {
		return "ok"
	}
	word := (*words)[0]
	if len(*words) > 1 {
		*words = (*words)[1:]
	}
	return word
}

func (v *noteVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Date", v.clock.Now().Add(-v.clockLag).UTC().Format(http.TimeFormat))
	if r.Method == http.MethodPost {
		v.post(w, r)
		return
	}
	switch next(&v.lists) {
	case "down":
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case "error":
		w.WriteHeader(http.StatusInternalServerError)
		return
	case "empty":
		fmt.Fprint(w, `{"notes":[]}`)
		return
	case "busy":
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case "forbidden":
		w.WriteHeader(http.StatusForbidden)
		return
	}
	v.list(w, r)
}

func (v *noteVendor) list(w http.ResponseWriter, r *http.Request) {
	now := v.clock.Now()
	var listed []note
	for _, n := range v.notes {
		if !n.At.After(now.Add(-v.lag)) {
			n.At = n.At.Add(-v.clockLag)
			listed = append(listed, n)
		}
	}
	var first int
	fmt.Sscan(r.URL.Query().Get("page"), &first)
	answer := map[string]any{"notes": []note{}}
	if first < len(listed) {
		answer["notes"] = listed[first : first+1]
	}
	if first+1 < len(listed) {
		answer["next"] = fmt.Sprint(first + 1)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (v *noteVendor) post(w http.ResponseWriter, r *http.Request) {
	var n note
	if json.NewDecoder(r.Body).Decode(&n) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	v.received = append(v.received, n)
	n.At = v.clock.Now()
	switch what := next(&v.posts); what {
	case "unique":
		if slices.ContainsFunc(v.notes, func(other note) bool { return other.Ref == n.Ref }) {
			w.WriteHeader(http.StatusConflict)
			return
		}
	case "request-lost":
		panic(http.ErrAbortHandler)
	case "down":
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case "late":
		n.At = n.At.Add(v.late)
		fallthrough
	case "answer-lost":
		v.notes = append(v.notes, n)
		panic(http.ErrAbortHandler)
	}
	v.notes = append(v.notes, n)
	_ = json.NewEncoder(w).Encode(map[string]any{"note": n})
}
