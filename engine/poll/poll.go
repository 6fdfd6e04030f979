package poll

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

// Store is what a Poller needs of the journal.
type Store interface {
	Cursors(ctx context.Context, key change.PollKey) ([]journal.Cursor, error)
	Sightings(ctx context.Context, key change.PollKey, records ...string) (map[string]change.Sighting, error)
	SightingsOf(ctx context.Context, key change.PollKey, item string, after int64, limit int) ([]change.Sighting, error)
}

// Lister asks for one page of a list; a *call.Client is one.
type Lister interface {
	List(ctx context.Context, o call.BackgroundCall, next json.RawMessage) (call.ListPage, error)
}

// Config makes a Poller. Index, Calls, Store and Accept are required.
type Config struct {
	Index *Index
	Calls Lister
	Store Store
	// Accept stores the result of a page with its events, all or none of it. Its
	// error is journal.ErrStale where that of Store.AcceptPage is.
	Accept func(ctx context.Context, page journal.PollPage, events ...journal.Event) ([]journal.Receipt, error)
	// Read returns the event that an item of a feed would be as a webhook; false
	// if there is no such webhook.
	Read func(*connection.Connection, json.RawMessage) (journal.Event, bool)

	// Restored is when the journal was restored from a backup, zero for never.
	Restored time.Time

	Log *slog.Logger // nil: none
}

// maxSleep bounds a wait, because the waits of old versions and the connections
// may change without a signal.
const maxSleep = 30 * time.Second

// Poller reads the lists of an Index when they are due, by the clock of the
// index. Make one with New, then call Run.
type Poller struct {
	config Config
	index  *Index
	clock  clock.Clock // the index's
}

// New makes a poller; it starts nothing.
func New(c Config) *Poller {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Poller{config: c, index: c.Index, clock: c.Index.config.Clock}
}

// Run polls until ctx is done. Each connection has one worker, which makes one
// scan after the other.
func (p *Poller) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	started := map[string]bool{}
	for {
		generation := p.index.config.Generation()
		p.index.plan(generation)
		for _, name := range p.index.connections() {
			if !started[name] {
				started[name] = true
				workers.Go(func() { p.work(ctx, name) })
			}
			p.index.wake(name)
		}
		timer, stop := p.clock.Timer(maxSleep)
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
