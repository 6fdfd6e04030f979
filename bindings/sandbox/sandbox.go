package sandbox

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Token is the access token that every app of the sandbox accepts unless
// Config.Tokens has others. For an app with an API key of two parts it is the
// secret one.
const Token = "sandbox-token"

// The OAuth client of every app of the sandbox, and the refresh token that it
// accepts once from the start.
const (
	ClientID     = "sandbox-client"
	ClientSecret = "sandbox-secret"
	RefreshToken = "sandbox-refresh-token"
)

// Config configures a sandbox. Only Apps is needed.
type Config struct {
	Apps []*bindings.App
	// Rules define what catalogues do not, by app.
	Rules map[string]*Rules
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: none
	// Sleep waits for latencies and before a webhook is sent again; nil: in real
	// time. It must return early with an error when ctx ends.
	Sleep func(ctx context.Context, d time.Duration) error
	// Seed makes ids and keys repeatable; zero: they are random.
	Seed int64
	// Tokens are the access tokens accepted without OAuth, by app; an app that
	// is not named accepts Token.
	Tokens map[string][]string
	// Refresh is the refresh token accepted once from the start; empty means
	// RefreshToken.
	Refresh string
	// Accounts are the ids of the customer's space that the seeded records
	// have, by app; an app that is not named has the sandbox's own.
	Accounts map[string]string
	// TokenLifetime replaces the lifetime of the vendors' access tokens.
	TokenLifetime time.Duration
	// EnforceLimits answers 429 beyond the vendors' rate limits.
	EnforceLimits bool
	// Strict refuses fields and parameters that the catalogue does not declare.
	Strict bool
	// RetryDelay replaces the time before a vendor's second attempt to send a
	// webhook; zero: one second.
	RetryDelay time.Duration
}

// Sandbox simulates a set of apps. It is safe for concurrent use. Close ends it.
type Sandbox struct {
	config   Config
	logger   *slog.Logger
	apps     map[string]*App
	seed     uint64
	log      *requestLog
	faults   *faultList
	webhooks *webhookSender

	mu       sync.Mutex
	base     string // "http://127.0.0.1:4010"
	server   *http.Server
	serving  sync.WaitGroup
	ending   context.Context
	end      context.CancelFunc
	handlers http.Handler
}

// New returns a sandbox with its first records. It serves after Start, or
// through Handler.
func New(config Config) (*Sandbox, error) {
	s := &Sandbox{config: config, logger: config.Log, apps: map[string]*App{}, log: newRequestLog(), faults: &faultList{}}
	s.config.Refresh = cmp.Or(config.Refresh, RefreshToken)
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	s.seed = uint64(config.Seed)
	if s.seed == 0 {
		var b [8]byte
		_, _ = crand.Read(b[:])
		s.seed = binary.NativeEndian.Uint64(b[:])
	}
	s.ending, s.end = context.WithCancel(context.Background())
	var err error
	if s.webhooks, err = newWebhookSender(s); err != nil {
		return nil, err
	}
	for _, def := range config.Apps {
		if s.apps[def.Name] != nil {
			return nil, fmt.Errorf("app %q is there twice", def.Name)
		}
		if s.apps[def.Name], err = newApp(s, def, s.seed); err != nil {
			return nil, err
		}
	}
	s.handlers = s.routes()
	return s, nil
}

func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	for name, a := range s.apps {
		mux.Handle("/"+name+"/", a)
	}
	mux.Handle("/sandbox/", http.NewCrossOriginProtection().Handler(s.admin()))
	mux.HandleFunc("/", func(w http.ResponseWriter, h *http.Request) {
		writeJSON(w, http.StatusNotFound, Object{"error": fmt.Sprintf(
			"no app at %s; there are %s, and /sandbox/ lists what it can do", h.URL.Path, strings.Join(slices.Sorted(maps.Keys(s.apps)), ", "))})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, h *http.Request) {
		// A ServeMux would redirect paths with // or ../; the vendors do not.
		if prefix, _, _ := strings.Cut(strings.TrimPrefix(h.URL.Path, "/"), "/"); s.apps[prefix] != nil {
			s.apps[prefix].ServeHTTP(w, h)
			return
		}
		if a := s.atOwnPath(h); a != nil {
			a.ServeHTTP(w, h)
			return
		}
		mux.ServeHTTP(w, h)
	})
}

// atOwnPath finds the app whose address at the vendor has the path of a request,
// for clients in which only the host can be set: /calendar/v3/… is Google
// Calendar's. The request then has the path of the app here.
func (s *Sandbox) atOwnPath(h *http.Request) *App {
	var found *App
	own := ""
	for _, a := range s.apps {
		at, err := url.Parse(a.Def.BaseURL)
		if err == nil && at.Path != "" && strings.HasPrefix(h.URL.Path, at.Path+"/") && len(at.Path) > len(own) {
			found, own = a, at.Path
		}
	}
	if found != nil {
		h.URL.Path = found.base + strings.TrimPrefix(h.URL.Path, own)
		if h.URL.RawPath != "" {
			h.URL.RawPath = found.base + strings.TrimPrefix(h.URL.RawPath, own)
		}
	}
	return found
}

// Handler serves every app under /<app>/ and the admin interface under
// /sandbox/.
func (s *Sandbox) Handler() http.Handler { return s.handlers }

