package subscription

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/panics"
	"github.com/tidewire/tidewire/engine/script"
)

// Store stores subscriptions; a journal.Store is one.
type Store interface {
	PutSubscription(ctx context.Context, s journal.Subscription) error
	DropSubscription(ctx context.Context, key string) error
	Subscriptions(ctx context.Context) ([]journal.Subscription, error)
}

// Secrets stores the secrets of subscriptions, encrypted. Methods return when
// the change is durable.
type Secrets interface {
	// Load returns the secret, empty if there is none.
	Load(ctx context.Context, connection, key string) (string, error)
	Save(ctx context.Context, connection, key, secret string) error
	Remove(ctx context.Context, connection, key string) error
}

// The defaults of a Config.
const (
	DefaultSettle = time.Minute
	DefaultCheck  = time.Hour
)

// Config makes a Registrar. Connections, Calls, Store, Secrets and Generation
// are required.
type Config struct {
	Connections *connection.Set
	Calls       *call.Client
	Store       Store
	Secrets     Secrets
	Generation  func() *script.Generation
	// PublicURL is the address at which vendors reach this installation; empty if
	// they cannot.
	PublicURL string
	// Auto reports whether webhooks of a connection are registered and removed
	// without a command; nil: none are.
	Auto func(connection string) bool
	// PollSoon requests a poll; an empty item means all. Reconcile requests the
	// polls that find what webhooks lost. Both return at once.
	PollSoon  func(connection, poll, item string)
	Reconcile func(connection string)
	// Settle is how long a subscription must be unneeded before it is removed, and
	// how long a replaced one stays after the new one was created. Check is the
	// interval at which the subscriptions of a vendor are listed.
	Settle, Check time.Duration
	Clock         clock.Clock // nil means the machine's
	Log           *slog.Logger
}

// Registrar keeps the webhooks of an installation registered. Make one with New;
// Run works until its context is done, Sync works once.
type Registrar struct {
	config   Config
	registry *registry
	changed  chan struct{} // has one element when Run is to check again

	mu     sync.Mutex
	states map[string]*connState // by connection
}

// New reads the subscriptions of the store. It starts nothing.
func New(ctx context.Context, c Config) (*Registrar, error) {
	if c.Auto == nil {
		c.Auto = func(string) bool { return false }
	}
	if c.PollSoon == nil {
		c.PollSoon = func(string, string, string) {}
	}
	if c.Reconcile == nil {
		c.Reconcile = func(string) {}
	}
	if c.Settle <= 0 {
		c.Settle = DefaultSettle
	}
	if c.Check <= 0 {
		c.Check = DefaultCheck
	}
	// Subscriptions end by the wall clock, also after that was set.
	c.Clock = clock.Wall(clock.OrSystem(c.Clock))
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	reg, err := openRegistry(ctx, c.Store, c.Secrets)
	if err != nil {
		return nil, fmt.Errorf("read what is registered at vendors: %w", err)
	}
	return &Registrar{config: c, registry: reg, changed: make(chan struct{}, 1), states: map[string]*connState{}}, nil
}

// maxSleep bounds a wait, because timers do not notice a clock that was set, or
// a machine that was suspended.
const maxSleep = 30 * time.Second

// Run keeps webhooks registered until ctx is done: those of connections with
// Auto as scripts need them, those of others as long as they are registered.
func (r *Registrar) Run(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	r.warnNoAddress()
	for {
		generation, now, wait := r.config.Generation(), r.config.Clock.Now(), maxSleep
		for _, conn := range r.config.Connections.All() {
			if !registers(conn.App()) {
				continue
			}
			c := r.state(conn.Name())
			if left := c.begin(generation, now); left > 0 {
				wait = min(wait, left)
				continue
			}
			work.Go(func() {
				r.syncConnection(ctx, conn, c, generation)
				r.wake()
			})
		}
		timer, stop := r.config.Clock.Timer(wait)
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-generation.Replaced():
			stop()
		case <-r.changed:
			stop()
		case <-timer:
		}
	}
}

// wake makes Run check all connections again.
func (r *Registrar) wake() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// registers reports whether an app has webhooks that are registered by calls.
func registers(app *bindings.App) bool {
	for i := range app.Subscriptions {
		if !isManual(&app.Subscriptions[i]) {
			return true
		}
	}
	return false
}

// syncConnection makes one sync of a connection, and sets when the next is due.
func (r *Registrar) syncConnection(ctx context.Context, conn *connection.Connection, c *connState, g *script.Generation) {
	next := r.config.Clock.Now().Add(afterPanic)
	_ = panics.Catch(r.config.Log, "the registration of webhooks of "+conn.Name(), func() error {
		sy := r.newSyncer(conn, c, g, syncMode{register: r.config.Auto(conn.Name()) && r.config.PublicURL != ""})
		planned := sy.sync(ctx)
		for _, change := range sy.changes {
			r.logChange(change)
		}
		r.warnUnregistered(conn, c, g)
		next = planned
		return nil
	})
	c.end(next)
}

// afterPanic is how long after a panic the webhooks of a connection are checked again.
const afterPanic = 10 * time.Minute

// warnNoAddress logs at the start the connections with Auto that cannot have
// webhooks, because there is no PublicURL.
func (r *Registrar) warnNoAddress() {
	for _, conn := range r.config.Connections.All() {
		if r.config.PublicURL == "" && r.config.Auto(conn.Name()) && registers(conn.App()) {
			r.config.Log.Warn("webhooks are not registered", "connection", conn.Name(), "error", ErrNoAddress)
		}
	}
}

// warnUnregistered logs once for each generation that scripts need webhooks
// which are not registered by the engine.
func (r *Registrar) warnUnregistered(conn *connection.Connection, c *connState, g *script.Generation) {
	if c.warned == g || r.config.Auto(conn.Name()) || conn.ReadOnly() || conn.WebhookSecret() != "" || conn.PollEvery() > 0 {
		return
	}
	c.warned = g
	for i := range conn.App().Subscriptions {
		def := &conn.App().Subscriptions[i]
		wanted, types := wantedTypes(conn.App(), def, conn.Name(), g)
		if !wanted || isManual(def) || polled(conn.App(), def, conn.Name(), g) {
			continue
		}
		have := r.registry.all(func(s journal.Subscription) bool { return s.Connection == conn.Name() && s.Name == def.Name })
		if len(have) == 0 {
			r.config.Log.Warn("scripts want webhooks that are not registered", "connection", conn.Name(), "types", types,
				"do", "tidewire webhooks sync "+conn.Name()+", or webhooks: auto in its settings")
		}
	}
}

// logChange logs what was done, and what failed.
func (r *Registrar) logChange(c Change) {
	args := []any{"connection", c.Connection, "subscription", c.Subscription}
	if c.Item != "" {
		args = append(args, "item", c.Item)
	}
	if !c.Expires.IsZero() {
		args = append(args, "until", c.Expires.UTC().Format(time.RFC3339))
	}
	switch c.Action {
	case Unchanged, Manual:
	case Failed:
		r.config.Log.Warn("webhook not registered as wanted", append(args, "error", c.Text)...)
	default:
		r.config.Log.Info("webhook "+string(c.Action), append(args, "why", c.Text)...)
	}
}

func (r *Registrar) state(connection string) *connState {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.states[connection]
	if c == nil {
		c = &connState{syncing: make(chan struct{}, 1), surpluses: map[place]surplus{}, retries: map[place]retry{},
			expiring: map[string]bool{}, lost: map[string]bool{}}
		r.states[connection] = c
	}
	return c
}
