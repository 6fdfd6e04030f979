package sandboxtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Receiver receives webhooks. It answers with the given statuses, then with 200,
// and confirms its address in every vendor's way.
type Receiver struct {
	*httptest.Server
	Received chan struct{} // one value for each webhook

	mu       sync.Mutex
	webhooks []Webhook
	statuses []int
	secret   string
}

// Webhook is a webhook that was received.
type Webhook struct {
	Header http.Header
	Body   string
}

// Receive starts a receiver, which ends with the test.
func Receive(t testing.TB, statuses ...int) *Receiver {
	r := &Receiver{statuses: statuses, Received: make(chan struct{}, 100)}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP receives one webhook or check of the address.
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
	r.webhooks = append(r.webhooks, Webhook{h.Header, string(body)})
	status := http.StatusOK
	if len(r.statuses) > 0 {
		status, r.statuses = r.statuses[0], r.statuses[1:]
	}
	w.WriteHeader(status)
	r.Received <- struct{}{}
}

// Webhooks are the webhooks so far.
func (r *Receiver) Webhooks() []Webhook {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.webhooks
}

// Drain returns the webhooks since the last Drain.
func (r *Receiver) Drain() []Webhook {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.webhooks
	r.webhooks = nil
	return got
}

// Answer sets the statuses of the next answers.
func (r *Receiver) Answer(statuses ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statuses = statuses
}

// Secret is the secret of the last check of the address.
func (r *Receiver) Secret() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.secret
}
