package ingest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// refusal is why a request is not taken.
type refusal struct {
	status int
	reason string // a word to count by
	text   string // what the sender is told
	cause  error  // what the log is told beside it
}

// retryAfter is how long a sender is asked to wait, in seconds.
const retryAfter = "5"

// again refuses with the status that makes this sender come again.
func (m *message) again(reason, text string) refusal {
	return refusal{status: m.sendAgain, reason: reason, text: text + "; send it again later"}
}

// refuse answers, counts and logs a refusal, each once.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, no refusal) {
	where := label(r)
	if _, known := s.apps[where]; !known && where != "in" {
		where = "other"
	}
	s.counters.add(where, no.reason)
	args := []any{"reason", no.reason, "status", no.status, "method", r.Method, "path", r.URL.Path, "from", r.RemoteAddr, "text", no.text}
	if no.cause != nil {
		args = append(args, "error", no.cause)
	}
	s.Log.Warn("webhook refused", args...)
	if no.status == http.StatusTooManyRequests || no.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	if no.status == http.StatusRequestTimeout || no.status == http.StatusRequestEntityTooLarge {
		w.Header().Set("Connection", "close")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(no.status)
	answer := json.NewEncoder(w)
	answer.SetEscapeHTML(false) // it is read by people
	answer.Encode(map[string]string{"error": no.text, "reason": no.reason})
}

// counters count requests by where they came in and what became of them.
type counters struct {
	mu     sync.Mutex
	counts map[[2]string]int64
}

func (c *counters) add(where, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[[2]string]int64{}
	}
	c.counts[[2]string{where, outcome}]++
}

// Count is how many requests came to one end.
type Count struct {
	Where string `json:"where"` // an app's name, "in" or "other"
	// accepted, repeated, unheard, challenge, confirmed, nudge, lost, expiring,
	// ignored, empty, or the reason of a refusal
	Outcome string `json:"outcome"`
	Count   int64  `json:"count"`
}

// Counts tells what became of all requests so far, in a stable order.
func (s *Server) Counts() []Count {
	s.counters.mu.Lock()
	defer s.counters.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(s.counters.counts), func(a, b [2]string) int {
		return slices.Compare(a[:], b[:])
	})
	all := make([]Count, len(keys))
	for i, k := range keys {
		all[i] = Count{k[0], k[1], s.counters.counts[k]}
	}
	return all
}
