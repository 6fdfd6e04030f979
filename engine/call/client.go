package call

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/file"
)

// The defaults of a Config.
const (
	DefaultTimeout     = 30 * time.Second
	DefaultMaxWait     = 12 * time.Second // a little more than the most common window of a rate limit
	DefaultMaxSendings = 5
	DefaultMaxAnswer   = 32 << 20
)

// Config makes a Client. Zero fields mean the defaults.
type Config struct {
	Connections *connection.Set
	// Timeout bounds one sending, unless the call or the connection has a
	// timeout.
	Timeout time.Duration
	// MaxWait bounds all waits inside one call: for the rate limit, for
	// Retry-After and between sendings. Below zero a call does not wait.
	MaxWait time.Duration
	// MaxSendings bounds how often the request of one call is sent.
	MaxSendings int
	// MaxAnswer bounds an answer, in bytes.
	MaxAnswer int64
	// Files stores what is sent and answered as files; nil: there are none.
	Files *file.Store
	// Unlimited switches our own rate limits off, for tests and benchmarks.
	Unlimited bool
	// AllowPrivate lets the http library, and apps that are not built in, reach any
	// address. AllowHosts lets them reach these hosts ("intranet", "10.0.0.5:8080") and
	// networks ("10.0.0.0/8") although they are private.
	AllowPrivate bool
	AllowHosts   []string
	// Transport sends calls to apps; nil means one of our own, which checks the addresses
	// of apps that are not built in.
	Transport http.RoundTripper
	// MaySend returns why nothing may be sent now, nil if it may. It is called
	// before each sending; a nil MaySend allows all. Its error ends a call
	// without a result, as that of Begin does.
	MaySend func() error
	// Observe, if set, is called after each sending.
	Observe func(Sending)
	Log     *slog.Logger

	Clock  clock.Clock    // nil: the machine's
	Random func() float64 // in [0,1); nil: of math/rand
}

// Sending is one request that was sent, for logs and counters. It has no
// secret and nothing of the arguments.
type Sending struct {
	App, Operation, Connection string
	Method, Path               string        // the path as a template
	Number, Status             int           // status 0: no answer
	Result                     string        // ok, again, or the kind of the error
	Elapsed                    time.Duration // with the reading of the answer
	Timings                    Timings
}

// Client sends calls. It is safe for concurrent use.
type Client struct {
	config   Config
	apps     *sender
	added    *sender // of apps that are not built in
	web      *sender
	limits   *limiter
	circuits *circuits
	shapes   shapes
	probing  keyedMutex
}

// New makes a client.
func New(config Config) *Client {
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	if config.MaxWait == 0 {
		config.MaxWait = DefaultMaxWait
	}
	if config.MaxSendings == 0 {
		config.MaxSendings = DefaultMaxSendings
	}
	if config.MaxAnswer == 0 {
		config.MaxAnswer = DefaultMaxAnswer
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.MaySend == nil {
		config.MaySend = func() error { return nil }
	}
	config.Clock = clock.OrSystem(config.Clock)
	if config.Random == nil {
		config.Random = rand.Float64
	}
	added := config.Transport
	if config.Transport == nil {
		config.Transport, added = newTransport(), guarded(config.AllowPrivate, config.AllowHosts)
	}
	return &Client{
		config:   config,
		apps:     newSender(&http.Client{Transport: config.Transport, CheckRedirect: sameHost}),
		added:    newSender(&http.Client{Transport: added, CheckRedirect: sameHost}),
		web:      newSender(newWebClient(config.AllowPrivate, config.AllowHosts)),
		limits:   &limiter{budgets: map[string]*budget{}},
		circuits: newCircuits(config.Clock, config.Log),
	}
}

// MaySend returns why nothing may be sent now; see Config.
func (c *Client) MaySend() error { return c.config.MaySend() }

// senderOf returns what sends the calls to an app.
func (c *Client) senderOf(app *bindings.App) *sender {
	if app.Added {
		return c.added
	}
	return c.apps
}

// Close closes idle connections.
func (c *Client) Close() {
	c.apps.GetClient().CloseIdleConnections()
	c.added.GetClient().CloseIdleConnections()
	c.web.GetClient().CloseIdleConnections()
}
