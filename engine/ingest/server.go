package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
)

// MaxBody is the largest body that is read, in bytes.
const MaxBody = 5 << 20

// Config makes a Server. Apps, Connections, Generation and Accept are required.
type Config struct {
	Apps        []*bindings.App
	Connections *connection.Set
	Generation  func() *script.Generation
	// Accept stores events in one commit and returns when that is durable. The
	// receipts are in the order of the events.
	Accept func(context.Context, ...journal.Event) ([]journal.Receipt, error)
	// Check returns why nothing may be acknowledged now, nil if all may; a nil
	// Check allows all. Accept returns such an error itself.
	Check func() error
	// Unready returns one word for why events cannot be stored now, empty if they
	// can; a nil Unready returns none.
	Unready func() string
	// Unloaded names scripts whose hooks are not known, because they could not be
	// loaded. While there are some, senders of events that no hook names are asked
	// to send again. nil: there are none.
	Unloaded func() []string
	// Subscriptions are the webhooks that we registered; nil: none.
	Subscriptions Subscriptions
	// InstallChanged is called when an app was installed in an account or
	// removed, before the event is stored. After an error the vendor is asked to
	// send again. It may be nil.
	InstallChanged func(context.Context, InstallEvent) error
	// PutFile stores a large file of a form durably, and returns its hash and its
	// size in bytes. nil: the data of the events has all files.
	PutFile func(content io.Reader) (hash string, size int64, err error)
	// Secret opens a secret by name, for the hooks of scripts.
	Secret func(name string) (string, error)
	// Answers has the answers of runs to their senders; nil: there are none.
	Answers Answers
	// PublicURL is the address that vendors have, for those that sign it; empty if
	// it is not known.
	PublicURL string
	// Pages are further handlers, by the prefix of their paths.
	Pages map[string]http.Handler
	// InFlight bounds the requests that wait for the store; zero means 1024.
	// The sender of one more is asked to send it again.
	InFlight int
	// InFlightBytes bounds the memory, in bytes, of all bodies that are being read
	// or stored; zero means 256 MiB. One path has a quarter of it, one sender an
	// eighth, and a half is for paths that had a verified event in the last hour.
	// A sender that would exceed it is asked to send again.
	InFlightBytes int64
	// BodyTimeout is how long a sender may take for its request; zero means 10 s.
	// After SlowAfter a body must have brought 1 KiB for each further second; zero
	// means 2 s.
	BodyTimeout, SlowAfter time.Duration
	// TrustedProxies are the networks of proxies whose X-Forwarded-For has the
	// sender's address.
	TrustedProxies []netip.Prefix
	Clock          clock.Clock // nil means the machine's
	Log            *slog.Logger
}

// InstallEvent is a vendor's message that an account installed the app or
// removed it.
type InstallEvent struct {
	Connection *connection.Connection // that received the webhook
	Account    string                 // empty: the connection's own
	Installed  bool                   // false: removed
	At         time.Time
}

// Server receives webhooks.
type Server struct {
	config   Config
	apps     map[string]*source
	slots    chan struct{} // has a value for each request in flight
	waiters  chan struct{} // has a value for each sender that waits for an answer
	budget   *budget
	counters counters
	refusals refusalLog
	// forwarded is done when the log has that X-Forwarded-For is not read.
	forwarded sync.Once
}

// New makes a server; it does not listen.
func New(c Config) *Server {
	if c.InFlight <= 0 {
		c.InFlight = 1024
	}
	if c.InFlightBytes <= 0 {
		c.InFlightBytes = 256 << 20
	}
	if c.BodyTimeout <= 0 {
		c.BodyTimeout = 10 * time.Second
	}
	if c.SlowAfter <= 0 {
		c.SlowAfter = 2 * time.Second
	}
	if c.Subscriptions == nil {
		c.Subscriptions = noSubscriptions{}
	}
	if c.Unloaded == nil {
		c.Unloaded = func() []string { return nil }
	}
	if c.Check == nil {
		c.Check = func() error { return nil }
	}
	if c.Unready == nil {
		c.Unready = func() string { return "" }
	}
	c.Clock = clock.OrSystem(c.Clock)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{config: c, apps: map[string]*source{}, slots: make(chan struct{}, c.InFlight), waiters: make(chan struct{}, maxWaiters), budget: newBudget(c.InFlightBytes, c.Clock)}
	for _, app := range c.Apps {
		if app.Webhook != nil {
			s.apps[app.Name] = newSource(app)
		}
	}
	return s
}

