package journaltest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

// wrote is the effect of a call that wrote the contact c_1.
func wrote(record, data string) journal.Effect {
	return journal.Effect{Written: &change.Written{
		Connection: "highlevel", Noun: "highlevel.contact", Record: record, Data: json.RawMessage(data),
		EchoRule: change.EchoRule{Version: "changed", Free: []string{"dateUpdated"}},
	}}
}

// updated is an event of a vendor about an updated contact.
func updated(id, record, data string, hooks ...*journal.Hook) journal.Arrival {
	e := contact(id, record, data)
	e.Type = "highlevel.contact.updated"
	return arrival(e, hooks...)
}

func onUpdates(h *journal.Hook) { h.Triggers = []string{"highlevel.contact.updated"} }

// echoed reports whether an event was accepted as an echo. Its hook is without
// Echo.
func (f *fixture) echoed(a journal.Arrival) bool {
	f.Helper()
	a.Hooks = []*journal.Hook{hook("sync", onUpdates, laneless)}
	receipt := f.accept(a)[0]
	event, _, err := f.store.Event(f.ctx, a.Event.ID)
	f.do(err)
	want(f, "runs of an event whose echo is "+map[bool]string{true: "true", false: "false"}[event.Echo], len(receipt.Runs), map[bool]int{true: 0, false: 1}[event.Echo])
	return event.Echo
}

