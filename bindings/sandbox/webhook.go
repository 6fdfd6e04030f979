package sandbox

import (
	"bytes"
	"context"
	"crypto/ed25519"
	crand "crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Delivery is one sending of a webhook.
type Delivery struct {
	Time    time.Time `json:"time"`
	App     string    `json:"app"`
	Trigger string    `json:"trigger"`
	ID      string    `json:"id"`
	URL     string    `json:"url"`
	Attempt int       `json:"attempt"`
	Status  int       `json:"status,omitempty"` // 0: no answer
	Error   string    `json:"error,omitempty"`
}

const (
	maxQueue      = 10_000
	maxDeliveries = 1_000
	maxAnswer     = 64 << 10
)

// Subscription is an address that gets an app's webhooks, one after the other.
type Subscription struct {
	App    *App
	url    string
	secret string
	queue  chan *job
	// record is the id of the record that an operation made it with, empty for
	// one made with Subscribe; types are the vendor's types it wants, empty
	// for all.
	Record string
	types  []string
	stop   chan struct{}
	// Of one that an operation made: what it is for, the resource of its
	// record, the items whose changes it wants (all that are there must fit) and
	// its end, zero if it has none.
	Def      *bindings.Subscription
	resource string
	Items    []string
	Expires  time.Time
}

// job is one webhook on its way to one subscriber.
type job struct {
	trigger string
	id      string
	body    []byte
	header  http.Header // sent besides
	form    bool        // a form, which no vendor sends again: somebody waits before a screen
	attempt int
	done    chan error // gets one value
	check   string     // the challenge to be echoed, for a check of the address
}

// hooks sends webhooks: one goroutine a subscription, and one for each
// webhook that waits to be sent again.
type hooks struct {
	sandbox *Sandbox
	client  *http.Client
	private string // PEM
	public  string // PEM

	mu            sync.Mutex
	subscriptions []*Subscription
	sent          []Delivery
	queued        int // ever
	pending       int
	idle          chan struct{} // closed when pending falls to zero
	closed        bool
	running       sync.WaitGroup
}

func newHooks(s *Sandbox) (*hooks, error) {
	var seed [8]byte
	binary.BigEndian.PutUint64(seed[:], s.seed)
	sum := sha256.Sum256(append([]byte("tidewire sandbox webhook key "), seed[:]...))
	key := ed25519.NewKeyFromSeed(sum[:])
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make webhook key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("make webhook key: %w", err)
	}
	return &hooks{
		sandbox: s,
		client: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		private: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		public:  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
	}, nil
}

// PublicKey is the key, in PEM, that the sandbox's webhooks are checked with
// in place of the vendor's; empty for an app that signs with a secret.
func (s *Sandbox) PublicKey(app string) string {
	a := s.apps[app]
	if a == nil || a.Def.Webhook == nil {
		return ""
	}
	for _, signature := range a.Def.Webhook.Signatures {
		if signature.Algorithm == bindings.Ed25519 {
			return s.hooks.public
		}
	}
	return ""
}

// SendsWebhooks reports whether an app sends webhooks that Subscribe can ask for.
func (s *Sandbox) SendsWebhooks(app string) bool {
	a := s.apps[app]
	return a != nil && a.Def.Webhook != nil
}

// Subscribe has an app's webhooks sent to an address, signed with secret where
// the vendor signs with a secret.
func (s *Sandbox) Subscribe(app, address, secret string) error {
	a := s.apps[app]
	if a == nil {
		return s.unknownApp(app)
	}
	if a.Def.Webhook == nil {
		return fmt.Errorf("app %q sends no webhooks", app)
	}
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("subscribe to %q: expected an http or https address, found %q", app, address)
	}
	if _, err := s.hooks.sign(a, secret, "probe", nil); err != nil {
		return fmt.Errorf("subscribe to %q: %w", app, err)
	}
	return s.hooks.subscribe(&Subscription{App: a, url: address, secret: secret})
}

func (h *hooks) subscribe(sub *Subscription) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errors.New("subscribe: the sandbox has ended")
	}
	sub.queue, sub.stop = make(chan *job, maxQueue), make(chan struct{})
	h.subscriptions = append(h.subscriptions, sub)
	h.running.Go(func() { h.work(sub) })
	if c := sub.App.Def.Webhook.Challenge; c != nil {
		h.enqueue(sub, challenge(sub.App, c))
	}
	return nil
}

// drop ends the subscriptions of an app that operations made: the one of a
// record, or all of them.
func (h *hooks) drop(a *App, record string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscriptions = slices.DeleteFunc(h.subscriptions, func(sub *Subscription) bool {
		gone := sub.App == a && sub.Record != "" && (record == "" || sub.Record == record)
		if gone {
			close(sub.stop)
		}
		return gone
	})
}

// challenge is the vendor's check that the address is the subscriber's.
func challenge(a *App, c *bindings.Challenge) *job {
	word := crand.Text()
	at := c.TypePath
	if at == "" {
		at = a.Def.Webhook.Type
	}
	body := place(place(Object{}, at, c.Type), c.Echo, word)
	return &job{trigger: c.Type, body: Encode(body), check: word, done: make(chan error, 1)}
}

func (h *hooks) wanted(app string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.subscriptions, func(s *Subscription) bool { return s.App.Def.Name == app })
}

// send hands a webhook to every subscriber of the app.
func (h *hooks) send(a *App, e *Envelope) []*job {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*job
	for _, sub := range h.subscriptions {
		if sub.App != a || !sub.takes(e) {
			continue
		}
		j := sub.addressed(e)
		h.enqueue(sub, j)
		all = append(all, j)
	}
	return all
}

