package poll_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/poll"
)

// onlyNotes is a script for which only notes are polled, every five minutes.
const onlyNotes = `on("helpdesk.note.*", { lane = false }, function(event) end)`

func (w *fixture) status() poll.Status {
	w.Helper()
	all := w.polls.Status()
	if len(all) != 1 {
		w.Fatalf("found %d polls: %+v", len(all), all)
	}
	return all[0]
}

func (w *fixture) requested(n int) {
	w.Helper()
	if got := w.vendor.requests(); got != n {
		w.Errorf("found %d requests, expected %d: %v", got, n, w.vendor.asked)
	}
}

func TestAPollHasItsInterval(t *testing.T) {
	w := newFixture(t, onlyNotes)
	w.run()
	w.pass(30 * time.Second) // not all polls of all connections begin at once
	w.requested(1)
	w.pass(5*time.Minute - 30*time.Second)
	w.requested(1)
	w.pass(time.Minute)
	w.requested(2)
	w.pass(15 * time.Minute)
	w.requested(5)
	s := w.status()
	if s.Connection != "helpdesk" || s.Poll != "notes" || s.Purpose != "poll" || s.Every != 5*time.Minute || s.Problem != "" ||
		w.clock.Now().Sub(s.Scanned) > time.Minute || s.Next.Sub(s.Scanned) != 5*time.Minute {
		t.Errorf("found %+v", s)
	}
}

func TestManyHooksAreOnePoll(t *testing.T) {
	w := newFixture(t, onlyNotes+`
on("helpdesk.note.created", { name = "another" }, function() end)
on("emit:x", function() wait_for("helpdesk.note.updated", { timeout = "1 day" }) end)`)
	w.run()
	w.pass(6 * time.Minute)
	w.requested(2)
}

func TestAPollBeginsAndEndsWithItsHooks(t *testing.T) {
	w := newFixture(t, `on("emit:x", function() end)`)
	w.script(onlyNotes)
	w.reload()
	w.run()
	w.pass(6 * time.Minute)
	w.requested(2)
	w.script(`on("emit:x", function() end)`)
	w.reload()
	w.pass(time.Hour)
	w.requested(2)
	if all := w.polls.Status(); len(all) != 0 {
		t.Errorf("found %+v", all)
	}
}

func TestRequestsAreOneScan(t *testing.T) {
	w := newFixture(t, onlyNotes)
	w.run()
	w.pass(time.Minute)
	w.requested(1)
	w.vendor.do(func() {
		w.vendor.answer = func(_ string, n int) (int, http.Header) {
			for range 50 * (3 - n) { // while the list is read
				w.polls.PollSoon("helpdesk", "notes", "")
			}
			return 0, nil
		}
	})
	w.polls.PollSoon("helpdesk", "no such poll", "")
	w.polls.PollSoon("nowhere", "notes", "")
	w.polls.PollSoon("helpdesk", "notes", "")
	w.vendor.await(2)
	w.pass(10 * time.Second)
	w.vendor.await(3)
	w.pass(time.Minute)
	w.requested(3)
	if next := w.status().Next.Sub(w.clock.Now()); next < 3*time.Minute || next > 6*time.Minute {
		t.Errorf("the next scan of its interval is in %v", next)
	}
}

func TestReconcileScansAtOnce(t *testing.T) {
	w := newFixture(t, `on("helpdesk.card.*", { lane = false }, function() end)`, reconciled)
	w.run()
	w.pass(time.Minute)
	before := w.vendor.requests()
	w.vendor.card("c1", object{"title": "new"})
	w.polls.Reconcile("nowhere")
	w.polls.Reconcile("helpdesk")
	w.vendor.await(before + 1)
	w.pass(time.Minute)
	w.want("events", w.newEvents(), "card.created c1")
}

