package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// scan reads the lists of all items of a job once. A scan that a failure ended
// can be resumed.
type scan struct {
	config *Config
	clock  clock.Clock
	job    *job
	conn   *connection.Connection
	poll   *bindings.Poll
	modes  map[string]mode
	source journal.Source
	began  time.Time
	only   map[string]bool // the items that it is limited to; nil: all

	cursors map[string]cursor // by item, as read
	done    map[string]bool   // items that were read
	walk    *walk             // of the item at which it ended
	found   int               // events
	// requested is when the last page was.
	requested time.Time
}

// cursor is how far a job has read the list of one item.
type cursor struct {
	// Base is when it was first read: records created before are not new.
	Base time.Time `json:"base,omitzero"`
	// Known is set when all records of that time have a sighting.
	Known bool `json:"known,omitempty"`
	// Since is the time, by the vendor's clock, up to which changes are known.
	// Next replaces it after another scan, where the list changed during the walk
	// and may have hidden a record.
	Since time.Time `json:"since,omitzero"`
	Next  time.Time `json:"next,omitzero"`
	// Token is the vendor's token for what was listed so far.
	Token string `json:"token,omitempty"`
	// Full is when all records were last listed.
	Full time.Time `json:"whole,omitzero"`
	// Restored is the last restore of the journal before it was read completely.
	Restored time.Time `json:"restored,omitzero"`
}

// limitedError is an error with the time to wait before the next request.
type limitedError struct {
	error
	after time.Duration
}

func (e *limitedError) Unwrap() error { return e.error }

func newScan(p *Poller, j *job, now time.Time) *scan {
	return &scan{
		config: &p.config, clock: p.clock, job: j, conn: j.conn, poll: j.poll, modes: j.modes, source: j.key.source,
		began: now, done: map[string]bool{},
	}
}

// resumable reports whether a scan that failed is to be resumed.
func (sc *scan) resumable() bool {
	return (sc.walk != nil || len(sc.done) > 0) && sc.clock.Now().Sub(sc.began) < lastBackoff
}

// run reads the lists and returns the number of events it made.
func (sc *scan) run(ctx context.Context) (found int, err error) {
	sc.found = 0
	if sc.cursors, err = sc.read(ctx); err != nil {
		return 0, err
	}
	items, err := sc.items(ctx)
	if err != nil {
		return 0, err
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(items)) {
		if sc.done[name] || sc.only != nil && !sc.only[name] {
			continue
		}
		err := sc.item(ctx, name, items[name])
		switch {
		case err == nil:
			sc.done[name], sc.walk = true, nil
			continue
		case ctx.Err() != nil, isFinal(err):
			return sc.found, errors.Join(append(problems, err)...)
		}
		// One item that does not exist any more must not hide the others.
		sc.walk = nil
		if name != "" {
			err = fmt.Errorf("%s: %w", name, err)
		}
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return sc.found, err
	}
	return sc.found, sc.closeScan(ctx)
}

// isFinal reports whether an error ends the scan: it is about the connection or
// the journal, and not about one item.
func isFinal(err error) bool {
	var problem *bindings.Error
	if !errors.As(err, &problem) {
		return true // the journal's
	}
	switch problem.Kind {
	case bindings.NotFound, bindings.Forbidden, bindings.Invalid:
		return false
	}
	return true
}

func (sc *scan) read(ctx context.Context) (map[string]cursor, error) {
	all, err := sc.config.Store.Cursors(ctx, sc.job.key.PollKey)
	if err != nil {
		return nil, err
	}
	cursors := map[string]cursor{}
	for _, stored := range all {
		if stored.Name != string(sc.source) {
			continue
		}
		var c cursor
		if err := json.Unmarshal(stored.Value, &c); err != nil {
			return nil, fmt.Errorf("read the cursor of item %q: %w", stored.Item, err)
		}
		cursors[stored.Item] = c
	}
	return cursors, nil
}

// changedCursors is a cursor for the journal, nil if the journal has the same.
func (sc *scan) changedCursors(item string, c cursor) []journal.Cursor {
	if sc.cursors[item] == c {
		return nil
	}
	value, err := json.Marshal(c)
	if err != nil {
		panic(err) // times and texts
	}
	return []journal.Cursor{{Name: string(sc.source), Item: item, Value: value}}
}

// lag is how far the list may be behind.
func (sc *scan) lag() time.Duration { return max(sc.poll.Overlap, time.Minute) }

// listRead is how the last page was read, for items without a time of change.
func (sc *scan) listRead() change.ListRead {
	return change.ListRead{At: sc.requested, Lag: sc.lag(), Once: sc.poll.Sync != nil}
}

// asksSince reports whether a call lists only what changed since a time.
func asksSince(c *bindings.Call) (asks bool) {
	_, _ = call.Arguments(c.Args, func(word string) (any, bool) {
		asks = asks || word == "since" || word == "since.ms"
		return "", true
	})
	return asks
}

// vars are the variables of calls: of the connection, the item and the time.
func (sc *scan) vars(item *call.Item, since time.Time) call.Vars {
	return func(word string) (any, bool) {
		var at time.Time
		name, ms := word, false
		if len(word) > 3 && word[len(word)-3:] == ".ms" {
			name, ms = word[:len(word)-3], true
		}
		switch name {
		case "account":
			return sc.conn.Account(), sc.conn.Account() != ""
		case "parent":
			if parent := sc.conn.Parent(); parent != nil {
				return parent.Account(), parent.Account() != ""
			}
			return nil, false
		case "since":
			at = since
		case "from":
			at = sc.began.Add(-sc.poll.Window.Past)
		case "to":
			at = sc.began.Add(sc.poll.Window.Ahead)
		default:
			return item.Var(word)
		}
		if at.IsZero() {
			return nil, false
		}
		if ms {
			return at.UnixMilli(), true
		}
		return at.UTC().Format("2006-01-02T15:04:05.000Z"), true
	}
}