func (h *hooks) enqueue(sub *Subscription, j *job) {
	if h.closed {
		j.done <- errors.New("the sandbox has ended")
		return
	}
	select {
	case sub.queue <- j:
		h.queued++
		if h.pending++; h.pending == 1 {
			h.idle = make(chan struct{})
		}
	default:
		h.sandbox.logger.Warn("webhook dropped: too many wait", "app", sub.App.Def.Name, "url", sub.url)
		j.done <- fmt.Errorf("%s: dropped, since %d webhooks wait", sub.url, maxQueue)
	}
}

func (h *hooks) settled() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pending--; h.pending == 0 {
		close(h.idle)
	}
}

// Idle returns when no webhook is on its way or waits to be sent again.
func (s *Sandbox) Idle(ctx context.Context) error {
	s.hooks.mu.Lock()
	idle := s.hooks.idle
	if s.hooks.pending == 0 {
		idle = nil
	}
	s.hooks.mu.Unlock()
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ending.Done():
		return errors.New("the sandbox has ended")
	}
}

// Webhooks is how many were ever put on their way. Where it is the same before
// and after Idle and a look at the engine, no run has caused another meanwhile.
func (s *Sandbox) Webhooks() int {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	return s.hooks.queued
}

// Deliveries are the newest sendings of webhooks, oldest first.
func (s *Sandbox) Deliveries() []Delivery {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	return slices.Clone(s.hooks.sent)
}

func (h *hooks) wait() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.running.Wait()
	h.client.CloseIdleConnections()
}

func (h *hooks) work(sub *Subscription) {
	for {
		select {
		case <-h.sandbox.ending.Done():
			return
		case <-sub.stop:
			h.abandon(sub)
			return
		case j := <-sub.queue:
			h.deliver(sub, j)
		}
	}
}

// abandon gives up what still waits for a subscription that ended.
func (h *hooks) abandon(sub *Subscription) {
	for {
		select {
		case j := <-sub.queue:
			j.done <- fmt.Errorf("%s: the subscription has ended", sub.url)
			h.settled()
		default:
			return
		}
	}
}

// deliver sends a webhook once, and has it sent again later where the vendor
// would.
func (h *hooks) deliver(sub *Subscription, j *job) {
	policy := sub.App.rules.Retry
	j.attempt++
	status, err := h.post(sub, j)
	h.note(sub, j, status, err)
	ended := status == http.StatusGone && sub.Def != nil && sub.App.Def.Webhook.Gone == status
	if ended {
		sub.App.mu.Lock()
		sub.App.end(sub)
		sub.App.mu.Unlock()
	}
	switch {
	case err == nil && status >= 200 && status < 300:
		j.done <- nil
		h.settled()
		return
	case j.check == "" && !j.form && !ended && policy.Again(status) && j.attempt < policy.Attempts && h.sandbox.ending.Err() == nil:
		h.running.Go(func() {
			if h.sandbox.wait(h.sandbox.ending, h.delay(policy, j.attempt)) == nil {
				h.deliver(sub, j)
				return
			}
			j.done <- errors.New("the sandbox has ended")
			h.settled()
		})
		return
	}
	if err == nil {
		err = fmt.Errorf("%s answered %d", sub.url, status)
	}
	j.done <- err
	h.settled()
}

func (h *hooks) delay(policy Retry, attempt int) time.Duration {
	d := h.sandbox.config.RetryDelay
	if d == 0 {
		d = time.Second
	}
	for range attempt - 1 {
		d *= time.Duration(max(policy.Factor, 1))
	}
	return d
}

func (h *hooks) post(sub *Subscription, j *job) (int, error) {
	ctx, cancel := context.WithTimeout(h.sandbox.ending, sub.App.rules.Retry.Timeout)
	defer cancel()
	h.mu.Lock()
	address, secret := sub.url, sub.secret // an operation may change them
	h.mu.Unlock()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(j.body))
	if err != nil {
		return 0, err
	}
	r.Header, err = h.sign(sub.App, secret, j.id, j.body)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	if j.form {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("User-Agent", "tidewire-sandbox")
	maps.Copy(r.Header, j.header)
	if mark := sub.App.rules.Retry.Mark; mark != nil && j.attempt > 1 {
		mark(r.Header, j.attempt)
	}
	answer, err := h.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return 0, err
	}
	if j.check != "" && !bytes.Contains(said, []byte(j.check)) {
		return answer.StatusCode, fmt.Errorf("%s did not echo the challenge", sub.url)
	}
	return answer.StatusCode, nil
}

// sign makes the headers of every signature that the vendor sends by itself.
func (h *hooks) sign(a *App, secret, id string, body []byte) (http.Header, error) {
	header := http.Header{}
	for _, s := range a.Def.Webhook.Signatures {
		if s.OptIn {
			continue
		}
		key := secret
		if s.Algorithm == bindings.Ed25519 {
			key = h.private
		}
		signed, err := s.Sign(key, id, h.sandbox.now(), body)
		if err != nil {
			return nil, err
		}
		for name, values := range signed {
			header[name] = values
		}
	}
	return header, nil
}

func (h *hooks) note(sub *Subscription, j *job, status int, err error) {
	d := Delivery{Time: h.sandbox.now(), App: sub.App.Def.Name, Trigger: j.trigger, ID: j.id, URL: sub.url, Attempt: j.attempt, Status: status}
	if err != nil {
		d.Error = err.Error()
	}
	log := h.sandbox.logger.With("app", d.App, "trigger", d.Trigger, "url", d.URL, "attempt", d.Attempt, "answer", status)
	if err != nil || NotAccepted(status) {
		log.Warn("webhook not taken", "error", d.Error)
	} else {
		log.Info("webhook sent")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sent = append(h.sent, d); len(h.sent) > maxDeliveries {
		h.sent = slices.Clone(h.sent[1:])
	}
}
