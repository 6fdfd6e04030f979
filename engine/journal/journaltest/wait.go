package journaltest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// waits parks the run of h for the first event that the await matches.
func (f *fixture) waits(h journal.Lease, number int, a journal.Await) {
	f.Helper()
	record := begun(number, "wait_for")
	f.park(h, journal.Park{State: journal.Waiting, Step: &record, Await: &a})
}

func paid(id, data string) journal.Event {
	return journal.Event{ID: "qonto:" + id, Type: "qonto.invoice.paid", Connection: "qonto", Time: day, Data: []byte(data), Source: journal.Webhook}
}

func stored(e journal.Event) journal.Arrival { return journal.Arrival{Event: e, StoreUnmatched: true} }

func awaiting(trigger string) journal.Await { return journal.Await{Triggers: []string{trigger}} }

var waitTests = map[string]func(f *fixture){
	"a waiting run releases its lane and is queued last": func(f *fixture) {
		ids := f.queue(3, "c_1", hook("new"))
		record := begun(1, "wait")
		f.park(lease(f.nextIs(ids[0])), journal.Park{State: journal.Waiting, Until: f.clock.Now().Add(time.Hour), Step: &record})
		f.wantState(ids[0], journal.Waiting)
		second := f.nextIs(ids[1])
		f.clock.Advance(time.Hour)
		f.nothingNext()
		f.finish(lease(second), journal.Succeeded)
		f.finish(lease(f.nextIs(ids[2])), journal.Succeeded)
		a := f.nextIs(ids[0])
		want(f, "record", fmt.Sprintf("%s %q %v", a.Steps[0].State, a.Steps[0].Result, a.Steps[0].Error), `done "" <nil>`)
		f.record(lease(a), step(2, "a", `1`), journal.Effect{})
	},
	"a wait for an event times out with its error": func(f *fixture) {
		ids := f.queue(1, "c_1", hook("new"))
		record := begun(1, "wait_for")
		f.park(lease(f.next()), journal.Park{State: journal.Waiting, Until: f.clock.Now().Add(time.Hour), Step: &record,
			Await: &journal.Await{Triggers: []string{"qonto.invoice.paid"}, Timeout: &bindings.Error{Kind: bindings.Timeout, Message: "no event"}}})
		f.clock.Advance(time.Hour)
		a := f.nextIs(ids[0])
		if s := a.Steps[0]; s.State != journal.Erred || s.Error == nil || s.Error.Kind != bindings.Timeout {
			f.Errorf("found %+v", s)
		}
		f.accept(stored(paid("1", `{}`)))
		f.nothingNext()
	},
	"an event wakes it": func(f *fixture) {
		ids := f.queue(1, "c_1", hook("new"))
		h := lease(f.next())
		f.waits(h, 1, awaiting("qonto.invoice.paid"))
		f.nothingNext()
		receipt := f.accept(stored(paid("1", `{"id":7}`)))[0]
		wantList(f, "woken", receipt.Woken, ids)
		a := f.nextIs(ids[0])
		if a.Epoch <= h.Epoch {
			f.Errorf("epoch %d after %d", a.Epoch, h.Epoch)
		}
		e := paid("1", `{"id":7}`)
		table, _ := e.Table()
		want(f, "record", string(a.Steps[0].Result), string(table))
		want(f, "event", a.Steps[0].Event, e.ID)
		want(f, "state", a.Steps[0].State, journal.Done)
	},
	"an event from before the wait wakes it, the oldest first, each once": func(f *fixture) {
		ids := f.queue(1, "c_1", hook("new"))
		f.accept(stored(paid("1", `{}`)), stored(paid("2", `{}`)))
		for i := range 2 {
			f.waits(lease(f.nextIs(ids[0])), i+1, awaiting("qonto.invoice.paid"))
		}
		a := f.nextIs(ids[0])
		want(f, "events", a.Steps[0].Event+" "+a.Steps[1].Event, "qonto:1 qonto:2")
		f.waits(lease(a), 3, awaiting("qonto.invoice.paid"))
		f.nothingNext()
	},
	"it finds an event among very many, of several triggers": func(f *fixture) {
		all := func(from, n int) {
			arrivals := make([]journal.Arrival, n)
			for i := range arrivals {
				e := paid(strconv.Itoa(from+i), fmt.Sprintf(`{"n":%d}`, from+i))
				if i%2 == 1 {
					e.Type = "qonto.invoice.sent"
				}
				arrivals[i] = stored(e)
			}
			f.accept(arrivals...)
		}
		all(0, 2000) // before it began
		id := f.queue(1, "c", hook("new", laneless))[0]
		h := lease(f.next())
		all(2000, 3000)
		of := func(n ...string) journal.Await {
			return journal.Await{Triggers: []string{"qonto.invoice.paid", "qonto.invoice.s*", "qonto.invoice.sent"}, Where: map[string][]string{"n": n}}
		}
		answered := func(number int, n string) {
			f.Helper()
			h = lease(f.nextIs(id))
			_, steps := f.run(id)
			if s := steps[number-1]; s.State != journal.Done || s.Event != "qonto:"+n {
				f.Errorf("wait %d was answered by %q, expected that of %s", number, s.Event, n)
			}
		}
		f.waits(h, 1, of("4001", "3001", "4002"))
		answered(1, "3001")
		f.waits(h, 2, of("3001", "4002", "4001"))
		answered(2, "4001")
		f.waits(h, 3, of("3001", "4001", "1000"))
		f.nothingNext()
		all(5000, 10)
		f.nothingNext()
		f.accept(stored(paid("late", `{"n":1000}`)))
		answered(3, "late")
	},
	"triggers, where and connections decide which event counts": func(f *fixture) {
		for i, c := range []struct {
			await   journal.Await
			event   journal.Event
			answers bool
		}{
			{awaiting("qonto.invoice.*"), paid("", `{}`), true},
			{awaiting("qonto.*.*"), paid("", `{}`), true},
			{awaiting("qonto.client.*"), paid("", `{}`), false},
			{journal.Await{Triggers: []string{"qonto.client.created", "qonto.invoice.paid"}}, paid("", `{}`), true},
			{journal.Await{Triggers: []string{"qonto.invoice.*"}, Where: map[string][]string{"id": {"7"}}}, paid("", `{"id":7.0}`), true},
			{journal.Await{Triggers: []string{"qonto.invoice.paid"}, Where: map[string][]string{"id": {"7", "8"}}}, paid("", `{"id":8}`), true},
			{journal.Await{Triggers: []string{"qonto.invoice.paid"}, Where: map[string][]string{"id": {"7"}}}, paid("", `{"id":"7"}`), false},
			{journal.Await{Triggers: []string{"qonto.invoice.paid"}, Where: map[string][]string{"id": {"7"}, "b": {"true"}}}, paid("", `{"id":7}`), false},
			{journal.Await{Triggers: []string{"qonto.invoice.paid"}, Where: map[string][]string{"id": {"7"}, "b": {"true"}}}, paid("", `{"id":7,"b":true}`), true},
			{journal.Await{Triggers: []string{"qonto.invoice.paid"}, Where: map[string][]string{"none": {"null"}}}, paid("", `{"id":7}`), true},
			{journal.Await{Triggers: []string{"qonto.invoice.paid"}, Where: map[string][]string{"id": {}}}, paid("", `{"id":7}`), false},
			{journal.Await{Triggers: []string{"qonto.invoice.paid"}, Connections: map[string]string{"qonto": "qonto"}}, paid("", `{}`), true},
			{journal.Await{Triggers: []string{"qonto.invoice.paid"}, Connections: map[string]string{"qonto": "qonto/paris"}}, paid("", `{}`), false},
			{journal.Await{Triggers: []string{"qonto.invoice.paid"}, Connections: map[string]string{"highlevel": "highlevel/paris"}}, paid("", `{}`), true},
		} {
			for _, before := range []bool{false, true} {
				name := fmt.Sprint("case ", i, ", event first: ", before)
				c.event.ID = "qonto:" + name
				ids := f.queue(1, name, hook("new", laneless))
				h := lease(f.next())
				if before {
					f.accept(stored(c.event))
				}
				f.waits(h, 1, c.await)
				if !before {
					f.accept(stored(c.event))
				}
				state := journal.Waiting
				if c.answers {
					state = journal.Running
					f.next()
				}
				run, _ := f.run(ids[0])
				want(f, name, run.State, state)
				if err := f.store.Cancel(f.ctx, ids[0]); err != nil {
					f.Fatal(err)
				}
			}
		}
	},
	"a run never waits for its own event, nor for an earlier one": func(f *fixture) {
		f.accept(stored(contact("before", "c_9", `{}`)))
		ids := f.queue(1, "c_1", hook("new"))
		f.waits(lease(f.next()), 1, awaiting("highlevel.contact.created"))
		f.nothingNext()
		f.accept(stored(contact("after", "c_9", `{}`)))
		a := f.nextIs(ids[0])
		want(f, "event", a.Steps[0].Event, "highlevel:after")
	},
	"one event wakes all runs that wait for it, and starts its own": func(f *fixture) {
		ids := f.queue(5, "c_1", hook("new", laneless))
		for range ids {
			f.waits(lease(f.next()), 1, awaiting("qonto.invoice.paid"))
		}
		onPaid := hook("paid", laneless)
		receipt := f.accept(arrival(paid("1", `{}`), onPaid))[0]
		wantList(f, "woken", receipt.Woken, ids)
		for _, id := range append(receipt.Runs, ids...) {
			f.nextIs(id)
		}
	},
	"waits survive a restart": func(f *fixture) {
		ids := f.queue(2, "c_1", hook("new", laneless))
		f.waits(lease(f.next()), 1, journal.Await{Triggers: []string{"qonto.invoice.*"}, Where: map[string][]string{"id": {"7"}}})
		f.waits(lease(f.next()), 1, journal.Await{Approval: "ap_1"})
		f.reopen()
		f.nothingNext()
		run := f.wantState(ids[0], journal.Waiting)
		want(f, "awaits", run.Park.Await.Triggers[0], "qonto.invoice.*")
		f.accept(stored(paid("1", `{"id":7}`)))
		f.reopen()
		f.nextIs(ids[0])
		f.nothingNext()
	},
	"the first event or timer counts, later ones change nothing": func(f *fixture) {
		ids := f.queue(1, "c_1", hook("new"))
		record := begun(1, "wait_for")
		await := awaiting("qonto.invoice.paid")
		f.park(lease(f.next()), journal.Park{State: journal.Waiting, Until: f.clock.Now().Add(time.Hour), Step: &record, Await: &await})
		f.accept(stored(paid("1", `{}`)), stored(paid("2", `{}`)))
		f.clock.Advance(2 * time.Hour)
		a := f.nextIs(ids[0])
		want(f, "event", a.Steps[0].Event, "qonto:1")
		f.nothingNext()
		_, steps := f.run(ids[0])
		want(f, "record", fmt.Sprintf("%+v", steps), fmt.Sprintf("%+v", a.Steps))
	},
	"no wake is lost between an event and a wait for it": func(f *fixture) {
		for round := range 100 {
			ids := f.queue(1, fmt.Sprint("c_", round), hook("new"))
			h := lease(f.next())
			e := paid(fmt.Sprint(round), fmt.Sprintf(`{"id":%d}`, round))
			var both sync.WaitGroup
			both.Go(func() {
				if _, err := f.store.Accept(f.ctx, stored(e)); err != nil {
					f.Errorf("Accept: %v", err)
				}
			})
			both.Go(func() {
				f.waits(h, 1, journal.Await{Triggers: []string{"qonto.invoice.paid"}, Where: map[string][]string{"id": {fmt.Sprint(round)}}})
			})
			both.Wait()
			a := f.nextIs(ids[0])
			want(f, "event", a.Steps[0].Event, e.ID)
			f.finish(lease(a), journal.Succeeded)
		}
	},
	"an emitted event wakes the runs that wait for it": func(f *fixture) {
		ids := f.queue(2, "c_1", hook("new", laneless))
		f.waits(lease(f.nextIs(ids[0])), 1, awaiting("emit:deal.won"))
		emit := stored(won("1"))
		f.record(lease(f.nextIs(ids[1])), step(1, "emit", ``), journal.Effect{Emit: &emit})
		f.nextIs(ids[0])
	},
}

