package sandboxtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Receiver takes webhooks. It answers with the given statuses, then with 200,
// and confirms its address in every vendor's way.
type Receiver struct {
	*httptest.Server
	Came chan struct{} // one value for each webhook

	mu       sync.Mutex
	got      []Hook
	statuses []int
	secret   string
}

// Hook is a webhook that came.
type Hook struct {
	Header http.Header
	Body   string
}

// Receive starts a receiver, which ends with the test.
func Receive(t testing.TB, statuses ...int) *Receiver {
	r := &Receiver{statuses: statuses, Came: make(chan struct{}, 100)}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP takes one webhook or check of the address.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, h *http.Request) {
	body, _ := io.ReadAll(h.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if word := Value(string(body), "challenge"); word != "" {
		_, _ = io.WriteString(w, word)
		return
	}
	if secret := h.Header.Get("X-Hook-Secret"); secret != "" {
		r.secret = secret
		w.Header().Set("X-Hook-Secret", secret)
		return
	}
	for _, name := range []string{"validationToken", "token"} {
		if token := h.URL.Query().Get(name); token != "" {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, token)
			return
		}
	}
	r.got = append(r.got, Hook{h.Header, string(body)})
	status := http.StatusOK
	if len(r.statuses) > 0 {
		status, r.statuses = r.statuses[0], r.statuses[1:]
	}
	w.WriteHeader(status)
	r.Came <- struct{}{}
}

// Hooks are the webhooks so far.
func (r *Receiver) Hooks() []Hook {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got
}

// Take gives the webhooks since the last Take.
func (r *Receiver) Take() []Hook {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

// Answer has the next webhooks answered with a status.
func (r *Receiver) Answer(statuses ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statuses = statuses
}

// Secret is the secret that came with the check of the address.
func (r *Receiver) Secret() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.secret
}
