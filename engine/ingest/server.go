package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
)

// MaxBody is the largest body that is read, in bytes.
const MaxBody = 5 << 20

// firstRead bounds what is set aside for a body because its sender says that
// it will be so long.
const firstRead = 64 << 10

// Config makes a Server. Apps, Connections, Generation and Accept are required.
type Config struct {
	Apps        []*bindings.App
	Connections *connection.Set
	Generation  func() *script.Generation
	// Accept keeps events in one commit; it returns when that is durable. The
	// receipts stand in the order of the events.
	Accept func(context.Context, ...journal.Event) ([]journal.Receipt, error)
	// Subscriptions are those that we registered; nil: none.
	Subscriptions Subscriptions
	// Life is told, before the event is kept, that an app was installed in an
	// account or taken away; an error has the vendor send again. Nil tells nobody.
	Life func(context.Context, Life) error
	// Secret opens a secret by name, for the hooks of scripts.
	Secret func(name string) (string, error)
	// Pages are served beside the webhooks, by the beginning of their path.
	Pages map[string]http.Handler
	// InFlight bounds the requests that wait for the store; zero means 1024.
	// One more is asked to come again.
	InFlight int
	// Held bounds the bytes of all bodies that are being read or kept; zero
	// means 256 MiB. A sender that would go beyond is asked to come again.
	Held int64
	// BodyTimeout is how long a sender may take for its request; zero means 10 s.
	BodyTimeout time.Duration
	Now         func() time.Time
	Log         *slog.Logger
}

// Life is a vendor's word that an account's installation of the app began or
// ended.
type Life struct {
	Connection *connection.Connection // that the webhook came to
	Account    string                 // empty: the connection's own
	Began      bool
	At         time.Time
}

// Server receives webhooks.
type Server struct {
	Config
	apps     map[string]*source
	places   chan struct{}
	held     atomic.Int64 // bytes of bodies
	counters counters
}

// New makes a server; it does not listen.
func New(c Config) *Server {
	if c.InFlight <= 0 {
		c.InFlight = 1024
	}
	if c.Held <= 0 {
		c.Held = 256 << 20
	}
	if c.BodyTimeout <= 0 {
		c.BodyTimeout = 10 * time.Second
	}
	if c.Subscriptions == nil {
		c.Subscriptions = nobody{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{Config: c, apps: map[string]*source{}, places: make(chan struct{}, c.InFlight)}
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
	for prefix, page := range s.Pages {
		mux.Handle(prefix, page)
	}
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("/", s.nowhere)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would send elsewhere what is not written plainly; a sender of
		// webhooks does not follow.
		if p := r.URL.Path; p == "/in" || p != "/" && path.Clean(p) != strings.TrimSuffix(p, "/") {
			s.nowhere(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *Server) nowhere(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, refusal{status: http.StatusNotFound, reason: "path",
		text: "nothing is served here; webhooks go to /hooks/<app>, /hooks/<app>/<name> or /in/<path>"})
}

// Serve answers on listener until ctx is done, then lets what is being
// answered finish within grace.
func (s *Server) Serve(ctx context.Context, listener net.Listener, grace time.Duration) error {
	silent := &silentConns{open: map[net.Conn]bool{}}
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: s.BodyTimeout,
		ReadTimeout:       s.BodyTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ConnState:         silent.track,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	silent.close()
	err := server.Shutdown(bound)
	if errors.Is(err, context.DeadlineExceeded) {
		s.Log.Warn("senders were cut off that did not finish in time", "grace", grace)
		err = server.Close()
	}
	<-served
	return err
}

// silentConns are connections on which nothing was sent yet. Shutdown would
// wait for them.
type silentConns struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (c *silentConns) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateNew {
		c.open[conn] = true
		return
	}
	delete(c.open, conn)
}

func (c *silentConns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		conn.Close()
	}
}

// message is a request with its body, read whole.
type message struct {
	*http.Request
	body []byte
	// sendAgain is the status that makes this sender come again later.
	sendAgain int
}

// verdict is what a request comes to: events to keep, or an answer to a check
// of the address.
type verdict struct {
	outcome string // what it counts as, where there is no event
	events  []journal.Event
	// then is done when the events are kept, before the sender hears of it.
	then   []func()
	lives  []Life // told before the events are kept
	echo   []byte // the answer
	header http.Header
	silent bool // 2xx has no body
}

func (v *verdict) tell(outcome string, then func()) {
	v.outcome, v.then = outcome, append(v.then, then)
}

// receive reads a request, has it judged, and answers it.
func (s *Server) receive(judge func(*message) (verdict, *refusal)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m := &message{Request: r, sendAgain: http.StatusServiceUnavailable}
		if source := s.apps[r.PathValue("app")]; source != nil && source.app.Webhook.RetryStatus != 0 {
			m.sendAgain = source.app.Webhook.RetryStatus
		}
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			s.refuse(w, r, refusal{status: http.StatusMethodNotAllowed, reason: "method", text: "found " + r.Method + "; webhooks are sent with POST"})
			return
		}
		load := &load{held: &s.held, most: s.Held}
		defer load.off()
		if no := m.read(w, load); no != nil {
			s.refuse(w, r, *no)
			return
		}
		// Only now: senders that are slow must not keep others out.
		select {
		case s.places <- struct{}{}:
			defer func() { <-s.places }()
		default:
			s.refuse(w, r, m.overload())
			return
		}
		v, no := judge(m)
		if no != nil {
			s.refuse(w, r, *no)
			return
		}
		if len(v.events) > 0 {
			s.keep(w, m, v)
			return
		}
		s.acknowledge(w, m, v)
	}
}

