package ingest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// refusal is the answer to a request that is refused.
type refusal struct {
	status int
	reason string // one word, by which refusals are counted
	text   string // for the sender
	cause  error  // for the log only
	// counted is the word by which it is counted and logged, if the sender must not
	// get that one; else empty.
	counted string
}

// retryAfter is how long a sender is asked to wait, in seconds.
const retryAfter = "5"

// retryLater returns a refusal with the status after which this vendor sends
// again.
func (m *message) retryLater(reason, text string) refusal {
	return refusal{status: m.retryStatus, reason: reason, text: text + "; send it again later"}
}

// unloaded returns the refusal of a request that scripts which cannot be loaded
// may need.
func (m *message) unloaded(what string, names []string) refusal {
	return m.retryLater("script", fmt.Sprintf("%s, and the script %q, which may have one, cannot be loaded", what, names[0]))
}

// refuse answers a request with a refusal, counts it and logs it.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, refused refusal) {
	where := label(r)
	if _, known := s.apps[where]; !known && where != "in" {
		where = "other"
	}
	reason := cmp.Or(refused.counted, refused.reason)
	s.counters.add(where, reason)
	args := []any{"reason", reason, "status", refused.status, "method", forLog(r.Method), "path", forLog(r.URL.Path), "from", s.sender(r), "text", forLog(refused.text)}
	if refused.cause != nil {
		args = append(args, errorText(refused.cause))
	}
	s.logRefusal(cause{where, reason}, args...)
	if refused.status == http.StatusTooManyRequests || refused.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refused.status)
	body := json.NewEncoder(w)
	body.SetEscapeHTML(false) // people read it
	body.Encode(map[string]string{"error": refused.text, "reason": refused.reason})
}

// refuseUnread refuses a request whose body is not read, or not to its end.
func (s *Server) refuseUnread(w http.ResponseWriter, r *http.Request, refused refusal) {
	defer leaveUnread(w, r)()
	s.refuse(w, r, refused)
}

// leaveUnread has a request answered whose body is not read to its end. The
// connection is closed then: what comes on it next would be the rest of the body.
// The caller calls the returned function when it has written the answer.
func leaveUnread(w http.ResponseWriter, r *http.Request) (answered func()) {
	if r.ContentLength == 0 {
		return func() {}
	}
	w.Header().Set("Connection", "close")
	// Else the server reads the body before it answers, and before it goes on. Both
	// calls only fail where it does not do that.
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	return func() { _ = control.SetReadDeadline(time.Unix(1, 0)) }
}

// counters counts requests by their label and result.
type counters struct {
	mu     sync.Mutex
	counts map[[2]string]int64
}

func (c *counters) add(where, result string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[[2]string]int64{}
	}
	c.counts[[2]string{where, result}]++
}

// Count is how many requests had one result.
type Count struct {
	Where string `json:"where"` // an app's name, "in" or "other"
	// accepted, repeated, unmatched (no hook is for it), challenge, confirmed,
	// nudge, lost, expiring, ignored, empty, or the reason of a refusal
	Result string `json:"outcome"`
	Count  int64  `json:"count"`
}

// Counts returns the results of all requests so far, in a stable order.
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
