package ingest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/engine/journal"
)

// accept stores the events of a request and acknowledges them. It is the only
// place where a request with events is answered with 2xx.
func (s *Server) accept(w http.ResponseWriter, m *message, v result) {
	now := s.config.Clock.Now()
	for i := range v.events {
		v.events[i].Received = now
	}
	// Without the cancellation of the request: a sender that closes the
	// connection must not stop the commit.
	for _, install := range v.installs {
		if err := s.config.InstallChanged(context.WithoutCancel(m.Context()), install); err != nil {
			refused := m.retryLater("store", "the change of the installation could not be stored")
			refused.cause = err
			s.refuse(w, m.Request, refused)
			return
		}
	}
	waiter := s.waiter(v)
	defer waiter.cancel()
	receipts, err := s.config.Accept(context.WithoutCancel(m.Context()), v.events...)
	if err != nil {
		refused := m.retryLater("store", "the event could not be stored")
		refused.cause = err
		s.refuse(w, m.Request, refused)
		return
	}
	for _, callback := range v.callbacks {
		callback()
	}
	results := make([]eventResult, len(receipts))
	for i, receipt := range receipts {
		results[i] = eventResult{v.events[i].ID, resultOf(receipt), len(receipt.Runs)}
		s.count(m, v.events[i], results[i], receipt.Echo)
	}
	if names := s.mayNeed(v.events, receipts); names != nil {
		s.refuse(w, m.Request, m.unloaded("no hook takes the event", names))
		return
	}
	if v.responder != nil && s.respond(w, m, v, receipts[0], waiter) || v.noBody {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if v.responder != nil {
		w.WriteHeader(v.unanswered)
	}
	if len(results) == 1 {
		json.NewEncoder(w).Encode(results[0])
		return
	}
	json.NewEncoder(w).Encode(map[string][]eventResult{"events": results})
}

// mayNeed names the scripts that may have a hook for one of the events that
// no hook takes; nil if there is no such event or script.
func (s *Server) mayNeed(events []journal.Event, receipts []journal.Receipt) []string {
	for i, r := range receipts {
		if !r.Stored && !r.Duplicate && len(s.config.Generation().Match(events[i].Type, events[i].Connection)) == 0 {
			return s.config.Unloaded()
		}
	}
	return nil
}

// eventResult is the answer to a sender about one event.
type eventResult struct {
	Event  string `json:"event"`
	Result string `json:"outcome"`
	Runs   int    `json:"runs"`
}

func resultOf(receipt journal.Receipt) string {
	switch {
	case receipt.Duplicate:
		return "repeated"
	case !receipt.Stored:
		return "unmatched"
	}
	return "accepted"
}

// count counts and logs the result of an event.
func (s *Server) count(m *message, event journal.Event, r eventResult, echo bool) {
	s.counters.add(label(m.Request), r.Result)
	if !s.config.Log.Enabled(m.Context(), slog.LevelDebug) {
		return
	}
	args := []any{"event", forLog(event.ID), "type", event.Type, "runs", r.Runs}
	if event.Connection != "" {
		args = append(args, "connection", event.Connection)
	}
	if echo { // then hooks for its trigger made no run
		args = append(args, "echo", true)
	}
	s.config.Log.DebugContext(m.Context(), "event "+r.Result, args...)
}

// label returns the part of a request's path by which it is counted. The rest of
// the path may be anything, and must not become a counter.
func label(r *http.Request) string {
	if app := r.PathValue("app"); app != "" {
		return app
	}
	if strings.HasPrefix(r.URL.Path, "/in/") {
		return "in"
	}
	return "other"
}