func TestPollSoonReadsOneItem(t *testing.T) {
	w := newFixture(t, `on("helpdesk.sticker.*", { lane = false }, function() end)`)
	for _, board := range []string{"b1", "b2", "b3"} {
		w.vendor.boards[board] = []object{{"id": board}}
	}
	w.run()
	w.pass(time.Minute)
	w.vendor.do(func() { w.vendor.asked = nil })
	w.polls.PollSoon("helpdesk", "stickers", "b2")
	w.vendor.await(2)
	w.pass(time.Minute)
	w.want("asked", strings.Join(w.vendor.asked, " "), "/boards /boards/b2/stickers")
}

// A panic in a poll is a failure, and the poll is tried again from the start.
func TestAPanicOfAPoll(t *testing.T) {
	w := newFixture(t, onlyNotes)
	w.vendor.do(func() { w.vendor.notes = []object{{"id": "n1", "text": "a"}} })
	w.fail = func(n int) error {
		if n == 1 {
			panic("a fault of ours")
		}
		return nil
	}
	w.run()
	w.pass(time.Minute)
	w.requested(1)
	w.pass(time.Minute)
	w.requested(2)
	if w.log.count("a fault of ours") == 0 || w.log.count("a poll works again") != 1 {
		t.Errorf("the log is %v", w.log)
	}
}

func TestAFailingPollBacksOff(t *testing.T) {
	w := newFixture(t, onlyNotes)
	w.vendor.answer = func(string, int) (int, http.Header) { return 500, nil }
	w.run()
	w.pass(time.Minute)
	w.requested(1)
	failing := w.clock.Now()
	for _, wait := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		before := w.vendor.requests()
		w.pass((wait - 1) * time.Minute)
		w.requested(before)
		w.pass(time.Minute)
		w.requested(before + 1)
	}
	s := w.status()
	if !strings.Contains(s.Problem, "helpdesk.notes.list") || failing.Sub(s.Failing).Abs() > time.Minute {
		t.Errorf("found %+v", s)
	}
	if w.log.count("a poll fails") != 1 {
		t.Errorf("the log has it %d times", w.log.count("a poll fails"))
	}
	w.vendor.do(func() { w.vendor.answer = nil })
	w.pass(65 * time.Minute)
	if s := w.status(); s.Problem != "" || !s.Failing.IsZero() || w.log.count("works again") != 1 {
		t.Errorf("found %+v", s)
	}
}

func TestRetryAfterOfTheVendor(t *testing.T) {
	w := newFixture(t, onlyNotes)
	w.vendor.answer = func(_ string, n int) (int, http.Header) {
		if n == 1 {
			return 429, http.Header{"Retry-After": {"1200"}}
		}
		return 0, nil
	}
	w.run()
	w.pass(20 * time.Minute)
	w.requested(1)
	w.polls.PollSoon("helpdesk", "notes", "") // not earlier
	w.pass(10 * time.Second)
	w.requested(1)
	w.pass(time.Minute)
	w.requested(2)
}

func TestABrokenConnectionIsNotPolled(t *testing.T) {
	w := newFixture(t, onlyNotes)
	w.run()
	w.pass(time.Minute)
	if err := w.set.SetBroken(t.Context(), "helpdesk", "the key was taken back"); err != nil {
		t.Fatal(err)
	}
	w.pass(5 * time.Hour)
	w.requested(1)
	if n := w.log.count("the key was taken back"); n != 1 {
		t.Errorf("the log has it %d times", n)
	}
	if err := w.set.ClearBroken(t.Context(), "helpdesk"); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	w.requested(2)
}

// A walk that a rate limit ended is resumed at its page: else a long list would
// never be read to its end.
func TestAnInterruptedWalkIsResumed(t *testing.T) {
	w := newFixture(t, onlyNotes)
	for i := range 9 {
		w.vendor.notes = append(w.vendor.notes, object{"id": string(rune('a' + i))})
	}
	w.vendor.answer = func(_ string, n int) (int, http.Header) {
		if n%3 == 0 {
			return 429, http.Header{"Retry-After": {"60"}}
		}
		return 0, nil
	}
	w.run()
	w.pass(4 * time.Minute)
	w.want("asked", strings.Join(w.vendor.asked, " "),
		"/notes /notes?after=2 /notes?after=4 /notes?after=4 /notes?after=6 /notes?after=8 /notes?after=8")
}
