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
	// Accept stores the result of a page with its events, all or none of it. Its
	// error is journal.ErrStale where that of Store.AcceptPage is.
	Accept func(ctx context.Context, page journal.PollPage, events ...journal.Event) ([]journal.Receipt, error)
	// Read returns the event that an item of a feed would be as a webhook; false
	// if there is no such webhook.
	Read func(*connection.Connection, json.RawMessage) (journal.Event, bool)

	Now func() time.Time
	// Timer returns a channel that receives the time once d has passed, and a
	// function that stops the timer; nil means that of the machine.
	Timer  func(d time.Duration) (<-chan time.Time, func())
	Random func() float64 // in [0,1)
	Log    *slog.Logger
}

// maxSleep bounds a wait, because the waits of old versions and the connections
// may change without a signal.
const maxSleep = 30 * time.Second

// Poller reads lists. Make one with New, then call Run.
type Poller struct {
	Config

	mu       sync.Mutex
	jobs     map[jobKey]*job
	requests map[change.PollKey]map[string]bool // not assigned to a job yet, by item
	wakes    map[string]chan struct{}           // of the workers, by connection
}

// jobKey names a poll and its purpose.
type jobKey struct {
	change.PollKey
	source journal.Source // Poll or Reconcile
}

// New makes a poller with the jobs of the current generation; it starts nothing.
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
	p := &Poller{Config: c, jobs: map[jobKey]*job{}, requests: map[change.PollKey]map[string]bool{}, wakes: map[string]chan struct{}{}}
	p.plan(c.Generation())
	return p
}

// Run polls until ctx is done. Each connection has one worker, which makes one
// scan after the other.
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
		timer, stop := p.Timer(maxSleep)
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

// PollSoon requests a scan of a poll of a connection, because a webhook reported
// a change there. Item is the item of the poll's ForEach that changed; empty
// means all. Requests before the scan begins are one scan. A poll whose triggers
// no hook or wait has is not read.
func (p *Poller) PollSoon(connection, poll, item string) {
	p.mu.Lock()
	key := change.PollKey{Connection: connection, Poll: poll}
	if p.requests[key] == nil {
		p.requests[key] = map[string]bool{}
	}
	p.requests[key][item] = true
	p.assignRequests()
	p.mu.Unlock()
	p.wake(connection)
}

// Reconcile requests a scan of all polls of a connection that find what webhooks
// lost.
func (p *Poller) Reconcile(connection string) {
	p.mu.Lock()
	for key, j := range p.jobs {
		if key.Connection == connection && key.source == journal.Reconcile {
			j.requested = map[string]bool{"": true}
		}
	}
	p.mu.Unlock()
	p.wake(connection)
}

// assignRequests adds the requests to their jobs, and drops those without a job.
// The caller has locked p.mu.
func (p *Poller) assignRequests() {
	for key, items := range p.requests {
		for _, source := range []journal.Source{journal.Poll, journal.Reconcile} {
			j := p.jobs[jobKey{key, source}]
			if j == nil {
				continue
			}
			if j.requested == nil {
				j.requested = map[string]bool{}
			}
			for item := range items {
				j.requested[item] = true
			}
		}
		delete(p.requests, key)
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
