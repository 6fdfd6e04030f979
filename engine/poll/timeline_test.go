package poll_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

const (
	// expectedLag is how far behind the poller expects the lists to be.
	expectedLag = time.Minute
	// webhookTime is how much later than the change the time of a webhook is.
	webhookTime = 300 * time.Millisecond
)

// untimedList is a kind of list whose items have no times of change.
type untimedList struct {
	name       string
	poll, noun string
	change     func(*bindings.Poll)
	show       func(v *vendor, log []object) // sets the list to what the vendor's log makes
	created    bool                          // items have the time of their creation
}

var untimedLists = []untimedList{
	{name: "plain", poll: "notes", noun: "note", show: showNotes,
		change: func(p *bindings.Poll) { p.OnDeleted, p.Ignore = "", []string{"seen", "created", "updated"} }},
	{name: "full walk", poll: "notes", noun: "note", show: showNotes,
		change: func(p *bindings.Poll) { p.Compare, p.Deleted = []string{"text"}, map[string]string{"state": "gone"} }},
	{name: "created time", poll: "notes", noun: "note", show: showNotes, created: true,
		change: func(p *bindings.Poll) { p.Compare, p.Created = []string{"text"}, "created" }},
	{name: "facet", poll: "notes", noun: "note", show: showNotes,
		change: func(p *bindings.Poll) {
			p.Compare, p.Facets = []string{"text"}, []bindings.Facet{{Trigger: "helpdesk.note.moved", Compare: []string{"column"}}}
		}},
	{name: "per item", poll: "stickers", noun: "sticker", show: func(v *vendor, log []object) { v.boards["b"] = newestOf(log) },
		change: func(p *bindings.Poll) {
			p.Data, p.Adds, p.Compare = nil, map[string]string{"board": "id"}, []string{"text"}
		}},
	{name: "token", poll: "files", noun: "file", show: func(v *vendor, log []object) { v.files = log },
		change: func(p *bindings.Poll) { p.Updated, p.Created, p.Compare = "", "", []string{"text"} }},
	{name: "changes since a time", poll: "cards", noun: "card", show: func(v *vendor, log []object) { v.cards = newestOf(log) },
		change: func(p *bindings.Poll) {
			p.Updated, p.Created, p.Facets, p.FullEvery, p.Compare = "", "", nil, 0, []string{"text"}
		}},
}

func showNotes(v *vendor, log []object) { v.notes = newestOf(log) }

// ofChanges reports whether the list contains only what changed lately.
func (l *untimedList) ofChanges() bool { return l.poll == "files" || l.poll == "cards" }

// newestOf returns the last state of each record.
func newestOf(log []object) []object {
	last := map[any]object{}
	for _, o := range log {
		last[o["id"]] = o
	}
	return slices.SortedFunc(maps.Values(last), func(a, b object) int { return cmp.Compare(a["id"].(string), b["id"].(string)) })
}

// recordState is a state that a record has from a time on.
type recordState struct {
	at      time.Duration // since the first reading of the list
	text    string
	ours    bool          // a call of a script made it
	webhook time.Duration // when its webhook arrives; 0: never
}

// record is a record of the vendor, with its states in the order of their times.
type record struct {
	id     string
	exists bool // before the first reading; then its text was "old"
	states []recordState
}

func (r *record) String() string {
	var b strings.Builder
	b.WriteString(r.id)
	if r.exists {
		b.WriteString(" old")
	}
	for _, s := range r.states {
		fmt.Fprintf(&b, ", %s at %v", s.text, s.at)
		if s.ours {
			b.WriteString(" by us")
		}
		if s.webhook > 0 {
			fmt.Fprintf(&b, " (webhook %v)", s.webhook)
		}
	}
	return b.String()
}

// timeline is a list that is read at intervals while its records change.
type timeline struct {
	list     untimedList
	interval time.Duration
	lag      time.Duration // how far behind the list is
	records  []*record
}

// action is something that happens at a time.
type action struct {
	at    time.Duration
	kind  actionKind
	r     *record // nil for a reading
	state int     // of r
}

// actionKind is what happens. Of actions at the same time the lower kind is first.
type actionKind int

const (
	recordChanges actionKind = iota
	callAnswered
	webhookArrives
	listIsRead
)

// isCreation reports whether the state is the first of its record.
func (a *action) isCreation() bool { return a.state == 0 && !a.r.exists }

// actions are what happens to some of the records, and the readings, in the order of
// their times.
func (tl *timeline) actions(records ...*record) (all []action) {
	end := time.Duration(0)
	for _, r := range tl.records {
		for _, s := range r.states {
			end = max(end, s.at, s.webhook)
		}
	}
	end += expectedLag + 2*tl.interval
	for at := time.Duration(0); at <= end; at += tl.interval {
		all = append(all, action{at: at, kind: listIsRead})
	}
	for _, r := range records {
		for i, s := range r.states {
			all = append(all, action{s.at, recordChanges, r, i})
			if s.ours {
				all = append(all, action{s.at, callAnswered, r, i})
			}
			if s.webhook > 0 {
				all = append(all, action{s.webhook, webhookArrives, r, i})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b action) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.kind, b.kind)) })
	return all
}