// deferred accepts an event that starts no run before a call is answered.
func (f *fixture) deferred(a journal.Arrival) {
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

// wasEcho reports whether a deferred event was an echo in the end.
func (f *fixture) wasEcho(id string) bool {
	f.Helper()
	event, runs, err := f.store.Event(f.ctx, "highlevel:"+id)
	f.do(err)
	want(f, "runs of event "+id, len(runs), map[bool]int{true: 0, false: 1}[event.Echo])
	return event.Echo
}

const known = `{"id":"c_1","email":"ada@example.com","firstName":"Ada","tags":["vip","new"],"dateUpdated":"2026-03-01"}`

var echoTests = map[string]func(f *fixture){
	"an event with only what a call wrote is an echo": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		want(f, "the same", f.echoed(updated("1", "c_1", `{"id":"c_1","email":"ADA@example.com","tags":["new","vip"],"dateUpdated":"2026-03-02"}`)), true)
		want(f, "sent again", f.echoed(updated("2", "c_1", known)), true)
	},
	"an event with anything else is no echo": func(f *fixture) {
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
	"an event of another kind of change is no echo": func(f *fixture) {
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
		f.deferred(updated("other", "c_9", known)) // it may be the record whose id is not known yet
	},
	"an event that names the changed field is an echo if a call wrote the field": func(f *fixture) {
		for field, echo := range map[string]bool{"completed": true, "name": false} {
			made := wrote("t_1", `{"completed":true,"notes":"Call"}`)
			made.Written.Changed, made.Written.Sent = "change.field", []string{"completed", "notes"}
			f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), made)
			data := `{"resource":{"gid":"t_1"},"change":{"field":"` + field + `"}}`
			want(f, field, f.echoed(updated(field, "t_1", data)), echo)
			want(f, field+" again, by somebody else", f.echoed(updated(field+" again", "t_1", data)), false)
		}
	},
	"after somebody else's change the same values as before are no echo": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		want(f, "somebody else's", f.echoed(updated("1", "c_1", `{"email":"eve@example.com"}`)), false)
		want(f, "the same as before", f.echoed(updated("2", "c_1", known)), false)
	},
	"further fields of an echo are known from then on": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", `{"email":"ada@example.com"}`))
		want(f, "the echo", f.echoed(updated("1", "c_1", `{"email":"ada@example.com","firstName":"Ada"}`)), true)
		want(f, "somebody else's", f.echoed(updated("2", "c_1", `{"email":"ada@example.com","firstName":"Eve"}`)), false)
	},
	"an event of a later change with the same values is no echo": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", `{"email":"a@b.c","changed":"2026-03-01T12:00:00Z"}`))
		want(f, "of that change", f.echoed(updated("1", "c_1", `{"email":"a@b.c","changed":"2026-03-01T12:00:00.000Z"}`)), true)
		want(f, "of a later one", f.echoed(updated("2", "c_1", `{"email":"a@b.c","changed":"2026-03-01T12:00:01Z"}`)), false)
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		late := updated("3", "c_1", known)
		late.Event.Time = f.clock.Now().Add(2 * time.Minute)
		want(f, "long after, by the vendor's clock", f.echoed(late), false)
	},
	"an event of a call without an answer is deferred, however long the call takes": func(f *fixture) {
		h, call := f.begun(), step(1, "highlevel.contacts.update", `{}`)
		call.Started, call.State = f.clock.Now(), journal.Begun
		f.record(h, call, wrote("c_1", known))
		f.clock.Advance(10 * time.Minute)
		e := updated("1", "c_1", known)
		e.Event.Time = f.clock.Now()
		f.deferred(e)
		call.State = journal.Done
		f.record(h, call, wrote("c_1", known))
		want(f, "an echo", f.wasEcho("1"), true)
	},
	"records, connections and nouns are separate": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		want(f, "another record", f.echoed(updated("1", "c_2", known)), false)
		other := updated("2", "c_1", known)
		other.Event.Connection = "highlevel/paris"
		want(f, "another connection", f.echoed(other), false)
		want(f, "the one", f.echoed(updated("3", "c_1", known)), true)
	},
	"a manual or emitted event is never an echo": func(f *fixture) {
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
	"a hook with Echo gets echoes, and a hook with Changed records their values": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		a := updated("1", "c_1", known, hook("all", onUpdates, func(h *journal.Hook) { h.Echo = true }),
			hook("watch", onUpdates, func(h *journal.Hook) { h.Changed = "email" }))
		receipt := f.accept(a)[0]
		want(f, "runs", len(receipt.Runs), 1)
		want(f, "the event that the run has", f.nextIs(receipt.Runs[0]).Event.Echo, true)
		again := f.accept(updated("2", "c_1", `{"email":"ada@example.com","firstName":"Eve"}`, a.Hooks[1]))[0]
		want(f, "runs of what did not change", len(again.Runs), 0)
	},
	"an event before the answer is deferred until the answer": func(f *fixture) {
		h := f.begun()
		f.record(h, begun(1, "highlevel.contacts.update"), wrote("c_1", `{"email":"ada@example.com"}`))
		want(f, "another value, meanwhile", f.echoed(updated("1", "c_1", `{"email":"eve@example.com"}`)), false)
		f.deferred(updated("2", "c_1", known))
		f.deferred(updated("3", "c_1", `{"email":"ada@example.com","firstName":"Eve"}`))
		f.reopen()
		f.record(lease(f.next()), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		want(f, "ours", f.wasEcho("2"), true)
		want(f, "somebody else's, meanwhile", f.wasEcho("3"), false)
		want(f, "afterwards", f.echoed(updated("4", "c_1", known)), false)
		want(f, "the first run", f.next().Event.ID, "highlevel:1")
		want(f, "the next", f.next().Event.ID, "highlevel:3")
	},
	"an event of a record without an id so far is deferred too": func(f *fixture) {
		h := f.begun()
		f.record(h, begun(1, "highlevel.contacts.create"), wrote("", `{"email":"ada@example.com"}`))
		f.reopen()
		want(f, "somebody else's", f.echoed(updated("1", "c_8", `{"email":"eve@example.com"}`)), false)
		f.deferred(updated("2", "c_9", `{"email":"ada@example.com"}`))
		f.deferred(updated("3", "c_7", `{"email":"ada@example.com"}`))
		f.record(lease(f.next()), step(1, "highlevel.contacts.create", `{}`), wrote("c_9", known))
		want(f, "ours", f.wasEcho("2"), true)
		want(f, "of another record", f.wasEcho("3"), false)
		want(f, "of another record afterwards", f.echoed(updated("4", "c_8", `{"email":"ada@example.com"}`)), false)
		want(f, "afterwards", f.echoed(updated("5", "c_9", known)), true)
	},
	"a deferred event starts its runs if there is no answer": func(f *fixture) {
		for name, end := range map[string]func(h journal.Lease){
			"withdrawn": func(h journal.Lease) { f.do(f.store.Withdraw(f.ctx, h, 1)) },
			"failed": func(h journal.Lease) {
				erred := step(1, "highlevel.contacts.update", "")
				erred.State, erred.Result = journal.Erred, nil
				f.record(h, erred, journal.Effect{})
			},
			"held": func(h journal.Lease) {
				record := begun(1, "highlevel.contacts.update")
				f.do(f.store.Park(f.ctx, h, journal.Park{State: journal.Held, Step: &record, Problem: &journal.Problem{Message: "?"}}))
			},
			"cancelled": func(h journal.Lease) { f.do(f.store.Cancel(f.ctx, h.Run)) },
			"ended":     func(h journal.Lease) { f.do(f.store.Finish(f.ctx, h, journal.Finish{State: journal.Failed})) },
		} {
			h := f.begun()
			f.record(h, begun(1, "highlevel.contacts.update"), wrote("c_1", `{"email":"ada@example.com"}`))
			f.deferred(updated(name, "c_1", known))
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
	"a change by somebody else is reported, although our own change has it too": func(f *fixture) {
		sent := func(data string) journal.Effect {
			made := wrote("c_1", data)
			made.Written.Sent = []string{"email"}
			return made
		}
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), sent(`{"email":"a@b.c","city":"Paris","visits":1}`))
		want(f, "with nothing to compare", f.echoed(updated("1", "c_1", `{"email":"a@b.c","city":"Paris","visits":1}`)), true)
		want(f, "somebody else's", f.echoed(updated("2", "c_1", `{"email":"a@b.c","city":"Oslo","visits":1}`)), false)
		// No event has reported Rome.
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), sent(`{"email":"d@b.c","city":"Rome","visits":1}`))
		rome := `{"email":"d@b.c","city":"Rome","visits":1}`
		want(f, "ours, with a change by somebody else that was not reported", f.echoed(updated("3", "c_1", rome)), false)
		want(f, "once reported", f.echoed(updated("4", "c_1", rome)), true)
		// What changes with every write is the vendor's own.
		for n, echo := range []bool{false, false, true, true} {
			data := fmt.Sprintf(`{"email":"%d@b.c","city":"Rome","visits":%d}`, n, n+2)
			f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), sent(data))
			want(f, "a counter, the "+fmt.Sprint(n+1)+". time", f.echoed(updated(fmt.Sprint("n", n), "c_1", data)), echo)
		}
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), sent(`{"email":"e@b.c","city":"Nice","visits":9}`))
		want(f, "somebody else's, with a counter", f.echoed(updated("5", "c_1", `{"email":"e@b.c","city":"Nice","visits":9}`)), false)
	},
	"an event from before our change is reported, and the echo stays one": func(f *fixture) {
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
	"a difference in case is reported at first, and counts as the vendor's own later": func(f *fixture) {
		for n, echo := range []bool{false, false, true} {
			f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", `{"firstName":"ada"}`))
			want(f, fmt.Sprint("time ", n), f.echoed(updated(fmt.Sprint(n), "c_1", `{"firstName":"Ada"}`)), echo)
		}
	},
	"the deletion of a record that we deleted is an echo": func(f *fixture) {
		gone := wrote("c_1", `{}`)
		gone.Written.Gone = true
		f.record(f.begun(), step(1, "highlevel.contacts.delete", `{}`), gone)
		a := updated("1", "c_1", `{"id":"c_1"}`)
		want(f, "an update, late", f.echoed(a), false)
		f.clock.Advance(time.Hour) // however late
		a = updated("2", "c_1", `{"id":"c_1"}`)
		a.Event.Type = "highlevel.contact.deleted"
		f.accept(arrival(a.Event, hook("x", func(h *journal.Hook) { h.Triggers = []string{a.Event.Type} })))
		event, runs, err := f.store.Event(f.ctx, a.Event.ID)
		f.do(err)
		want(f, "the end", event.Echo, true)
		want(f, "runs", len(runs), 0)
	},
	"what calls wrote is pruned with the ids of events": func(f *fixture) {
		f.record(f.begun(), step(1, "highlevel.contacts.update", `{}`), wrote("c_1", known))
		f.clock.Advance(48 * time.Hour)
		_, err := f.store.Prune(f.ctx, journal.Retention{IDs: 24 * time.Hour})
		f.do(err)
		want(f, "long after", f.echoed(updated("1", "c_1", known)), false)
	},
}
