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

// Delivery is one attempt to send a webhook.
type Delivery struct {
	Time    time.Time `json:"time"`
	App     string    `json:"app"`
	Trigger string    `json:"trigger"`
	ID      string    `json:"id"`
	URL     string    `json:"url"`
	Attempt int       `json:"attempt"`
	Status  int       `json:"status,omitempty"` // 0: no answer
	Answer  string    `json:"answer,omitempty"` // the body of the answer to a form
	Error   string    `json:"error,omitempty"`
}

const (
	maxQueue      = 10_000
	maxDeliveries = 1_000
	maxAnswer     = 64 << 10
)

// Subscription is an address that receives an app's webhooks, one after the other.
type Subscription struct {
	App    *App
	url    string
	secret string
	queue  chan *job
	// Record is the id of the record that an operation created with it, empty for
	// one created with Subscribe; types are the vendor's types that it receives,
	// empty for all.
	Record string
	types  []string
	stop   chan struct{}
	// For one that an operation created: its definition, the resource of its
	// record, the items whose changes it receives (a change must be about all of
	// them) and its end, zero if it has none.
	Def      *bindings.Subscription
	resource string
	Items    []string
	Expires  time.Time
}

// job is one webhook that is queued for one subscriber.
type job struct {
	trigger string
	id      string
	body    []byte
	header  http.Header // in addition to the usual ones
	form    bool        // a form, which no vendor sends again, since a person waits for it
	attempt int
	done    chan error // gets one value
	check   string     // the challenge to be echoed, for a check of the address
}

// webhookSender sends webhooks: with one goroutine for each subscription, and one
// for each webhook that waits to be sent again.
type webhookSender struct {
	sandbox *Sandbox
	client  *http.Client
	private string // PEM
	public  string // PEM

	mu            sync.Mutex
	subscriptions []*Subscription
	sent          []Delivery
	queued        int // number of all webhooks so far
	pending       int
	idle          chan struct{} // closed when pending falls to zero
	closed        bool
	running       sync.WaitGroup
}

func newWebhookSender(s *Sandbox) (*webhookSender, error) {
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
	return &webhookSender{
		sandbox: s,
		client: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		private: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		public:  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
	}, nil
}

// PublicKey is the key, in PEM, that verifies the sandbox's webhooks in place of
// the vendor's; empty for an app that signs with a secret.
func (s *Sandbox) PublicKey(app string) string {
	a := s.apps[app]
	if a == nil || a.Def.Webhook == nil {
		return ""
	}
	for _, signature := range a.Def.Webhook.Signatures {
		if signature.Algorithm == bindings.Ed25519 {
			return s.webhooks.public
		}
	}
	return ""
}

// SendsWebhooks reports whether an app sends webhooks to which Subscribe can
// subscribe.
func (s *Sandbox) SendsWebhooks(app string) bool {
	a := s.apps[app]
	return a != nil && a.Def.Webhook != nil
}

// Subscribe sends an app's webhooks to an address, signed with secret if the
// vendor signs with a secret.
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
	if _, err := s.webhooks.sign(a, secret, "probe", nil); err != nil {
		return fmt.Errorf("subscribe to %q: %w", app, err)
	}
	return s.webhooks.subscribe(&Subscription{App: a, url: address, secret: secret})
}

func (w *webhookSender) subscribe(sub *Subscription) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errors.New("subscribe: the sandbox has ended")
	}
	sub.queue, sub.stop = make(chan *job, maxQueue), make(chan struct{})
	w.subscriptions = append(w.subscriptions, sub)
	w.running.Go(func() { w.work(sub) })
	if c := sub.App.Def.Webhook.Challenge; c != nil {
		w.enqueue(sub, challenge(sub.App, c))
	}
	return nil
}