// asks records an approval as a step of the run of h.
func (f *fixture) asks(h journal.Lease, number int, id string, expires time.Time) {
	f.Helper()
	f.record(h, step(number, "approval", `{"id":"`+id+`"}`), journal.Effect{Approval: &journal.Approval{
		ID: id, Title: "Pay?", Text: "7 euros", Choices: []string{"yes", "no"}, Expires: expires}})
}

var approvalTests = map[string]func(f *fixture){
	"an approval is stored as it was created": func(f *fixture) {
		f.queue(1, "c_1", hook("new"))
		h := lease(f.next())
		expires := f.clock.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
		f.asks(h, 1, "ap_1", expires)
		f.reopen()
		a, err := f.store.Approval(f.ctx, "ap_1")
		if err != nil {
			f.Fatal(err)
		}
		if a.Created.IsZero() || a.Decision != nil {
			f.Errorf("found %+v", a)
		}
		a.Created = time.Time{}
		want(f, "approval", fmt.Sprintf("%+v", a), fmt.Sprintf("%+v", journal.Approval{ID: "ap_1", Run: h.Run, Step: 1, Title: "Pay?",
			Text: "7 euros", Choices: []string{"yes", "no"}, Expires: expires}))
		_, steps := f.run(h.Run)
		want(f, "result", string(steps[0].Result), `{"id":"ap_1"}`)
		open, err := f.store.Approvals(f.ctx)
		if err != nil || len(open) != 1 {
			f.Errorf("open: found %v, %v", open, err)
		}
		_, err = f.store.Approval(f.ctx, "ap_2")
		f.wantErr(err, journal.ErrNotFound)
		_, err = f.store.Decide(f.ctx, "ap_2", journal.Decision{Choice: "yes"})
		f.wantErr(err, journal.ErrNotFound)
	},
	"the calls that had its id are stored with it": func(f *fixture) {
		ids := f.queue(2, "c_1", hook("new"))
		h := lease(f.next())
		f.asks(h, 1, "ap_1", time.Time{})
		send := func(h journal.Lease, number int, state journal.StepState, all ...journal.Delivery) {
			one := step(number, "slack.chat.post_message", `{"ts":"1"}`)
			if state == journal.Begun {
				one = begun(number, "slack.chat.post_message")
			}
			f.record(h, one, journal.Effect{Deliveries: all})
		}
		send(h, 2, journal.Begun, journal.Delivery{Approval: "ap_1", Connection: "slack"}, journal.Delivery{Approval: "ap_2", Connection: "slack"})
		sent := func() string {
			a, err := f.store.Approval(f.ctx, "ap_1")
			if err != nil {
				f.Fatal(err)
			}
			return fmt.Sprint(a.Deliveries)
		}
		want(f, "before the answer", sent(), "[{ap_1 slack []}]")
		send(h, 2, journal.Done, journal.Delivery{Approval: "ap_1", Connection: "slack", Message: []string{"C1 1", "1"}})
		f.do(f.store.Finish(f.ctx, h, journal.Finish{State: journal.Succeeded}))
		other := lease(f.nextIs(ids[1]))
		send(other, 1, journal.Done, journal.Delivery{Approval: "ap_1", Connection: "slack/b"})
		f.reopen()
		want(f, "after the answers", sent(), "[{ap_1 slack [C1 1 1]} {ap_1 slack/b []}]")
	},
	"a decision wakes the run, before or after it waits": func(f *fixture) {
		for _, before := range []bool{true, false} {
			id := fmt.Sprint("ap_", before)
			ids := f.queue(1, id, hook("new"))
			h := lease(f.next())
			f.asks(h, 1, id, time.Time{})
			decide := func() {
				a, err := f.store.Decide(f.ctx, id, journal.Decision{Choice: "yes", By: "Ana", Note: "fine", At: day})
				if err != nil || a.Decision == nil || a.Decision.Choice != "yes" || a.Run != ids[0] {
					f.Errorf("found %+v, %v", a, err)
				}
			}
			if before {
				decide()
			}
			f.waits(h, 2, journal.Await{Approval: id})
			if !before {
				f.nothingNext()
				decide()
			}
			a := f.nextIs(ids[0])
			want(f, "record", string(a.Steps[1].Result), `{"choice":"yes","by":"Ana","note":"fine","at":"2026-03-01T12:00:00Z"}`)
		}
	},
	"it is decided once": func(f *fixture) {
		h := f.begun()
		f.asks(h, 1, "ap_1", time.Time{})
		var all sync.WaitGroup
		var made atomic.Int64
		for range 8 {
			all.Go(func() {
				a, err := f.store.Decide(f.ctx, "ap_1", journal.Decision{Choice: "no", By: "Ana"})
				if err == nil {
					made.Add(1)
				} else {
					f.wantErr(err, journal.ErrDecided)
				}
				if a.Decision == nil || a.Decision.Choice != "no" {
					f.Errorf("found %+v", a)
				}
			})
		}
		all.Wait()
		want(f, "decisions", made.Load(), 1)
		f.reopen()
		_, err := f.store.Decide(f.ctx, "ap_1", journal.Decision{Choice: "yes"})
		f.wantErr(err, journal.ErrDecided)
	},
	"a choice that was not offered is refused": func(f *fixture) {
		f.asks(f.begun(), 1, "ap_1", time.Time{})
		_, err := f.store.Decide(f.ctx, "ap_1", journal.Decision{Choice: "maybe"})
		var problem *bindings.Error
		if !errors.As(err, &problem) || problem.Kind != bindings.Invalid {
			f.Errorf("found %v", err)
		}
	},
	"it is not decided after its time or its run has ended": func(f *fixture) {
		h := f.begun()
		f.asks(h, 1, "ap_1", f.clock.Now().Add(time.Hour))
		f.asks(h, 2, "ap_2", time.Time{})
		f.clock.Advance(time.Hour)
		_, err := f.store.Decide(f.ctx, "ap_1", journal.Decision{Choice: "yes"})
		f.wantErr(err, journal.ErrExpired)
		f.finish(h, journal.Succeeded)
		_, err = f.store.Decide(f.ctx, "ap_2", journal.Decision{Choice: "yes"})
		f.wantErr(err, journal.ErrExpired)
		if open, _ := f.store.Approvals(f.ctx); len(open) > 0 {
			f.Errorf("open: found %v", open)
		}
	},
}
