package sandbox

import (
	"slices"
	"sync"
	"time"
)

// Request is one request that the sandbox received, without its token.
type Request struct {
	Time      time.Time `json:"time"`
	App       string    `json:"app"`
	Operation string    `json:"operation,omitempty"` // empty where no operation has the path
	Account   string    `json:"account,omitempty"`   // the one that the token is valid for, if only one
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Query     string    `json:"query,omitempty"`
	Body      string    `json:"body,omitempty"`
	Key       string    `json:"key,omitempty"` // idempotency key
	Status    int       `json:"status"`
	Answer    string    `json:"answer,omitempty"`
	Fault     bool      `json:"fault,omitempty"`    // a fault was injected
	Cut       Cut       `json:"cut,omitempty"`      // where the connection was closed
	Replayed  bool      `json:"replayed,omitempty"` // answered from an idempotency key
}

const (
	maxRequests = 10_000
	maxLogged   = 16 << 10
)

// requestLog stores the newest requests and counts all.
type requestLog struct {
	mu     sync.Mutex
	ring   []Request
	next   int
	counts map[[2]string]int
}

func newRequestLog() *requestLog { return &requestLog{counts: map[[2]string]int{}} }

func (l *requestLog) add(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[[2]string{r.App, ""}]++
	if r.Operation != "" {
		l.counts[[2]string{r.App, r.Operation}]++
	}
	if len(l.ring) < maxRequests {
		l.ring = append(l.ring, r)
		return
	}
	l.ring[l.next] = r
	l.next = (l.next + 1) % maxRequests
}

func (l *requestLog) calls(app, operation string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[[2]string{app, operation}]
}

// allCounts returns all counts by app and operation.
func (l *requestLog) allCounts() map[string]map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]map[string]int{}
	for key, n := range l.counts {
		if key[1] == "" {
			continue
		}
		if out[key[0]] == nil {
			out[key[0]] = map[string]int{}
		}
		out[key[0]][key[1]] = n
	}
	return out
}

func (l *requestLog) requests(app string) []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Concat(l.ring[l.next:], l.ring[:l.next])
	if app == "" {
		return all
	}
	return slices.DeleteFunc(all, func(r Request) bool { return r.App != app })
}

func (l *requestLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring, l.next, l.counts = nil, 0, map[[2]string]int{}
}

func truncate(b []byte) string {
	if len(b) > maxLogged {
		return string(b[:maxLogged]) + "…"
	}
	return string(b)
}