// timelineFixture is the vendor and the poller of a timeline.
type timelineFixture struct {
	*fixture
	*timeline
	began   time.Time
	log     []object // what the vendor did
	times   []time.Duration
	data    map[*record][]json.RawMessage // event.data of the states
	created map[string]string             // when each record was
	ours    *callRun
}

// run makes everything happen and returns the number of events about each record,
// by verb and text.
func (tl *timeline) run(t testing.TB) map[string]map[string]int {
	t.Helper()
	f := &timelineFixture{timeline: tl, data: map[*record][]json.RawMessage{}, created: map[string]string{}}
	f.fixture = newFixture(t, everything, func(w *fixture) {
		p, _ := w.app.Poll(tl.list.poll)
		tl.list.change(p)
		w.setting.Poll = tl.interval
		w.vendor.size = 1000
	})
	f.began = f.clock.Now()
	f.ours = newCallRun(f.fixture)
	for _, r := range tl.records {
		if r.exists {
			f.set(-time.Hour, r.id, "old")
		}
	}
	now := time.Duration(0)
	for _, a := range tl.actions(tl.records...) {
		f.clock.Advance(a.at - now)
		now = a.at
		switch a.kind {
		case recordChanges:
			f.data[a.r] = append(f.data[a.r], f.set(a.at, a.r.id, a.r.states[a.state].text))
		case callAnswered:
			f.answer(&a)
		case webhookArrives:
			f.receive(&a)
		case listIsRead:
			f.read(a.at)
		}
	}
	found := f.reported()
	f.close() // now, as a test may run many
	f.closed = true
	return found
}

// set changes a record at the vendor, and returns event.data of its new state.
func (f *timelineFixture) set(at time.Duration, id, text string) json.RawMessage {
	stamp := f.began.Add(at).UTC().Format("2006-01-02T15:04:05.000Z")
	o := object{"id": id, "text": text, "column": text, "created": f.created[id], "updated": stamp}
	if o["created"] == "" {
		f.created[id], o["created"] = stamp, stamp
	}
	f.log, f.times = append(f.log, o), append(f.times, at)
	event := maps.Clone(o)
	switch f.list.name {
	case "per item":
		event["board"] = "b"
	case "plain":
		event["seen"] = true // which is not compared
	}
	data, err := json.Marshal(event)
	f.must(err)
	return data
}

// answer records a call of ours with its answer, as a run does.
func (f *timelineFixture) answer(a *action) {
	f.Helper()
	data := f.data[a.r][a.state]
	f.ours.record(&change.Written{
		Connection: "helpdesk", Noun: "helpdesk." + f.list.noun, Record: a.r.id, Created: a.isCreation(),
		Data:   json.RawMessage(strings.TrimSuffix(string(data), "}") + `,"notify":true}`), // an argument that is no field
		Fields: change.Fields{Names: []string{"id", "text", "column", "created", "updated"}},
	})
}

// receive accepts the webhooks of a state.
func (f *timelineFixture) receive(a *action) {
	f.Helper()
	verbs := []string{"updated"}
	if f.list.name == "facet" {
		verbs = append(verbs, "moved")
	}
	if a.isCreation() {
		verbs = []string{"created"}
	}
	for _, verb := range verbs {
		_, err := f.store.Accept(f.Context(), f.arrival(journal.Event{
			ID: fmt.Sprintf("helpdesk:%s:%s:%d", verb, a.r.id, a.state), Type: "helpdesk." + f.list.noun + "." + verb, Connection: "helpdesk", Account: "acc",
			Time: f.began.Add(a.r.states[a.state].at + webhookTime), Data: f.data[a.r][a.state], Source: journal.Webhook, Record: a.r.id,
		}))
		f.must(err)
	}
}

// read reads the list as it was before the lag.
func (f *timelineFixture) read(now time.Duration) {
	f.Helper()
	n, _ := slices.BinarySearch(f.times, now-f.lag+1)
	f.vendor.do(func() { f.list.show(f.vendor, f.log[:n:n]) })
	if _, err := f.poller.Scan(f.Context(), "helpdesk", f.list.poll, journal.Poll); err != nil {
		f.Fatalf("scan at %v: %v", now, err)
	}
}

func (f *timelineFixture) reported() map[string]map[string]int {
	f.Helper()
	counts := map[string]map[string]int{}
	for _, e := range f.events() {
		if counts[e.Record] == nil {
			counts[e.Record] = map[string]int{}
		}
		counts[e.Record][bindings.TriggerName(e.Type).Verb()+" "+jsonpath.Text(e.Data, "text")]++
	}
	return counts
}
