package ingest

import (
	"context"
	"io"
	"net/http"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
)

// maxWaiters bounds the senders that wait for an answer. Further ones get the one
// of an event without an answer.
const maxWaiters = 256

// Answers are the answers of runs to the senders of their events.
type Answers interface {
	// AwaitAnswer returns a channel that gets the answer once it is stored: one
	// without status if there will be none. cancel ends the wait.
	AwaitAnswer(event string) (answer <-chan journal.Answer, cancel func())
	// StoredAnswer returns an answer that is stored; its status is zero if there
	// is none. pending is set if the run may still answer.
	StoredAnswer(ctx context.Context, event string, by script.Responder) (answer journal.Answer, pending bool, err error)
}

// waiter is a sender that waits for the answer of a run.
type waiter struct {
	answer <-chan journal.Answer // nil: it does not wait
	cancel func()
}

// waiter begins a wait, before the event is stored, so that no answer is missed.
func (s *Server) waiter(v result) waiter {
	if v.responder == nil {
		return waiter{cancel: func() {}}
	}
	select {
	case s.waiters <- struct{}{}:
	default:
		return waiter{cancel: func() {}}
	}
	answer, cancel := s.config.Answers.AwaitAnswer(v.events[0].ID)
	return waiter{answer, func() { cancel(); <-s.waiters }}
}

// responder returns the hook that answers the sender of a request with these
// events, nil if none does.
func (s *Server) responder(events []journal.Event) *script.Responder {
	if len(events) != 1 || s.config.Answers == nil {
		return nil
	}
	return s.config.Generation().Responder(&events[0])
}

// respond answers a sender with the answer of the run of its event. It returns false
// if there is none in time.
func (s *Server) respond(w http.ResponseWriter, m *message, v result, receipt journal.Receipt, wait waiter) bool {
	event := v.events[0]
	m.body, v.events = nil, nil
	m.release() // a sender that waits takes none of the other bounds
	var answer journal.Answer
	pending := receipt.Responding != ""
	if receipt.Duplicate {
		var err error
		if answer, pending, err = s.config.Answers.StoredAnswer(m.Context(), event.ID, *v.responder); err != nil {
			s.config.Log.Warn("the answer to a repeated event could not be read", "event", event.ID, "error", err)
		}
	}
	if pending && wait.answer != nil {
		expired, stop := s.config.Clock.Timer(v.responder.Within - s.config.Clock.Now().Sub(event.Received))
		defer stop()
		select {
		case answer = <-wait.answer:
		case <-expired:
		case <-m.Context().Done(): // the sender closed the connection
		}
	}
	// A page of a script has no rights at our address, where people decide approvals.
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "sandbox allow-forms")
	if answer.Status == 0 {
		return false
	}
	writeAnswer(w, answer)
	return true
}

// writeAnswer writes the answer of a run.
func writeAnswer(w http.ResponseWriter, answer journal.Answer) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	if answer.IsJSON() {
		h.Set("Content-Type", "application/json")
	}
	for name, value := range answer.Headers {
		h.Set(name, value)
	}
	w.WriteHeader(answer.Status)
	switch {
	case answer.Body != nil:
		w.Write(answer.Text())
	case answer.Status == http.StatusInternalServerError:
		io.WriteString(w, "the request could not be handled\n")
	}
}