// Start listens on addr ("127.0.0.1:0" for any free port) and serves until
// Close or until ctx ends.
func (s *Sandbox) Start(ctx context.Context, addr string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("start sandbox on %q: %w", addr, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		_ = listener.Close()
		return errors.New("start sandbox: it is started already")
	}
	s.base = "http://" + listener.Addr().String()
	s.server = &http.Server{
		Handler:           s.handlers,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	server := s.server
	s.serving.Go(func() { _ = server.Serve(listener) })
	stop := context.AfterFunc(ctx, func() { s.end(); _ = server.Close() })
	s.serving.Go(func() {
		<-s.ending.Done()
		stop()
	})
	return nil
}

// Close stops serving and sending, and returns when all goroutines of the
// sandbox have ended.
func (s *Sandbox) Close() error {
	s.end()
	s.mu.Lock()
	server := s.server
	s.mu.Unlock()
	var err error
	if server != nil {
		err = server.Close()
	}
	s.webhooks.wait()
	s.serving.Wait()
	return err
}

// URL is the base URL of an app, for a connection's base_url; before Start it
// is the path alone.
func (s *Sandbox) URL(app string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base + "/" + app
}

// TokenURL is the token endpoint of an app.
func (s *Sandbox) TokenURL(app string) string { return s.URL(app) + "/oauth/token" }

// AuthorizeURL is where a person agrees to what an app's client asks for.
func (s *Sandbox) AuthorizeURL(app string) string { return s.URL(app) + "/oauth/authorize" }

// RevokeURL is where tokens are revoked.
func (s *Sandbox) RevokeURL(app string) string { return s.URL(app) + "/oauth/revoke" }

// Account is the id of the customer's space that an app's first records have.
func (s *Sandbox) Account(app string) string {
	if a := s.apps[app]; a != nil {
		return a.Account
	}
	return ""
}

// AppNames are the names of the apps, sorted.
func (s *Sandbox) AppNames() []string { return slices.Sorted(maps.Keys(s.apps)) }

// Calls counts the requests of an operation since the start or the last reset; an
// empty operation counts all of the app.
func (s *Sandbox) Calls(app, operation string) int { return s.log.calls(app, operation) }

// Requests are the newest requests of an app, oldest first; with an empty app
// those of all.
func (s *Sandbox) Requests(app string) []Request { return s.log.requests(app) }

// Fault injects a fault into later calls.
func (s *Sandbox) Fault(f Fault) error {
	if f.App != "" && s.apps[f.App] == nil {
		return s.unknownApp(f.App)
	}
	if f.App != "" && f.Operation != "" {
		if _, found := s.apps[f.App].Def.Operation(f.Operation); !found {
			return fmt.Errorf("app %q has no operation %q", f.App, f.Operation)
		}
	}
	if !slices.Contains([]Cut{"", CutRequest, CutAnswer, CutBody}, f.Cut) {
		return fmt.Errorf("fault: cut %q; expected %q, %q or %q", f.Cut, CutRequest, CutAnswer, CutBody)
	}
	s.faults.add(f)
	return nil
}

// Records are the records of a resource in the order of their creation. A
// resource is named by the words of its path ("contacts/tasks"), or by the
// last of them if only one has it ("tasks").
func (s *Sandbox) Records(app, resource string) []json.RawMessage {
	a := s.apps[app]
	if a == nil {
		return nil
	}
	res := a.model.byShortName(resource)
	if res == nil {
		return nil
	}
	a.performLate()
	a.mu.Lock()
	defer a.mu.Unlock()
	all := []json.RawMessage{}
	for _, r := range a.store.all(res.name, nil) {
		all = append(all, Encode(r.Fields))
	}
	return all
}

// Put stores a record by hand, without a webhook, and returns it as stored. A
// record with the same id is changed.
func (s *Sandbox) Put(app, resource string, fields any) (json.RawMessage, error) {
	a := s.apps[app]
	if a == nil {
		return nil, s.unknownApp(app)
	}
	res := a.model.byShortName(resource)
	if res == nil {
		return nil, fmt.Errorf("app %q has no resource %q", app, resource)
	}
	v, err := normal(fields)
	if err != nil {
		return nil, fmt.Errorf("put %s %q: %w", app, resource, err)
	}
	given, isObject := v.(Object)
	if !isObject {
		return nil, fmt.Errorf("put %s %q: expected an object, found %.60s", app, resource, Encode(v))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return Encode(a.seed(res.name, given).Fields), nil
}

// Resources are the names of the resources that an app has.
func (s *Sandbox) Resources(app string) []string {
	if a := s.apps[app]; a != nil {
		return slices.Sorted(maps.Keys(a.model.resources))
	}
	return nil
}

// InvalidateSyncTokens makes an app refuse the tokens that it has issued for
// positions in its lists and feeds.
func (s *Sandbox) InvalidateSyncTokens(app string) error {
	a := s.apps[app]
	if a == nil {
		return s.unknownApp(app)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.store.version++
	a.minSyncVersion = a.store.version
	return nil
}

// Reset resets all apps to the start: records, tokens, faults, counters.
// Subscriptions stay.
func (s *Sandbox) Reset() {
	s.faults.clear()
	s.log.clear()
	for _, a := range s.apps {
		a.clear(s.seed)
	}
}

func (s *Sandbox) unknownApp(app string) error {
	return fmt.Errorf("unknown app %q; the sandbox has %s", app, strings.Join(slices.Sorted(maps.Keys(s.apps)), ", "))
}

func (s *Sandbox) now() time.Time {
	if s.config.Now != nil {
		return s.config.Now()
	}
	return time.Now()
}

// wait sleeps, and returns early with an error when ctx or the sandbox ends.
func (s *Sandbox) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ending, cancel)()
	if s.config.Sleep != nil {
		return s.config.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
