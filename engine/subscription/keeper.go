package subscription

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
)

// Store keeps subscriptions; a journal.Store is one.
type Store interface {
	PutSubscription(ctx context.Context, s journal.Subscription) error
	DropSubscription(ctx context.Context, key string) error
	Subscriptions(ctx context.Context) ([]journal.Subscription, error)
}

// Secrets keep the secret of a subscription, encrypted. Methods return when
// what they did is durable.
type Secrets interface {
	// Load gives the secret, empty if there is none.
	Load(ctx context.Context, connection, key string) (string, error)
	Save(ctx context.Context, connection, key, secret string) error
	Remove(ctx context.Context, connection, key string) error
}

// Clock tells the time and waits. Tests bring their own.
type Clock interface {
	Now() time.Time
	// Timer gives a channel on which the time comes once d has passed, and a
	// function that gives the timer up.
	Timer(d time.Duration) (<-chan time.Time, func())
}

// The defaults of a Config.
const (
	DefaultSettle = time.Minute
	DefaultCheck  = time.Hour
)

// Config makes a Keeper. Connections, Calls, Store, Secrets and Generation are
// required.
type Config struct {
	Connections *connection.Set
	Calls       *call.Client
	Store       Store
	Secrets     Secrets
	Generation  func() *script.Generation
	// PublicURL is where vendors reach this installation; empty: they do not.
	PublicURL string
	// Auto reports whether webhooks of a connection are registered and removed
	// without being asked for; nil: none are.
	Auto func(connection string) bool
	// PollSoon has a poll looked at now; an empty item means all. Reconcile has
	// those polls looked at that find what webhooks lost. Both return at once.
	PollSoon  func(connection, poll, item string)
	Reconcile func(connection string)
	// Settle is how long something must be unwanted before it is removed, and
	// how long the old stays beside the new; Check how often the vendor is
	// asked what it has.
	Settle, Check time.Duration
	Clock         Clock
	Log           *slog.Logger
}

// Keeper keeps the webhooks of an installation registered. Make one with New;
// Run does it, Sync does it once.
type Keeper struct {
	Config
	book    *book
	changed chan struct{} // holds one when Run has something to look at

	mu    sync.Mutex
	cares map[string]*care // by connection
}

// New reads what is registered. It starts nothing.
func New(ctx context.Context, c Config) (*Keeper, error) {
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
	if c.Clock == nil {
		c.Clock = system{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	b, err := openBook(ctx, c.Store, c.Secrets)
	if err != nil {
		return nil, fmt.Errorf("read what is registered at vendors: %w", err)
	}
	return &Keeper{Config: c, book: b, changed: make(chan struct{}, 1), cares: map[string]*care{}}, nil
}

// nap bounds a wait: timers do not see a clock that is set, or a machine that
// slept.
const nap = 30 * time.Second

// Run keeps webhooks registered until ctx is done: those of connections for
// which that is done automatically as scripts want them, others for as long as
// they are there.
func (k *Keeper) Run(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	k.complain()
	for {
		generation, now, wait := k.Generation(), k.Clock.Now(), nap
		for _, conn := range k.Connections.All() {
			if !registers(conn.App()) {
				continue
			}
			c := k.care(conn.Name())
			if left := c.begin(generation, now); left > 0 {
				wait = min(wait, left)
				continue
			}
			work.Go(func() {
				k.tend(ctx, conn, c, generation)
				k.rouse()
			})
		}
		timer, stop := k.Clock.Timer(wait)
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-generation.Replaced():
			stop()
		case <-k.changed:
			stop()
		case <-timer:
		}
	}
}

// rouse has Run look again.
func (k *Keeper) rouse() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// registers reports whether an app has webhooks that are registered by calls.
func registers(app *bindings.App) bool {
	for i := range app.Subscriptions {
		if !byHand(&app.Subscriptions[i]) {
			return true
		}
	}
	return false
}

// tend looks after one connection once, and says when to do so again.
func (k *Keeper) tend(ctx context.Context, conn *connection.Connection, c *care, g *script.Generation) {
	v := k.visit(conn, c, g, manner{register: k.Auto(conn.Name()) && k.PublicURL != ""})
	next := v.make(ctx)
	for _, change := range v.changes {
		k.note(change)
	}
	k.hint(conn, c, g)
	c.end(next)
}

// complain says at start which connections ask for what cannot be.
func (k *Keeper) complain() {
	for _, conn := range k.Connections.All() {
		if k.PublicURL == "" && k.Auto(conn.Name()) && registers(conn.App()) {
			k.Log.Warn("webhooks are not registered", "connection", conn.Name(), "error", ErrNoAddress)
		}
	}
}

// hint says once for each generation that scripts want webhooks which nobody
// registered, as far as we know.
func (k *Keeper) hint(conn *connection.Connection, c *care, g *script.Generation) {
	if c.hinted == g || k.Auto(conn.Name()) || conn.ReadOnly() || conn.WebhookSecret() != "" || conn.PollEvery() > 0 {
		return
	}
	c.hinted = g
	for i := range conn.App().Subscriptions {
		def := &conn.App().Subscriptions[i]
		wanted, types := wants(conn.App(), def, conn.Name(), g)
		if !wanted || byHand(def) || polled(conn.App(), def, conn.Name(), g) {
			continue
		}
		have := k.book.all(func(s journal.Subscription) bool { return s.Connection == conn.Name() && s.Name == def.Name })
		if len(have) == 0 {
			k.Log.Warn("scripts want webhooks that are not registered", "connection", conn.Name(), "types", types,
				"do", "tidewire webhooks sync "+conn.Name()+", or webhooks: auto in its settings")
		}
	}
}

// note logs what was done, and what could not be.
func (k *Keeper) note(c Change) {
	args := []any{"connection", c.Connection, "subscription", c.Subscription}
	if c.Item != "" {
		args = append(args, "item", c.Item)
	}
	if !c.Expires.IsZero() {
		args = append(args, "until", c.Expires.UTC().Format(time.RFC3339))
	}
	switch c.Action {
	case Kept, ByHand:
	case Failed:
		k.Log.Warn("webhook not registered as wanted", append(args, "error", c.Text)...)
	default:
		k.Log.Info("webhook "+string(c.Action), append(args, "why", c.Text)...)
	}
}

func (k *Keeper) care(connection string) *care {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.cares[connection]
	if c == nil {
		c = &care{turn: make(chan struct{}, 1), wants: map[place]want{}, retries: map[place]retry{},
			rushed: map[string]bool{}, doubted: map[string]bool{}}
		k.cares[connection] = c
	}
	return c
}

// system is the clock of the machine.
type system struct{}

// Now leaves the monotonic reading out: ends are times of day, and a clock
// that is set must be believed.
func (system) Now() time.Time { return time.Now().Round(0) }

func (system) Timer(d time.Duration) (<-chan time.Time, func()) {
	timer := time.NewTimer(d)
	return timer.C, func() { timer.Stop() }
}
