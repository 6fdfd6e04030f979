package call

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/file"
)

// The defaults of a Config.
const (
	DefaultTimeout  = 30 * time.Second
	DefaultPatience = 12 * time.Second // a little more than the commonest window of a rate limit
	DefaultSendings = 5
	DefaultAnswer   = 32 << 20
)

// Config makes a Client. Zero fields mean the defaults.
type Config struct {
	Connections *connection.Set
	// Timeout bounds one sending where neither call nor connection says more.
	Timeout time.Duration
	// Patience bounds all waits inside one call: for the rate limit, for
	// Retry-After and between sendings. Below zero nothing is waited for.
	Patience time.Duration
	// Sendings bounds how often one call is sent.
	Sendings int
	// MaxAnswer bounds the bytes of an answer.
	MaxAnswer int64
	// Files keeps what is sent and answered as files; nil: there are none.
	Files *file.Store
	// Unlimited switches our own rate limits off, for tests and benchmarks.
	Unlimited bool
	// AllowPrivate lets the http library reach any address. AllowHosts lets it
	// reach these hosts ("intranet", "10.0.0.5:8080") and networks
	// ("10.0.0.0/8") although they are private.
	AllowPrivate bool
	AllowHosts   []string
	// Transport sends calls to apps; nil means one of our own.
	Transport http.RoundTripper
	// Observe, if set, is told of each sending, after it.
	Observe func(Sending)
	Log     *slog.Logger

	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error
	Random func() float64 // in [0,1)
}

// Sending is one request that was sent, for logs and counters. It holds no
// secret and nothing of the arguments.
type Sending struct {
	App, Operation, Connection string
	Method, Path               string // the path as a template
	Attempt, Status            int    // status 0: no answer
	Outcome                    string // ok, again, or the kind of the error
	Took                       time.Duration
}

// Client sends calls. It is safe for concurrent use.
type Client struct {
	Config
	apps   *resty.Client
	web    *resty.Client
	limits *limiter
	shapes shapes
	doubts turns
}

// New makes a client.
func New(config Config) *Client {
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	if config.Patience == 0 {
		config.Patience = DefaultPatience
	}
	if config.Sendings == 0 {
		config.Sendings = DefaultSendings
	}
	if config.MaxAnswer == 0 {
		config.MaxAnswer = DefaultAnswer
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Sleep == nil {
		config.Sleep = sleep
	}
	if config.Random == nil {
		config.Random = rand.Float64
	}
	if config.Transport == nil {
		config.Transport = newTransport()
	}
	return &Client{
		Config: config,
		apps:   newSender(&http.Client{Transport: config.Transport, CheckRedirect: sameHost}),
		web:    newSender(newWebClient(config.AllowPrivate, config.AllowHosts)),
		limits: &limiter{buckets: map[string]*bucket{}},
	}
}

// Close gives idle connections back.
func (c *Client) Close() {
	c.apps.GetClient().CloseIdleConnections()
	c.web.GetClient().CloseIdleConnections()
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
