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
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// look is one look at all that a job is about. One that a failure cuts off can
// go on where it was.
type look struct {
	*Poller
	job    *job
	conn   *connection.Connection
	poll   *bindings.Poll
	modes  map[string]mode
	source journal.Source
	began  time.Time
	only   map[string]bool // the items it is limited to; nil: all

	cursors map[string]cursor // by item, as read
	done    map[string]bool   // items that were looked at
	walk    *walk             // of the item that it was cut off at
	found   int               // events
}

// cursor is how far a job has looked at one item.
type cursor struct {
	// Base is when it was first looked at: what was made before is not new.
	Base time.Time `json:"base,omitzero"`
	// Known says that all there was then has been noted.
	Known bool `json:"known,omitempty"`
	// Since is the time, by the vendor's clock, up to which changes are known,
	// and Next the one that takes its place after another look, where a list
	// that changed while it was walked may have hidden something.
	Since time.Time `json:"since,omitzero"`
	Next  time.Time `json:"next,omitzero"`
	// Token stands for what is known, where the vendor keeps that.
	Token string `json:"token,omitempty"`
	// Whole is when everything was last walked.
	Whole time.Time `json:"whole,omitzero"`
}

// limitedError is an error that says when to come back.
type limitedError struct {
	error
	after time.Duration
}

func (e *limitedError) Unwrap() error { return e.error }

func newLook(p *Poller, j *job, now time.Time) *look {
	return &look{Poller: p, job: j, conn: j.conn, poll: j.poll, modes: j.modes, source: j.key.source, began: now, done: map[string]bool{}}
}

// goesOn reports whether a look that failed is worth going on with.
func (l *look) goesOn() bool {
	return (l.walk != nil || len(l.done) > 0) && l.Now().Sub(l.began) < lastBackoff
}

// run looks, and gives the number of events it made.
func (l *look) run(ctx context.Context) (found int, err error) {
	l.found = 0
	if l.cursors, err = l.read(ctx); err != nil {
		return 0, err
	}
	items, err := l.items(ctx)
	if err != nil {
		return 0, err
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(items)) {
		if l.done[name] || l.only != nil && !l.only[name] {
			continue
		}
		err := l.item(ctx, name, items[name])
		switch {
		case err == nil:
			l.done[name], l.walk = true, nil
			continue
		case ctx.Err() != nil, final(err):
			return l.found, errors.Join(append(problems, err)...)
		}
		// One project that is gone must not hide the others.
		l.walk = nil
		if name != "" {
			err = fmt.Errorf("%s: %w", name, err)
		}
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return l.found, err
	}
	return l.found, l.close(ctx)
}