// Handler answers everything under /hooks/ and /in/, and the pages.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/hooks/{app}", s.receive(s.webhook))
	mux.HandleFunc("/hooks/{app}/{name}", s.receive(s.webhook))
	mux.HandleFunc("/in/{path...}", s.receive(s.inbound))
	for prefix, page := range s.config.Pages {
		mux.Handle(prefix, page)
	}
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, "") })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, s.config.Unready()) })
	mux.HandleFunc("/", s.notFound)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would redirect a path that is not clean, and senders of webhooks
		// do not follow redirects.
		if p := r.URL.Path; p == "/in" || p != "/" && path.Clean(p) != strings.TrimSuffix(p, "/") {
			s.notFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// writeHealth answers 200 without a reason, and 503 with one.
func writeHealth(w http.ResponseWriter, reason string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if reason == "" {
		reason = "ok"
	} else {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	io.WriteString(w, reason+"\n")
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, refusal{status: http.StatusNotFound, reason: "path",
		text: "nothing is served here; webhooks go to /hooks/<app>, /hooks/<app>/<name> or /in/<path>"})
}

// Serve answers on listener until ctx is done, then waits at most for grace
// until the requests in flight are answered.
func (s *Server) Serve(ctx context.Context, listener net.Listener, grace time.Duration) error {
	unused := &unusedConns{open: map[net.Conn]bool{}}
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: s.config.BodyTimeout,
		ReadTimeout:       s.config.BodyTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ConnState:         unused.track,
		ErrorLog:          slog.NewLogLogger(s.config.Log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	counting, stopCounting := context.WithCancel(ctx)
	var counted sync.WaitGroup
	counted.Go(func() { s.logCounts(counting) })
	defer counted.Wait()
	defer stopCounting()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	unused.close()
	err := server.Shutdown(bound)
	if errors.Is(err, context.DeadlineExceeded) {
		s.config.Log.Warn("senders were cut off that did not finish in time", "grace", grace)
		err = server.Close()
	}
	<-served
	return err
}

// unusedConns are connections on which nothing was sent yet. Shutdown would
// wait for them.
type unusedConns struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (c *unusedConns) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateNew {
		c.open[conn] = true
		return
	}
	delete(c.open, conn)
}

func (c *unusedConns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		conn.Close()
	}
}

// message is a request with its body.
type message struct {
	*http.Request
	body []byte
	// reserved is the memory of the body, and of what is made of it.
	reserved *reservation
	slots    chan struct{} // that of the server while the request has a place in it; else nil
	// retryStatus is the status after which this vendor sends again later.
	retryStatus int
}

// release ends what the request takes of the bounds of all requests.
func (m *message) release() {
	m.reserved.release()
	if m.slots != nil {
		<-m.slots
		m.slots = nil
	}
}

// result is what a valid request contains: events to store, or a check of the
// address to answer.
type result struct {
	countAs  string // in Counts, if there are no events
	events   []journal.Event
	installs []InstallEvent
	// callbacks are called once the events are stored, before the answer.
	callbacks []func()
	body      []byte // of the answer, if there are no events
	header    http.Header
	noBody    bool              // the answer has no body, though there are events
	verified  bool              // a signature or a secret proved the sender
	responder *script.Responder // of the only event; nil: no hook answers
	// unanswered is the status if there is no answer of the responder in time.
	unanswered int
}

func (v *result) callback(countAs string, f func()) {
	v.countAs, v.callbacks = countAs, append(v.callbacks, f)
}