// endSubscriptions ends the subscriptions of an app that operations created: the
// one of a record, or all of them.
func (w *webhookSender) endSubscriptions(a *App, record string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subscriptions = slices.DeleteFunc(w.subscriptions, func(sub *Subscription) bool {
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

func (w *webhookSender) hasSubscribers(app string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.subscriptions, func(s *Subscription) bool { return s.App.Def.Name == app })
}

// send queues an event's webhook for every subscriber of the app.
func (w *webhookSender) send(a *App, e *Event) []*job {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*job
	for _, sub := range w.subscriptions {
		if sub.App != a || !sub.receives(e) {
			continue
		}
		j := sub.jobFor(e)
		w.enqueue(sub, j)
		all = append(all, j)
	}
	return all
}

func (w *webhookSender) enqueue(sub *Subscription, j *job) {
	if w.closed {
		j.done <- errors.New("the sandbox has ended")
		return
	}
	select {
	case sub.queue <- j:
		w.queued++
		if w.pending++; w.pending == 1 {
			w.idle = make(chan struct{})
		}
	default:
		w.sandbox.logger.Warn("webhook dropped: too many wait", "app", sub.App.Def.Name, "url", sub.url)
		j.done <- fmt.Errorf("%s: dropped, since %d webhooks wait", sub.url, maxQueue)
	}
}

func (w *webhookSender) jobDone() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pending--; w.pending == 0 {
		close(w.idle)
	}
}

// Idle returns when no webhook is being sent or waits to be sent again.
func (s *Sandbox) Idle(ctx context.Context) error {
	s.webhooks.mu.Lock()
	idle := s.webhooks.idle
	if s.webhooks.pending == 0 {
		idle = nil
	}
	s.webhooks.mu.Unlock()
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

// Webhooks is the number of webhooks that were ever queued. If it is the same
// before and after Idle and a check of the engine, no run has caused another one
// in between.
func (s *Sandbox) Webhooks() int {
	s.webhooks.mu.Lock()
	defer s.webhooks.mu.Unlock()
	return s.webhooks.queued
}

// Deliveries are the newest attempts to send webhooks, oldest first.
func (s *Sandbox) Deliveries() []Delivery {
	s.webhooks.mu.Lock()
	defer s.webhooks.mu.Unlock()
	return slices.Clone(s.webhooks.sent)
}

func (w *webhookSender) wait() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.running.Wait()
	w.client.CloseIdleConnections()
}

func (w *webhookSender) work(sub *Subscription) {
	for {
		select {
		case <-w.sandbox.ending.Done():
			return
		case <-sub.stop:
			w.failQueued(sub)
			return
		case j := <-sub.queue:
			w.deliver(sub, j)
		}
	}
}

// failQueued ends the jobs of a subscription that ended.
func (w *webhookSender) failQueued(sub *Subscription) {
	for {
		select {
		case j := <-sub.queue:
			j.done <- fmt.Errorf("%s: the subscription has ended", sub.url)
			w.jobDone()
		default:
			return
		}
	}
}

// deliver sends a webhook once, and starts the vendor's next attempt if there is
// one.
func (w *webhookSender) deliver(sub *Subscription, j *job) {
	policy := sub.App.rules.Retry
	j.attempt++
	status, answer, err := w.post(sub, j)
	w.record(sub, j, status, answer, err)
	ended := status == http.StatusGone && sub.Def != nil && sub.App.Def.Webhook.GoneStatus == status
	if ended {
		sub.App.mu.Lock()
		sub.App.end(sub)
		sub.App.mu.Unlock()
	}
	switch {
	case err == nil && status >= 200 && status < 300:
		j.done <- nil
		w.jobDone()
		return
	case j.check == "" && !j.form && !ended && policy.ShouldRetry(status) && j.attempt < policy.Attempts && w.sandbox.ending.Err() == nil:
		w.running.Go(func() {
			if w.sandbox.wait(w.sandbox.ending, w.delay(policy, j.attempt)) == nil {
				w.deliver(sub, j)
				return
			}
			j.done <- errors.New("the sandbox has ended")
			w.jobDone()
		})
		return
	}
	if err == nil {
		err = fmt.Errorf("%s answered %d", sub.url, status)
	}
	j.done <- err
	w.jobDone()
}

func (w *webhookSender) delay(policy Retry, attempt int) time.Duration {
	d := w.sandbox.config.RetryDelay
	if d == 0 {
		d = time.Second
	}
	for range attempt - 1 {
		d *= time.Duration(max(policy.Factor, 1))
	}
	return d
}

func (w *webhookSender) post(sub *Subscription, j *job) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(w.sandbox.ending, sub.App.rules.Retry.Timeout)
	defer cancel()
	w.mu.Lock()
	address, secret := sub.url, sub.secret // an operation may change them
	w.mu.Unlock()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(j.body))
	if err != nil {
		return 0, nil, err
	}
	r.Header, err = w.sign(sub.App, secret, j.id, j.body)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if j.form {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("User-Agent", "tidewire-sandbox")
	maps.Copy(r.Header, j.header)
	if setHeaders := sub.App.rules.Retry.SetHeaders; setHeaders != nil && j.attempt > 1 {
		setHeaders(r.Header, j.attempt)
	}
	answer, err := w.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return 0, nil, err
	}
	if j.check != "" && !bytes.Contains(text, []byte(j.check)) {
		return answer.StatusCode, text, fmt.Errorf("%s did not echo the challenge", sub.url)
	}
	return answer.StatusCode, text, nil
}

// sign returns the headers of every signature that the vendor sends by default.
func (w *webhookSender) sign(a *App, secret, id string, body []byte) (http.Header, error) {
	header := http.Header{}
	for _, s := range a.Def.Webhook.Signatures {
		if s.OptIn {
			continue
		}
		key := secret
		if s.Algorithm == bindings.Ed25519 {
			key = w.private
		}
		signed, err := s.Sign(key, id, w.sandbox.now(), body)
		if err != nil {
			return nil, err
		}
		for name, values := range signed {
			header[name] = values
		}
	}
	return header, nil
}

func (w *webhookSender) record(sub *Subscription, j *job, status int, answer []byte, err error) {
	d := Delivery{Time: w.sandbox.now(), App: sub.App.Def.Name, Trigger: j.trigger, ID: j.id, URL: sub.url, Attempt: j.attempt, Status: status}
	if err != nil {
		d.Error = err.Error()
	}
	if j.form {
		d.Answer = string(answer)
	}
	log := w.sandbox.logger.With("app", d.App, "trigger", d.Trigger, "url", d.URL, "attempt", d.Attempt, "answer", status)
	if err != nil || NotAccepted(status) {
		log.Warn("webhook not accepted", "error", d.Error)
	} else {
		log.Info("webhook sent")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent = append(w.sent, d); len(w.sent) > maxDeliveries {
		w.sent = slices.Clone(w.sent[1:])
	}
}
