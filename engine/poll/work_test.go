package poll_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/poll"
)

// onlyNotes has one poll at work, of notes, every five minutes.
const onlyNotes = `on("desk.note.*", { lane = false }, function(event) end)`

func (w *world) status() poll.Status {
	w.Helper()
	all := w.poller.Status()
	if len(all) != 1 {
		w.Fatalf("found %d polls: %+v", len(all), all)
	}
	return all[0]
}

func (w *world) requested(n int) {
	w.Helper()
	if got := w.desk.requests(); got != n {
		w.Errorf("found %d requests, expected %d: %v", got, n, w.desk.asked)
	}
}

func TestAPollIsMadeAtItsInterval(t *testing.T) {
	w := newWorld(t, onlyNotes)
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
	if s.Connection != "desk" || s.Poll != "notes" || s.Purpose != "poll" || s.Every != 5*time.Minute || s.Problem != "" ||
		w.clock.Now().Sub(s.Looked) > time.Minute || s.Next.Sub(s.Looked) != 5*time.Minute {
		t.Errorf("found %+v", s)
	}
}

func TestManyHooksAreOnePoll(t *testing.T) {
	w := newWorld(t, onlyNotes+`
on("desk.note.created", { name = "another" }, function() end)
on("emit:x", function() wait_for("desk.note.updated", { timeout = "1 day" }) end)`)
	w.run()
	w.pass(6 * time.Minute)
	w.requested(2)
}

func TestAPollBeginsAndEndsWithItsHooks(t *testing.T) {
	w := newWorld(t, `on("emit:x", function() end)`)
	w.script(onlyNotes)
	w.reload()
	w.run()
	w.pass(6 * time.Minute)
	w.requested(2)
	w.script(`on("emit:x", function() end)`)
	w.reload()
	w.pass(time.Hour)
	w.requested(2)
	if all := w.poller.Status(); len(all) != 0 {
		t.Errorf("found %+v", all)
	}
}

func TestNudgesAreOneLook(t *testing.T) {
	w := newWorld(t, onlyNotes)
	w.run()
	w.pass(time.Minute)
	w.requested(1)
	w.desk.do(func() {
		w.desk.answer = func(_ string, n int) (int, http.Header) {
			for range 50 * (3 - n) { // while the list is read
				w.poller.Nudge("desk", "notes", "")
			}
			return 0, nil
		}
	})
	w.poller.Nudge("desk", "no such poll", "")
	w.poller.Nudge("nowhere", "notes", "")
	w.poller.Nudge("desk", "notes", "")
	w.desk.await(2)
	w.pass(10 * time.Second)
	w.desk.await(3)
	w.pass(time.Minute)
	w.requested(3)
	if next := w.status().Next.Sub(w.clock.Now()); next < 3*time.Minute || next > 6*time.Minute {
		t.Errorf("the next look by itself is in %v", next)
	}
}

func TestWhatWebhooksLostIsLookedForAtOnce(t *testing.T) {
	w := newWorld(t, `on("desk.card.*", { lane = false }, function() end)`, reconciled)
	w.run()
	w.pass(time.Minute)
	before := w.desk.requests()
	w.desk.card("c1", object{"title": "new"})
	w.poller.Reconcile("nowhere")
	w.poller.Reconcile("desk")
	w.desk.await(before + 1)
	w.pass(time.Minute)
	w.want("told", w.told(), "card.created c1")
}

func TestANudgeLooksAtOneItem(t *testing.T) {
	w := newWorld(t, `on("desk.sticker.*", { lane = false }, function() end)`)
	for _, board := range []string{"b1", "b2", "b3"} {
		w.desk.boards[board] = []object{{"id": board}}
	}
	w.run()
	w.pass(time.Minute)
	w.desk.do(func() { w.desk.asked = nil })
	w.poller.Nudge("desk", "stickers", "b2")
	w.desk.await(2)
	w.pass(time.Minute)
	w.want("asked", strings.Join(w.desk.asked, " "), "/boards /boards/b2/stickers")
}

func TestAFailingPollWaitsLongerAndLonger(t *testing.T) {
	w := newWorld(t, onlyNotes)
	w.desk.answer = func(string, int) (int, http.Header) { return 500, nil }
	w.run()
	w.pass(time.Minute)
	w.requested(1)
	failing := w.clock.Now()
	for _, wait := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		before := w.desk.requests()
		w.pass((wait - 1) * time.Minute)
		w.requested(before)
		w.pass(time.Minute)
		w.requested(before + 1)
	}
	s := w.status()
	if !strings.Contains(s.Problem, "desk.notes.list") || failing.Sub(s.Failing).Abs() > time.Minute {
		t.Errorf("found %+v", s)
	}
	if w.log.count("a poll fails") != 1 {
		t.Errorf("the log tells of it %d times", w.log.count("a poll fails"))
	}
	w.desk.do(func() { w.desk.answer = nil })
	w.pass(65 * time.Minute)
	if s := w.status(); s.Problem != "" || !s.Failing.IsZero() || w.log.count("works again") != 1 {
		t.Errorf("found %+v", s)
	}
}

func TestTheVendorSaysWhenToComeBack(t *testing.T) {
	w := newWorld(t, onlyNotes)
	w.desk.answer = func(_ string, n int) (int, http.Header) {
		if n == 1 {
			return 429, http.Header{"Retry-After": {"1200"}}
		}
		return 0, nil
	}
	w.run()
	w.pass(20 * time.Minute)
	w.requested(1)
	w.poller.Nudge("desk", "notes", "") // not earlier
	w.pass(10 * time.Second)
	w.requested(1)
	w.pass(time.Minute)
	w.requested(2)
}

func TestABrokenConnectionIsLeftAlone(t *testing.T) {
	w := newWorld(t, onlyNotes)
	w.run()
	w.pass(time.Minute)
	if err := w.set.SetBroken(t.Context(), "desk", "the key was taken back"); err != nil {
		t.Fatal(err)
	}
	w.pass(5 * time.Hour)
	w.requested(1)
	if n := w.log.count("the key was taken back"); n != 1 {
		t.Errorf("the log tells of it %d times", n)
	}
	if err := w.set.ClearBroken(t.Context(), "desk"); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	w.requested(2)
}

// A walk that a rate limit cuts off goes on where it was: else a long list
// would never be walked to its end.
func TestAWalkGoesOnWhereItWasCutOff(t *testing.T) {
	w := newWorld(t, onlyNotes)
	for i := range 9 {
		w.desk.notes = append(w.desk.notes, object{"id": string(rune('a' + i))})
	}
	w.desk.answer = func(_ string, n int) (int, http.Header) {
		if n%3 == 0 {
			return 429, http.Header{"Retry-After": {"60"}}
		}
		return 0, nil
	}
	w.run()
	w.pass(4 * time.Minute)
	w.want("asked", strings.Join(w.desk.asked, " "),
		"/notes /notes?after=2 /notes?after=4 /notes?after=4 /notes?after=6 /notes?after=8 /notes?after=8")
}
