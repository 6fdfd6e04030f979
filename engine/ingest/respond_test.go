package ingest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/ingest"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
)

// noAnswers has no answer for any sender. It sends to began when a sender's wait
// begins.
type noAnswers struct{ began chan struct{} }

func (a noAnswers) AwaitAnswer(string) (<-chan journal.Answer, func()) {
	a.began <- struct{}{}
	return make(chan journal.Answer), func() {}
}

func (noAnswers) StoredAnswer(context.Context, string, script.Responder) (journal.Answer, bool, error) {
	return journal.Answer{}, false, nil
}

// timers is a clock that reports each timer, and fires them all at once.
type timers struct {
	*clock.Manual
	began chan time.Duration
}

func (c timers) Timer(d time.Duration) (<-chan time.Time, func()) {
	fires, stop := c.Manual.Timer(d)
	c.began <- d
	return fires, stop
}

// TestRespondWithin: a sender that has no answer in time gets 202, and so does one
// more than can wait, at once. Senders that wait take no slots.
func TestRespondWithin(t *testing.T) {
	const senders = 256
	clock := timers{clock.NewManual(now), make(chan time.Duration, senders)}
	answers := noAnswers{make(chan struct{}, senders)}
	r := newReceiver(t, withScript(t, `on("in:/ask", { verify = "none", respond = true, within = "3s" }, function() end)`),
		func(c *ingest.Config) { c.Answers, c.Clock, c.BodyTimeout = answers, clock, time.Minute })
	statuses := make(chan string, senders)
	for range senders {
		go func() {
			status, answer, _ := r.post(t, "/in/ask", "{}", nil)
			statuses <- fmt.Sprintf("%d %.8s", status, answer)
		}()
		<-answers.began
		if d := <-clock.began; d != 3*time.Second {
			t.Fatalf("a sender waits %s, want 3s", d)
		}
	}
	if status, answer, _ := r.post(t, "/in/ask", "{}", nil); status != 202 {
		t.Errorf("one more: got %d %s, want 202", status, answer)
	}
	select {
	case status := <-statuses:
		t.Errorf("a sender got %s before its time was over", status)
	default:
	}
	clock.Advance(3 * time.Second)
	for range senders {
		if got := <-statuses; got != `202 {"event"` {
			t.Errorf("got %s, want 202", got)
		}
	}
	if len(r.stored) != senders+1 {
		t.Errorf("stored %d events", len(r.stored))
	}
}

// TestRespondToVendor: a vendor that has no answer in the time of the app's data gets
// the empty one that it gets without a hook that answers.
func TestRespondToVendor(t *testing.T) {
	clock := timers{clock.NewManual(now), make(chan time.Duration, 1)}
	answers := noAnswers{make(chan struct{}, 1)}
	r := newReceiver(t, withScript(t, `on("chat.command.invoked", { respond = true }, function() end)`),
		func(c *ingest.Config) { c.Answers, c.Clock = answers, clock })
	sign := asForm(signed(t, chat(t), 0, "chat-secret", now))
	got := make(chan string)
	go func() {
		status, answer, header := r.post(t, "/hooks/chat", "team_id=T1&command=%2Fdeploy", sign)
		got <- fmt.Sprintf("%d %q %s", status, answer, header.Get("Content-Security-Policy"))
	}()
	<-answers.began
	if d := <-clock.began; d != 2500*time.Millisecond {
		t.Errorf("the vendor waits %s, want 2.5s", d)
	}
	clock.Advance(2500 * time.Millisecond)
	if got, want := <-got, `200 "" sandbox allow-forms`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
