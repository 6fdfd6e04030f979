package journaltest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

// wrote is what a call made of the contact c_1.
func wrote(record, data string) journal.Effect {
	return journal.Effect{Written: &change.Written{
		Connection: "highlevel", Noun: "highlevel.contact", Record: record, Data: json.RawMessage(data),
		EchoRule: change.EchoRule{Version: "changed", Free: []string{"dateUpdated"}},
	}}
}

// updated is an event that a vendor tells of a contact.
func updated(id, record, data string, hooks ...*journal.Hook) journal.Arrival {
	e := contact(id, record, data)
	e.Type = "highlevel.contact.updated"
	return arrival(e, hooks...)
}

func onUpdates(h *journal.Hook) { h.Triggers = []string{"highlevel.contact.updated"} }

// echoed reports whether an event was taken for an echo. The hook that is told
// of it wants none.
func (f *fixture) echoed(a journal.Arrival) bool {
	f.Helper()
	a.Hooks = []*journal.Hook{hook("sync", onUpdates, laneless)}
	receipt := f.accept(a)[0]
	event, _, err := f.store.Event(f.ctx, a.Event.ID)
	f.do(err)
	want(f, "runs of an event whose echo is "+map[bool]string{true: "true", false: "false"}[event.Echo], len(receipt.Runs), map[bool]int{true: 0, false: 1}[event.Echo])
	return event.Echo
}

// doubted accepts an event that begins no run before a call is answered.
func (f *fixture) doubted(a journal.Arrival) {
	f.Helper()
	want(f, "an echo already: "+a.Event.ID, f.echoedNow(a), false)
	_, runs, err := f.store.Event(f.ctx, a.Event.ID)
	f.do(err)
	want(f, "runs before the answer, of event "+a.Event.ID, len(runs), 0)
}

func (f *fixture) echoedNow(a journal.Arrival) bool {
	a.Hooks = []*journal.Hook{hook("sync", onUpdates, laneless)}
	f.accept(a)
	event, _, err := f.store.Event(f.ctx, a.Event.ID)
	f.do(err)
	return event.Echo
}

// wasEcho reports what became of an event that was in doubt.
func (f *fixture) wasEcho(id string) bool {
	f.Helper()
	event, runs, err := f.store.Event(f.ctx, "highlevel:"+id)
	f.do(err)
	want(f, "runs of event "+id, len(runs), map[bool]int{true: 0, false: 1}[event.Echo])
	return event.Echo
}

const known = `{"id":"c_1","email":"ada@example.com","firstName":"Ada","tags":["vip","new"],"dateUpdated":"2026-03-01"}`