// final reports whether an error is about the connection and not about one of
// the things that are looked at.
func final(err error) bool {
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

func (l *look) read(ctx context.Context) (map[string]cursor, error) {
	all, err := l.Store.Cursors(ctx, l.job.key.PollKey)
	if err != nil {
		return nil, err
	}
	cursors := map[string]cursor{}
	for _, kept := range all {
		if kept.Name != string(l.source) {
			continue
		}
		var c cursor
		if err := json.Unmarshal(kept.Value, &c); err != nil {
			return nil, fmt.Errorf("read the cursor of item %q: %w", kept.Item, err)
		}
		cursors[kept.Item] = c
	}
	return cursors, nil
}

// kept is a cursor on its way into the journal, nil if it stands there as it is.
func (l *look) kept(item string, c cursor) []journal.Cursor {
	if l.cursors[item] == c {
		return nil
	}
	value, err := json.Marshal(c)
	if err != nil {
		panic(err) // times and texts
	}
	return []journal.Cursor{{Name: string(l.source), Item: item, Value: value}}
}

// asksSince reports whether a call answers only what changed since a time.
func asksSince(c *bindings.Call) (asks bool) {
	_, _ = call.Arguments(c.Args, func(word string) (any, bool) {
		asks = asks || word == "since" || word == "since.ms"
		return "", true
	})
	return asks
}

// words stand for what is known of the connection and the moment.
func (l *look) words(item *call.Item, since time.Time) call.Vars {
	return func(word string) (any, bool) {
		var at time.Time
		name, ms := word, false
		if len(word) > 3 && word[len(word)-3:] == ".ms" {
			name, ms = word[:len(word)-3], true
		}
		switch name {
		case "account":
			return l.conn.Account(), l.conn.Account() != ""
		case "parent":
			if parent := l.conn.Parent(); parent != nil {
				return parent.Account(), parent.Account() != ""
			}
			return nil, false
		case "since":
			at = since
		case "from":
			at = l.began.Add(-l.poll.Window.Past)
		case "to":
			at = l.began.Add(l.poll.Window.Ahead)
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

// changedOnly reports whether the poll lists for what changed: then the cursor
// of the list of items is that of the whole poll.
func (l *look) changedOnly() bool { return l.poll.ForEach != nil && asksSince(&l.poll.ForEach.List) }

// items are what the list is made for.
func (l *look) items(ctx context.Context) (map[string]*call.Item, error) {
	if l.poll.ForEach == nil {
		return map[string]*call.Item{"": nil}, nil
	}
	if !l.changedOnly() {
		return l.list(ctx, l.poll.ForEach, time.Time{})
	}
	since := l.cursors[""].Since
	if since.IsZero() {
		if since = l.conn.PollSince(); since.IsZero() {
			return nil, nil // what changed before is not looked at
		}
	}
	return l.list(ctx, l.poll.ForEach, since.Add(-l.poll.Overlap))
}

const maxItems = 10_000

func (l *look) list(ctx context.Context, of *bindings.ForEach, since time.Time) (map[string]*call.Item, error) {
	above := map[string]*call.Item{"": nil}
	if of.ForEach != nil {
		var err error
		if above, err = l.list(ctx, of.ForEach, since); err != nil {
			return nil, err
		}
	}
	list := of.ListFor(l.conn.AuthName())
	found := map[string]*call.Item{}
	for _, name := range slices.Sorted(maps.Keys(above)) {
		var next json.RawMessage
		for more := true; more; more = next != nil {
			page, err := l.ask(ctx, list, l.words(above[name], since), next)
			if err != nil {
				return nil, err
			}
			for _, value := range page.Items {
				id := jsonpath.Text(value, of.ID)
				if id == "" {
					return nil, fmt.Errorf("%s.%s: an item has nothing at %q, by which it is known", l.conn.App().Name, list.Operation, of.ID)
				}
				found[id] = &call.Item{Value: slices.Clone(value), Of: above[name]}
			}
			if next = page.Next; len(found) > maxItems {
				return nil, fmt.Errorf("%s.%s: more than %d items", l.conn.App().Name, list.Operation, maxItems)
			}
		}
	}
	return found, nil
}

// ask asks for one page.
func (l *look) ask(ctx context.Context, list bindings.Call, words call.Vars, next json.RawMessage) (call.ListPage, error) {
	if next != nil {
		if err := l.pause(ctx, list.Operation); err != nil {
			return call.ListPage{}, err
		}
	}
	page, err := l.Calls.List(ctx, call.EngineCall{App: l.conn.App(), Connection: l.conn.Name(), Call: list, Vars: words}, next)
	if err != nil && page.RetryAfter > 0 {
		err = &limitedError{err, page.RetryAfter}
	}
	return page, err
}

// share is what part of a rate limit polls take at most, so that they leave
// the rest to scripts.
const share = 4

// pause waits between two pages, by the limits that hold for the list.
func (l *look) pause(ctx context.Context, operation string) error {
	var wait time.Duration
	named := ""
	if op, found := l.conn.App().Operation(operation); found {
		named = op.Limit
	}
	for _, limit := range l.conn.App().Limits {
		if limit.Name != "" && limit.Name != named {
			continue
		}
		if limit.Per <= time.Minute && limit.Requests > 0 {
			wait = max(wait, share*limit.Per/time.Duration(limit.Requests))
		}
	}
	if wait == 0 {
		return nil
	}
	timer, stop := l.Timer(wait)
	defer stop()
	select {
	case <-timer:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// base is when an item was first looked at, or from when on we were asked to
// tell.
func (l *look) base(item string) time.Time {
	if l.changedOnly() {
		item = ""
	}
	for _, at := range []time.Time{l.cursors[item].Base, l.conn.PollSince(), l.began} {
		if !at.IsZero() {
			return moment(at)
		}
	}
	return l.began
}

// moment is a time as cursors keep it.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// close notes that the whole poll was looked at, where that is not known by
// its items.
func (l *look) close(ctx context.Context) error {
	if !l.changedOnly() || l.only != nil {
		return nil
	}
	c := l.cursors[""]
	c.Known, c.Since, c.Base = true, moment(l.began), l.base("")
	_, err := l.keep(ctx, journal.PollPage{PollKey: l.job.key.PollKey, Cursors: l.kept("", c)})
	return err
}
