package poll

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/script"
)

// Store is what a Poller needs of the journal.
type Store interface {
	Cursors(ctx context.Context, key change.PollKey) ([]journal.Cursor, error)
	Sightings(ctx context.Context, key change.PollKey, records ...string) (map[string]change.Sighting, error)
	SightingsOf(ctx context.Context, key change.PollKey, item string, after int64, limit int) ([]change.Sighting, error)
}

// Lister asks for one page of a list; a *call.Client is one.
type Lister interface {
	List(ctx context.Context, o call.EngineCall, next json.RawMessage) (call.ListPage, error)
}

// Config makes a Poller. Connections, Calls, Store, Generation and Accept are
// required.
type Config struct {
	// Connections are all there are.
	Connections func() []*connection.Connection
	Calls       Lister
	Store       Store
	Generation  func() *script.Generation
	// Accept keeps what a page came to with its events, all or none of it, and
	// fails with journal.ErrStale as Store.Sweep does.
	Accept func(ctx context.Context, sweep journal.PollPage, events ...journal.Event) ([]journal.Receipt, error)
	// Read makes of an item of a feed what it would be as a webhook; false if
	// that is none we know.
	Read func(*connection.Connection, json.RawMessage) (journal.Event, bool)

	Now func() time.Time
	// Timer gives a channel on which the time comes once d has passed, and a
	// function that gives the timer up; nil means that of the machine.
	Timer  func(d time.Duration) (<-chan time.Time, func())
	Random func() float64 // in [0,1)
	Log    *slog.Logger
}

// nap bounds a wait: what old versions wait for, and connections, may change
// without a sign.
const nap = 30 * time.Second

// Poller looks at lists. Make one with New, then Run it.
type Poller struct {
	Config

	mu     sync.Mutex
	jobs   map[jobKey]*job
	nudges map[nudgeKey]map[string]bool // that no job has taken yet, by item
	wakes  map[string]chan struct{}     // of the workers, by connection
}

// jobKey names one thing that is looked at for one purpose.
type jobKey struct {
	change.PollKey
	source journal.Source // Poll or Reconcile
}

type nudgeKey = change.PollKey

// New makes a poller that knows what is to be polled now; it starts nothing.
func New(c Config) *Poller {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Timer == nil {
		c.Timer = func(d time.Duration) (<-chan time.Time, func()) {
			timer := time.NewTimer(d)
			return timer.C, func() { timer.Stop() }
		}
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	p := &Poller{Config: c, jobs: map[jobKey]*job{}, nudges: map[nudgeKey]map[string]bool{}, wakes: map[string]chan struct{}{}}
	p.plan(c.Generation())
	return p
}

// Run polls until ctx is done. Each connection has a worker of its own, which
// makes one look after the other.
func (p *Poller) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	started := map[string]bool{}
	for {
		generation := p.Generation()
		p.plan(generation)
		for _, name := range p.connections() {
			if !started[name] {
				started[name] = true
				workers.Go(func() { p.work(ctx, name) })
			}
			p.wake(name)
		}
		timer, stop := p.Timer(nap)
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-generation.Replaced():
			stop()
		case <-timer:
		}
	}
}

// Nudge has a poll of a connection looked at soon, because a webhook says that
// something changed. Item is what of the poll's Of it is about; empty means
// all. Nudges that come before the look begins are one look. A poll whose
// triggers nobody takes is not looked at.
func (p *Poller) Nudge(connection, poll, item string) {
	p.mu.Lock()
	key := change.PollKey{Connection: connection, Poll: poll}
	if p.nudges[key] == nil {
		p.nudges[key] = map[string]bool{}
	}
	p.nudges[key][item] = true
	p.hand()
	p.mu.Unlock()
	p.wake(connection)
}

// Reconcile has it looked for soon what webhooks of a connection lost, by all
// polls that do so there.
func (p *Poller) Reconcile(connection string) {
	p.mu.Lock()
	for key, j := range p.jobs {
		if key.Connection == connection && key.source == journal.Reconcile {
			j.nudged = map[string]bool{"": true}
		}
	}
	p.mu.Unlock()
	p.wake(connection)
}

// hand gives nudges to the jobs that they are about, and forgets those that
// are about none. The lock is held.
func (p *Poller) hand() {
	for key, items := range p.nudges {
		for _, source := range []journal.Source{journal.Poll, journal.Reconcile} {
			j := p.jobs[jobKey{key, source}]
			if j == nil {
				continue
			}
			if j.nudged == nil {
				j.nudged = map[string]bool{}
			}
			for item := range items {
				j.nudged[item] = true
			}
		}
		delete(p.nudges, key)
	}
}

func (p *Poller) connections() (names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := map[string]bool{}
	for key := range p.jobs {
		if !seen[key.Connection] {
			seen[key.Connection] = true
			names = append(names, key.Connection)
		}
	}
	return names
}

func (p *Poller) wakeup(connection string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wakes[connection] == nil {
		p.wakes[connection] = make(chan struct{}, 1)
	}
	return p.wakes[connection]
}

func (p *Poller) wake(connection string) {
	select {
	case p.wakeup(connection) <- struct{}{}:
	default:
	}
}