var echoTests = map[string]func(f *fixture){
	"an event that tells just what a call wrote is an echo": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		want(f, "the same", f.echoed(updated("1", "c_1", `{"id":"c_1","email":"ADA@example.com","tags":["new","vip"],"dateUpdated":"2026-03-02"}`)), true)
		want(f, "told again", f.echoed(updated("2", "c_1", known)), true)
	},
	"an event that tells anything else is none": func(f *fixture) {
		for name, data := range map[string]string{
			"another value":   `{"id":"c_1","email":"eve@example.com","firstName":"Ada"}`,
			"a value removed": `{"id":"c_1","email":"ada@example.com","firstName":null}`,
			"another list":    `{"id":"c_1","email":"ada@example.com","tags":["vip"]}`,
			"nothing known":   `{"id":"c_1","phone":"1"}`,
			"free ones alone": `{"id":"c_1","dateUpdated":"2026-03-01"}`,
		} {
			f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
			want(f, name, f.echoed(updated(name, "c_1", data)), false)
		}
	},
	"what is told of another kind of change is none": func(f *fixture) {
		for verb, echo := range map[string]bool{"created": false, "updated": true} {
			made := wrote("c_1", known)
			made.Written.Verbs = []string{verb}
			f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), made)
			want(f, verb, f.echoed(updated(verb, "c_1", known)), echo)
		}
		made := wrote("", known)
		made.Written.Verbs = []string{"updated"}
		begun := step(1, "highlevel.contacts.create", `{}`)
		begun.State = journal.Begun
		f.record(f.begun(), begun, made)
		f.doubted(updated("other", "c_9", known)) // it may be the one that is still to get its id
	},
	"an event that tells which field changed is one if a call wrote it": func(f *fixture) {
		for field, echo := range map[string]bool{"completed": true, "name": false} {
			made := wrote("t_1", `{"completed":true,"notes":"Call"}`)
			made.Written.Changed, made.Written.Sent = "change.field", []string{"completed", "notes"}
			f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), made)
			tells := `{"resource":{"gid":"t_1"},"change":{"field":"` + field + `"}}`
			want(f, field, f.echoed(updated(field, "t_1", tells)), echo)
			want(f, field+" again, by somebody else", f.echoed(updated(field+" again", "t_1", tells)), false)
		}
	},
	"after another's change the same as before is news": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		want(f, "another's", f.echoed(updated("1", "c_1", `{"email":"eve@example.com"}`)), false)
		want(f, "back again", f.echoed(updated("2", "c_1", known)), false)
	},
	"what an echo tells beyond what was known is known from then on": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", `{"email":"ada@example.com"}`))
		want(f, "the echo", f.echoed(updated("1", "c_1", `{"email":"ada@example.com","firstName":"Ada"}`)), true)
		want(f, "another's", f.echoed(updated("2", "c_1", `{"email":"ada@example.com","firstName":"Eve"}`)), false)
	},
	"an event of a later change is none, although it tells the same": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", `{"email":"a@b.c","changed":"2026-03-01T12:00:00Z"}`))
		want(f, "of that change", f.echoed(updated("1", "c_1", `{"email":"a@b.c","changed":"2026-03-01T12:00:00.000Z"}`)), true)
		want(f, "of a later one", f.echoed(updated("2", "c_1", `{"email":"a@b.c","changed":"2026-03-01T12:00:01Z"}`)), false)
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		late := updated("3", "c_1", known)
		late.Event.Time = f.clock.Now().Add(2 * time.Minute)
		want(f, "long after, by the vendor's clock", f.echoed(late), false)
	},
	"records, connections and nouns are apart": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		want(f, "another record", f.echoed(updated("1", "c_2", known)), false)
		other := updated("2", "c_1", known)
		other.Event.Connection = "highlevel/paris"
		want(f, "another connection", f.echoed(other), false)
		want(f, "the one", f.echoed(updated("3", "c_1", known)), true)
	},
	"by hand or emitted an event is never an echo": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		for _, source := range []journal.Source{journal.Manual, journal.Emit} {
			a := updated(string(source), "c_1", known)
			a.Event.Source = source
			want(f, string(source), f.echoed(a), false)
		}
		for _, source := range []journal.Source{journal.Poll, journal.Reconcile} {
			a := updated(string(source), "c_1", known)
			a.Event.Source = source
			want(f, string(source), f.echoed(a), true)
		}
	},
	"a hook that wants echoes gets them, and what watches a change learns of them": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		a := updated("1", "c_1", known, hook("all", onUpdates, func(h *journal.Hook) { h.Echo = true }),
			hook("watch", onUpdates, func(h *journal.Hook) { h.Changed = "email" }))
		receipt := f.accept(a)[0]
		want(f, "runs", len(receipt.Runs), 1)
		want(f, "the event that the run has", f.nextIs(receipt.Runs[0]).Event.Echo, true)
		again := f.accept(updated("2", "c_1", `{"email":"ada@example.com","firstName":"Eve"}`, a.Hooks[1]))[0]
		want(f, "runs of what did not change", len(again.Runs), 0)
	},
	"what comes before the answer waits for it": func(f *fixture) {
		h := f.begun()
		f.record(h, begun(1, "highlevel.contacts.update"), wrote("c_1", `{"email":"ada@example.com"}`))
		want(f, "another value, meanwhile", f.echoed(updated("1", "c_1", `{"email":"eve@example.com"}`)), false)
		f.doubted(updated("2", "c_1", known))
		f.doubted(updated("3", "c_1", `{"email":"ada@example.com","firstName":"Eve"}`))
		f.reopen()
		f.record(holder(f.next()), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		want(f, "ours", f.wasEcho("2"), true)
		want(f, "another's, meanwhile", f.wasEcho("3"), false)
		want(f, "afterwards", f.echoed(updated("4", "c_1", known)), false)
		want(f, "the first run", f.next().Event.ID, "highlevel:1")
		want(f, "the next", f.next().Event.ID, "highlevel:3")
	},
	"so does that of a record which the vendor was to name": func(f *fixture) {
		h := f.begun()
		f.record(h, begun(1, "highlevel.contacts.create"), wrote("", `{"email":"ada@example.com"}`))
		f.reopen()
		want(f, "another's", f.echoed(updated("1", "c_8", `{"email":"eve@example.com"}`)), false)
		f.doubted(updated("2", "c_9", `{"email":"ada@example.com"}`))
		f.doubted(updated("3", "c_7", `{"email":"ada@example.com"}`))
		f.record(holder(f.next()), step(1, "highlevel.contacts.create", `{}`), wrote("c_9", known))
		want(f, "ours", f.wasEcho("2"), true)
		want(f, "of another record", f.wasEcho("3"), false)
		want(f, "of another record afterwards", f.echoed(updated("4", "c_8", `{"email":"ada@example.com"}`)), false)
		want(f, "afterwards", f.echoed(updated("5", "c_9", known)), true)
	},
	"what waits for an answer that does not come is told": func(f *fixture) {
		for name, end := range map[string]func(h journal.Lease){
			"withdrawn": func(h journal.Lease) { f.do(f.store.Withdraw(f.ctx, h, 1)) },
			"failed": func(h journal.Lease) {
				erred := step(1, "highlevel.contacts.update", "")
				erred.State, erred.Result = journal.Erred, nil
				f.record(h, erred, journal.Effect{})
			},
			"held": func(h journal.Lease) {
				mark := begun(1, "highlevel.contacts.update")
				f.do(f.store.Park(f.ctx, h, journal.Park{State: journal.Held, Step: &mark, Problem: &journal.Problem{Message: "?"}}))
			},
			"cancelled": func(h journal.Lease) { f.do(f.store.Cancel(f.ctx, h.Run)) },
			"over":      func(h journal.Lease) { f.do(f.store.Finish(f.ctx, h, journal.Finish{State: journal.Failed})) },
		} {
			h := f.begun()
			f.record(h, begun(1, "highlevel.contacts.update"), wrote("c_1", `{"email":"ada@example.com"}`))
			f.doubted(updated(name, "c_1", known))
			end(h)
			want(f, name, f.wasEcho(name), false)
			want(f, "the run of what is "+name, f.next().Event.ID, "highlevel:"+name)
		}
	},
	"a call that failed, or was withdrawn, wrote nothing": func(f *fixture) {
		h := f.begun()
		f.record(h, begun(1, "highlevel.contacts.update"), wrote("c_1", known))
		f.do(f.store.Withdraw(f.ctx, h, 1))
		want(f, "withdrawn", f.echoed(updated("1", "c_1", known)), false)
		f.record(h, begun(1, "highlevel.contacts.update"), wrote("c_1", known))
		erred := step(1, "highlevel.contacts.update", "")
		erred.State, erred.Result = journal.Erred, nil
		f.record(h, erred, journal.Effect{})
		want(f, "failed", f.echoed(updated("2", "c_1", known)), false)
	},
	"what somebody else changed is told, although our own change brings it": func(f *fixture) {
		sent := func(data string) journal.Effect {
			made := wrote("c_1", data)
			made.Written.Sent = []string{"email"}
			return made
		}
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), sent(`{"email":"a@b.c","city":"Paris","visits":1}`))
		want(f, "with nothing to compare", f.echoed(updated("1", "c_1", `{"email":"a@b.c","city":"Paris","visits":1}`)), true)
		want(f, "another's", f.echoed(updated("2", "c_1", `{"email":"a@b.c","city":"Oslo","visits":1}`)), false)
		// Of Rome nobody was told.
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), sent(`{"email":"d@b.c","city":"Rome","visits":1}`))
		rome := `{"email":"d@b.c","city":"Rome","visits":1}`
		want(f, "ours, with another's of which nobody was told", f.echoed(updated("3", "c_1", rome)), false)
		want(f, "once told", f.echoed(updated("4", "c_1", rome)), true)
		// What changes with every write is the vendor's own.
		for n, echo := range []bool{false, false, true, true} {
			data := fmt.Sprintf(`{"email":"%d@b.c","city":"Rome","visits":%d}`, n, n+2)
			f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), sent(data))
			want(f, "a counter, the "+fmt.Sprint(n+1)+". time", f.echoed(updated(fmt.Sprint("n", n), "c_1", data)), echo)
		}
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), sent(`{"email":"e@b.c","city":"Nice","visits":9}`))
		want(f, "another's beside a counter", f.echoed(updated("5", "c_1", `{"email":"e@b.c","city":"Nice","visits":9}`)), false)
	},
	"an event of before our change tells what it tells, and the echo is one still": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", `{"email":"b@b.c","changed":"2026-03-01T12:00:05Z"}`))
		want(f, "late", f.echoed(updated("1", "c_1", `{"email":"a@b.c","city":"Rome","changed":"2026-03-01T12:00:01Z"}`)), false)
		want(f, "ours", f.echoed(updated("2", "c_1", `{"email":"b@b.c","city":"Rome","changed":"2026-03-01T12:00:05.4Z"}`)), true)
		now := step(1, "highlevel.contacts.update", `{}`)
		now.Started = f.clock.Now()
		f.record(f.begun(), now, wrote("c_1", `{"email":"b@b.c"}`))
		early := updated("3", "c_1", `{"email":"b@b.c"}`)
		early.Event.Time = f.clock.Now().Add(-2 * time.Minute)
		want(f, "the same, long before", f.echoed(early), false)
	},
	"other letters are another's once, and the vendor's own in the end": func(f *fixture) {
		for n, echo := range []bool{false, false, true} {
			f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", `{"firstName":"ada"}`))
			want(f, fmt.Sprint("time ", n), f.echoed(updated(fmt.Sprint(n), "c_1", `{"firstName":"Ada"}`)), echo)
		}
	},
	"the end of a record that we deleted is an echo": func(f *fixture) {
		gone := wrote("c_1", `{}`)
		gone.Written.Gone = true
		f.record(f.begun(), step(1, "highlevel.contacts.delete", `{}`), gone)
		a := updated("1", "c_1", `{"id":"c_1"}`)
		want(f, "an update, late", f.echoed(a), false)
		f.clock.Pass(time.Hour) // however late
		a = updated("2", "c_1", `{"id":"c_1"}`)
		a.Event.Type = "highlevel.contact.deleted"
		f.accept(arrival(a.Event, hook("x", func(h *journal.Hook) { h.Triggers = []string{a.Event.Type} })))
		event, runs, err := f.store.Event(f.ctx, a.Event.ID)
		f.do(err)
		want(f, "the end", event.Echo, true)
		want(f, "runs", len(runs), 0)
	},
	"what was written is forgotten with the ids of events": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		f.clock.Pass(48 * time.Hour)
		_, err := f.store.Prune(f.ctx, journal.Retention{IDs: 24 * time.Hour})
		f.do(err)
		want(f, "long after", f.echoed(updated("1", "c_1", known)), false)
	},
}