// changedOnly reports whether the list of items contains only those that
// changed: then its cursor is that of the whole poll.
func (sc *scan) changedOnly() bool { return sc.poll.ForEach != nil && asksSince(&sc.poll.ForEach.List) }

// items are the items that have a list each.
func (sc *scan) items(ctx context.Context) (map[string]*call.Item, error) {
	if sc.poll.ForEach == nil {
		return map[string]*call.Item{"": nil}, nil
	}
	if !sc.changedOnly() {
		return sc.list(ctx, sc.poll.ForEach, time.Time{})
	}
	since := sc.cursors[""].Since
	if since.IsZero() {
		if since = sc.conn.PollSince(); since.IsZero() {
			return nil, nil // what changed before is not read
		}
	}
	return sc.list(ctx, sc.poll.ForEach, since.Add(-sc.poll.Overlap))
}

const maxItems = 10_000

func (sc *scan) list(ctx context.Context, of *bindings.ForEach, since time.Time) (map[string]*call.Item, error) {
	above := map[string]*call.Item{"": nil}
	if of.ForEach != nil {
		var err error
		if above, err = sc.list(ctx, of.ForEach, since); err != nil {
			return nil, err
		}
	}
	list := of.ListFor(sc.conn.AuthName())
	found := map[string]*call.Item{}
	for _, name := range slices.Sorted(maps.Keys(above)) {
		var next json.RawMessage
		for more := true; more; more = next != nil {
			page, err := sc.request(ctx, list, sc.vars(above[name], since), next)
			if err != nil {
				return nil, err
			}
			for _, value := range page.Items {
				id := jsonpath.Text(value, of.ID)
				if id == "" {
					return nil, fmt.Errorf("%s.%s: an item has no id at %q", sc.conn.App().Name, list.Operation, of.ID)
				}
				found[id] = &call.Item{Value: slices.Clone(value), Of: above[name]}
			}
			if next = page.Next; len(found) > maxItems {
				return nil, fmt.Errorf("%s.%s: more than %d items", sc.conn.App().Name, list.Operation, maxItems)
			}
		}
	}
	return found, nil
}

// request requests one page.
func (sc *scan) request(ctx context.Context, list bindings.Call, vars call.Vars, next json.RawMessage) (call.ListPage, error) {
	if next != nil {
		if err := sc.pause(ctx, list.Operation); err != nil {
			return call.ListPage{}, err
		}
	}
	sc.requested = sc.clock.Now()
	page, err := sc.config.Calls.List(ctx, call.BackgroundCall{App: sc.conn.App(), Connection: sc.conn.Name(), Call: list, Vars: vars}, next)
	if err != nil && page.RetryAfter > 0 {
		err = &limitedError{err, page.RetryAfter}
	}
	return page, err
}

// limitShare is the divisor of a rate limit for polls: they use at most this
// part, so that the rest is left to scripts.
const limitShare = 4

// pause waits between two pages, by the rate limits of the list.
func (sc *scan) pause(ctx context.Context, operation string) error {
	var wait time.Duration
	named := ""
	if op, found := sc.conn.App().Operation(operation); found {
		named = op.Limit
	}
	for _, limit := range sc.conn.App().Limits {
		if limit.Name != "" && limit.Name != named {
			continue
		}
		if limit.Per <= time.Minute && limit.Requests > 0 {
			wait = max(wait, limitShare*limit.Per/time.Duration(limit.Requests))
		}
	}
	if wait == 0 {
		return nil
	}
	return clock.Sleep(ctx, sc.clock, wait)
}

// base is when an item was first read, or the time from which on the connection
// is configured to report changes.
func (sc *scan) base(item string) time.Time {
	if sc.changedOnly() {
		item = ""
	}
	for _, at := range []time.Time{sc.cursors[item].Base, sc.conn.PollSince(), sc.began} {
		if !at.IsZero() {
			return cursorTime(at)
		}
	}
	return sc.began
}

// cursorTime is a time as cursors store it.
func cursorTime(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// undated is the time of a change that has no time of its own: that of the scan. Until
// an item is read completely after the journal was restored from a backup, it is just
// before the restore: the change may be older, and what it starts may have been done.
func (sc *scan) undated(item string) time.Time {
	if sc.changedOnly() {
		item = ""
	}
	if restored := sc.restored(); !sc.cursors[item].Restored.Equal(restored) {
		return restored.Add(-time.Millisecond)
	}
	return sc.began
}

// restored is when the journal was restored, as cursors store it.
func (sc *scan) restored() time.Time {
	if sc.config.Restored.IsZero() {
		return time.Time{}
	}
	return cursorTime(sc.config.Restored)
}

// closeScan stores the cursor of the whole poll, where its items have none.
func (sc *scan) closeScan(ctx context.Context) error {
	if !sc.changedOnly() || sc.only != nil {
		return nil
	}
	c := sc.cursors[""]
	c.Known, c.Since, c.Base, c.Restored = true, cursorTime(sc.began), sc.base(""), sc.restored()
	_, err := sc.accept(ctx, journal.PollPage{PollKey: sc.job.key.PollKey, Cursors: sc.changedCursors("", c)})
	return err
}