func (m *message) read(w http.ResponseWriter, load *load) *refusal {
	tooLarge := &refusal{status: http.StatusRequestEntityTooLarge, reason: "size", text: "the body is larger than 5 MiB"}
	if m.ContentLength > MaxBody {
		return tooLarge
	}
	var body bytes.Buffer
	body.Grow(int(min(max(m.ContentLength, 0), firstRead)) + bytes.MinRead)
	load.Reader = http.MaxBytesReader(w, m.Body, MaxBody)
	_, err := body.ReadFrom(load)
	var size *http.MaxBytesError
	switch {
	case err == nil:
	case errors.As(err, &size):
		return tooLarge
	case errors.Is(err, errHeld):
		no := m.overload()
		return &no
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &refusal{status: http.StatusRequestTimeout, reason: "slow", text: "the body did not arrive in time"}
	default:
		return &refusal{status: http.StatusBadRequest, reason: "cut", text: "the body ended early: " + err.Error()}
	}
	m.body = body.Bytes()
	return nil
}

// acknowledge answers a request that brought no event.
func (s *Server) acknowledge(w http.ResponseWriter, m *message, v verdict) {
	for _, then := range v.then {
		then()
	}
	s.counters.add(label(m.Request), v.outcome)
	s.Log.Debug("webhook "+v.outcome, "path", m.URL.Path)
	for name, values := range v.header {
		w.Header()[name] = values
	}
	w.Header().Set("X-Content-Type-Options", "nosniff") // it may say what the sender says
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write(v.echo)
}

// keep stores the events of a request and acknowledges them; only here does a
// sender hear 2xx for one.
func (s *Server) keep(w http.ResponseWriter, m *message, v verdict) {
	now := s.Now()
	for i := range v.events {
		v.events[i].Received = now
	}
	// A sender that hangs up must not undo what is being kept.
	for _, life := range v.lives {
		if err := s.Life(context.WithoutCancel(m.Context()), life); err != nil {
			no := m.again("store", "what it tells of could not be kept")
			no.cause = err
			s.refuse(w, m.Request, no)
			return
		}
	}
	receipts, err := s.Accept(context.WithoutCancel(m.Context()), v.events...)
	if err != nil {
		no := m.again("store", "the event could not be kept")
		no.cause = err
		s.refuse(w, m.Request, no)
		return
	}
	for _, then := range v.then {
		then()
	}
	kept := make([]keptEvent, len(receipts))
	for i, receipt := range receipts {
		kept[i] = keptEvent{v.events[i].ID, outcome(receipt), len(receipt.Runs)}
		s.note(m, v.events[i], kept[i], receipt.Echo)
	}
	if v.silent {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if len(kept) == 1 {
		json.NewEncoder(w).Encode(kept[0])
		return
	}
	json.NewEncoder(w).Encode(map[string][]keptEvent{"events": kept})
}

// keptEvent is what a sender is told of an event.
type keptEvent struct {
	Event   string `json:"event"`
	Outcome string `json:"outcome"`
	Runs    int    `json:"runs"`
}

func outcome(receipt journal.Receipt) string {
	switch {
	case receipt.Duplicate:
		return "repeated"
	case !receipt.Kept:
		return "unheard"
	}
	return "accepted"
}

// note counts and logs what became of an event.
func (s *Server) note(m *message, event journal.Event, kept keptEvent, echo bool) {
	s.counters.add(label(m.Request), kept.Outcome)
	level := slog.LevelInfo
	if kept.Outcome != "accepted" {
		level = slog.LevelDebug
	}
	args := []any{"event", event.ID, "type", event.Type, "runs", kept.Runs}
	if event.Connection != "" {
		args = append(args, "connection", event.Connection)
	}
	if echo { // why hooks that name it did not run
		args = append(args, "echo", true)
	}
	s.Log.Log(m.Context(), level, "event "+kept.Outcome, args...)
}

// label names where a request came in, for counting: the path without what
// anybody may put there.
func label(r *http.Request) string {
	if app := r.PathValue("app"); app != "" {
		return app
	}
	if strings.HasPrefix(r.URL.Path, "/in/") {
		return "in"
	}
	return "other"
}