// opened is what the head of a request leaves to do: to read the body and call
// handle, or to answer with done.
type opened struct {
	handle func() (result, *refusal)
	done   *result
}

// receive returns the handler of a kind of requests. It calls open before the body
// is read, so that a refusal costs no memory and no time of a slow sender.
func (s *Server) receive(open func(*message) (opened, *refusal)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m := &message{Request: r, retryStatus: http.StatusServiceUnavailable}
		if source := s.apps[r.PathValue("app")]; source != nil && source.app.Webhook.RetryStatus != 0 {
			m.retryStatus = source.app.Webhook.RetryStatus
		}
		o, refused := s.openRequest(w, m, open)
		if refused != nil {
			s.refuseUnread(w, r, *refused)
			return
		}
		m.reserved = s.budget.reservation(budgetPath(r), senderKey(s.sender(r)))
		defer m.release()
		if o.done != nil {
			defer leaveUnread(w, r)()
		} else if refused := s.readBody(w, m); refused != nil {
			s.refuseUnread(w, r, *refused)
			return
		}
		// After the body, so that slow senders do not use up the slots.
		select {
		case s.slots <- struct{}{}:
			m.slots = s.slots
		default:
			s.refuse(w, r, m.overload())
			return
		}
		s.finish(w, m, o)
	}
}

// openRequest judges what the head of a request has.
func (s *Server) openRequest(w http.ResponseWriter, m *message, open func(*message) (opened, *refusal)) (opened, *refusal) {
	if allowed := s.allowed(m.Request); !slices.Contains(allowed, m.Method) {
		methods := strings.Join(allowed, ", ")
		w.Header().Set("Allow", methods)
		return opened{}, &refusal{status: http.StatusMethodNotAllowed, reason: "method", text: fmt.Sprintf("found %.20s; this address takes %s", m.Method, methods)}
	}
	o, refused := open(m)
	if refused == nil && m.ContentLength > MaxBody {
		refused = &tooLarge
	}
	return o, refused
}

// finish answers a request whose body is read.
func (s *Server) finish(w http.ResponseWriter, m *message, o opened) {
	v, refused := result{}, (*refusal)(nil)
	if o.done != nil {
		v = *o.done
	} else {
		v, refused = o.handle()
	}
	switch {
	case refused != nil:
		s.refuse(w, m.Request, *refused)
		return
	case v.verified:
		s.budget.verify(budgetPath(m.Request))
	}
	if len(v.events) > 0 {
		s.accept(w, m, v)
		return
	}
	s.acknowledge(w, m, v)
}

// budgetPath returns the path by which the bytes of a request are counted. A slash
// at the end does not make it another one.
func budgetPath(r *http.Request) string { return strings.TrimSuffix(r.URL.Path, "/") }

// sender returns the address that a request comes from.
func (s *Server) sender(r *http.Request) netip.Addr {
	trusted := proxies(s.config.TrustedProxies)
	at := readAddr(r.RemoteAddr)
	if r.Header.Get(forwardedFor) != "" && (at.IsLoopback() || at.IsPrivate()) && !trusted.trust(at) {
		s.forwarded.Do(func() {
			s.config.Log.Warn("X-Forwarded-For is not read, so all senders behind this proxy count as one; trusted_proxies sets the proxies that are trusted", "proxy", at)
		})
	}
	return trusted.sender(r)
}

// acknowledge answers a request without an event.
func (s *Server) acknowledge(w http.ResponseWriter, m *message, v result) {
	if err := s.config.Check(); err != nil {
		refused := m.retryLater("store", "nothing can be stored")
		refused.cause = err
		s.refuse(w, m.Request, refused)
		return
	}
	for _, callback := range v.callbacks {
		callback()
	}
	s.counters.add(label(m.Request), v.countAs)
	s.config.Log.Debug("webhook "+v.countAs, "path", forLog(m.URL.Path))
	for name, values := range v.header {
		w.Header()[name] = values
	}
	w.Header().Set("X-Content-Type-Options", "nosniff") // the body may be a text of the sender
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write(v.body)
}
