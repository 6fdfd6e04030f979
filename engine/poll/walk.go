package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

const (
	// maxPages bounds the pages of one walk.
	maxPages = 20_000
	// maxClockSkew is how far our clock may be ahead of a vendor's.
	maxClockSkew = 10 * time.Minute
)

// walk reads all pages of the list of one item.
type walk struct {
	item   string
	of     *call.Item
	cursor cursor
	began  time.Time
	// base is when the item was first read: records created later are new.
	base time.Time
	// backfill is set when changes since base are reported although no record of
	// the item has a sighting yet.
	backfill bool
	full     bool // everything is listed, not only what changed
	next     json.RawMessage
	pages    int
	newest   time.Time // the time of the last change that was listed
	// hashes are those of the records that were listed, of a full walk.
	hashes []uint64
}

// since is the time from which on changes are requested; zero: all.
func (w *walk) since(poll *bindings.Poll) time.Time {
	if w.full || w.cursor.Since.IsZero() {
		return time.Time{}
	}
	return w.cursor.Since.Add(-poll.Overlap)
}

// item reads the list of one item.
func (sc *scan) item(ctx context.Context, name string, of *call.Item) error {
	if s := sc.poll.Sync; s != nil && s.Feed {
		return sc.feed(ctx, name, of)
	}
	w := sc.walk
	if w == nil || w.item != name || w.next == nil {
		w = sc.newWalk(name, of)
	}
	sc.walk = w
	err := sc.pages(ctx, w)
	var problem *bindings.Error
	if errors.As(err, &problem) && w.cursor.Token != "" && sc.poll.Sync != nil && slices.Contains(sc.poll.Sync.Expired, problem.Status) {
		sc.config.Log.Info("the token of a poll expired; everything is listed and compared", "connection", sc.job.key.Connection,
			"poll", sc.poll.Name, "item", name)
		w.cursor.Token, w.full, w.next, w.pages = "", true, nil, 0
		err = sc.pages(ctx, w)
	}
	return err
}

func (sc *scan) newWalk(name string, of *call.Item) *walk {
	c := sc.cursors[name]
	w := &walk{item: name, of: of, cursor: c, began: sc.began, base: sc.base(name)}
	w.backfill = !sc.conn.PollSince().IsZero()
	switch {
	case sc.changedOnly():
		w.cursor = sc.cursors[""]
		w.full = true
	case sc.poll.Sync != nil:
		w.full = c.Token == ""
	case !c.Known:
		w.full = true
	case sc.poll.NewestFirst || asksSince(&sc.poll.List):
		w.full = sc.poll.FullEvery > 0 && !sc.began.Before(c.Full.Add(sc.poll.FullEvery))
	default:
		w.full = true
	}
	return w
}

// pages walks the list, and stores the result of each page before it requests
// the next.
func (sc *scan) pages(ctx context.Context, w *walk) error {
	list := sc.poll.List
	if w.cursor.Token != "" {
		list = withToken(sc.poll.Sync, list, w.cursor.Token)
	}
	for ; w.pages < maxPages; w.pages++ {
		page, err := sc.request(ctx, list, sc.vars(w.of, w.since(sc.poll)), w.next)
		if err != nil {
			return err
		}
		stop := false
		if sc.poll.NewestFirst && !w.full {
			page.Items, stop = sc.changedSince(page.Items, w.since(sc.poll))
		}
		last, before := page.Next == nil || stop, w.cursor
		if last {
			sc.finish(w, page)
		}
		if err := sc.page(ctx, w, page.Items, last && !sc.findsDeleted(w)); err != nil {
			w.cursor = before // the page is read again, and the new token is not used until it is written
			return err
		}
		if w.next = page.Next; last {
			break
		}
	}
	if w.pages == maxPages {
		return fmt.Errorf("%s.%s: more than %d pages; the list does not end", sc.conn.App().Name, list.Operation, maxPages)
	}
	if sc.findsDeleted(w) {
		return sc.findDeleted(ctx, w)
	}
	return nil
}

// changedSince returns the items that changed since a time, of a list with the newest
// change first; complete is set when there are no more.
func (sc *scan) changedSince(items []json.RawMessage, since time.Time) (changed []json.RawMessage, complete bool) {
	for i, item := range items {
		if at := timeAt(item, sc.poll.Updated); !at.IsZero() && at.Before(since) {
			return items[:i], true
		}
	}
	return items, false
}

// finish sets the cursor for the time after the last page is stored.
func (sc *scan) finish(w *walk, page call.ListPage) {
	c := &w.cursor
	c.Base, c.Known, c.Restored = w.base, true, sc.restored()
	if at := w.newest; !sc.known(w.item) && !w.backfill && !at.IsZero() && at.Before(w.base) {
		// Where our clock is ahead, the next new record seems to be older.
		c.Base = cursorTime(latest(at.Add(time.Millisecond), w.base.Add(-maxClockSkew)))
	}
	if w.full {
		if sc.poll.FullEvery > 0 {
			c.Full = cursorTime(w.began)
		}
	}
	if s := sc.poll.Sync; s != nil {
		c.Token = tokenAt(page.Body, s.Answer)
		return
	}
	if !sc.poll.NewestFirst && !asksSince(&sc.poll.List) || sc.changedOnly() {
		return
	}
	newest := c.Since
	if at := w.newest; sc.poll.Updated != "" && !at.IsZero() && at.Before(w.began) {
		newest = latest(newest, at)
	} else if sc.poll.Updated == "" || !at.IsZero() || newest.IsZero() {
		// What changed since the walk began may be on a page that was read before.
		newest = latest(newest, w.began)
	}
	// Where pages have numbers, a change during the walk moves other records
	// to another page: such a walk is repeated.
	c.Since, c.Next = cursorTime(newest), time.Time{}
	if before := sc.cursors[w.item]; w.pages > 0 && before.Known && sc.pagesByNumber() {
		c.Since, c.Next = before.Since, cursorTime(newest)
		if !before.Next.IsZero() {
			c.Since = before.Next
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// pagesByNumber reports whether the pages of the list have numbers.
func (sc *scan) pagesByNumber() bool {
	op, found := sc.conn.App().Operation(sc.poll.List.Operation)
	return found && op.Pages != nil && len(op.Pages.Cursors) == 0
}

// staleTries bounds how often a page is compared again because webhooks of its
// records were accepted meanwhile.
const staleTries = 100

// page compares the items of a page with the sightings of their records, and
// stores the result, with the cursor if it is the last page.
func (sc *scan) page(ctx context.Context, w *walk, items []json.RawMessage, last bool) error {
	listed, err := sc.listItems(w, items)
	if err != nil {
		return err
	}
	records := make([]string, 0, len(listed))
	for _, s := range listed {
		records = append(records, s.record)
		if s.series != "" {
			records = append(records, s.series)
		}
	}
	err = journal.ErrStale
	for try := 0; try < staleTries && errors.Is(err, journal.ErrStale); try++ {
		err = sc.comparePage(ctx, w, listed, records, last)
	}
	switch {
	case errors.Is(err, journal.ErrStale):
		return fmt.Errorf("the sightings of a page changed %d times while it was compared: %w", staleTries, err)
	case err != nil:
		return err
	}
	for i := range listed {
		if at := listed[i].updated; at.After(w.newest) {
			w.newest = at
		}
		if w.full {
			w.hashes = append(w.hashes, hashText(listed[i].record))
		}
	}
	return nil
}

// comparePage compares a page once. The error is journal.ErrStale if a sighting
// changed meanwhile.
func (sc *scan) comparePage(ctx context.Context, w *walk, items []listItem, records []string, last bool) error {
	known, err := sc.config.Store.Sightings(ctx, sc.job.key.PollKey, records...)
	if err != nil {
		return err
	}
	c := comparison{scan: sc, walk: w, reading: sc.listRead(), known: known, changed: map[string]*change.Sighting{}}
	for i := range items {
		if err := c.compare(&items[i]); err != nil {
			return err
		}
	}
	page := c.pollPage()
	if !sc.changedOnly() { // whose cursors are the whole poll's
		page.Cursors = sc.pageCursors(w, last)
	}
	accepted, err := sc.accept(ctx, page, c.events...)
	if err != nil {
		return err
	}
	sc.found += accepted
	return nil
}

// pageCursors are the cursors to store with a page: with the last page the end
// of the walk, with the first one its beginning.
func (sc *scan) pageCursors(w *walk, last bool) []journal.Cursor {
	if last {
		return sc.changedCursors(w.item, w.cursor)
	}
	if begun := sc.cursors[w.item]; w.pages == 0 && begun.Base.IsZero() {
		begun.Base = w.base
		return sc.changedCursors(w.item, begun)
	}
	return nil
}

// accept stores the result of a page, and counts the events that were new.
func (sc *scan) accept(ctx context.Context, s journal.PollPage, events ...journal.Event) (accepted int, err error) {
	if len(s.Cursors)+len(s.Sightings)+len(events) == 0 {
		return 0, nil
	}
	receipts, err := sc.config.Accept(ctx, s, events...)
	if err != nil {
		return 0, err
	}
	for i, r := range receipts {
		if r.Stored {
			accepted++
			sc.config.Log.Debug("event accepted", "event", events[i].ID, "type", events[i].Type, "runs", len(r.Runs), "connection", events[i].Connection)
		}
	}
	return accepted, nil
}

// findsDeleted reports whether the walk finds deleted records.
func (sc *scan) findsDeleted(w *walk) bool {
	return w.full && sc.poll.OnDeleted != "" && sc.poll.Window == (bindings.Window{}) && w.cursor.Known && sc.known(w.item)
}

// known reports whether all records of an item have a sighting.
func (sc *scan) known(item string) bool {
	if sc.changedOnly() {
		item = ""
	}
	return sc.cursors[item].Known
}

// deletedBatch is how many records are compared together.
const deletedBatch = 200

// findDeleted finds the records that a full walk did not list. A walk of several
// pages may miss a record that moved to another page, and an empty list may be
// a fault of the vendor: then a record is deleted when two walks missed it.
func (sc *scan) findDeleted(ctx context.Context, w *walk) error {
	slices.Sort(w.hashes)
	after := int64(0)
	for more := true; more; {
		err := journal.ErrStale
		for try := 0; try < staleTries && errors.Is(err, journal.ErrStale); try++ {
			var next int64
			if next, more, err = sc.findDeletedAfter(ctx, w, after); err == nil {
				after = next
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// findDeletedAfter compares the records of one batch, those after a row. It
// returns the last row of the batch, and whether there may be more.
func (sc *scan) findDeletedAfter(ctx context.Context, w *walk, after int64) (next int64, more bool, err error) {
	some, err := sc.config.Store.SightingsOf(ctx, sc.job.key.PollKey, w.item, after, deletedBatch)
	if err != nil {
		return after, false, err
	}
	c := comparison{scan: sc, walk: w, changed: map[string]*change.Sighting{}}
	sure := w.pages == 0 && len(w.hashes) > 0
	next = after
	for i := range some {
		s := &some[i]
		next = s.Row
		if sc.accounted(w, s) {
			continue
		}
		if err := c.missing(s, sure); err != nil {
			return after, false, err
		}
	}
	page := c.pollPage()
	if more = len(some) == deletedBatch; !more && !sc.changedOnly() {
		page.Cursors = sc.changedCursors(w.item, w.cursor)
	}
	accepted, err := sc.accept(ctx, page, c.events...)
	if err == nil {
		sc.found += accepted
	}
	return next, more, err
}

// accounted reports whether a record needs no check: the walk listed it, it is
// deleted already, or an event reported it meanwhile.
func (sc *scan) accounted(w *walk, s *change.Sighting) bool {
	since := w.began.Add(-sc.lag())
	_, listed := slices.BinarySearch(w.hashes, hashText(s.Record))
	return listed || s.Gone() || slices.ContainsFunc(s.History, func(t change.Observation) bool { return !t.Listed && t.At.After(since) })
}

// tokenAt finds a token in an answer: in a field of the outermost object, whose
// name may have dots, or at a path.
func tokenAt(answer json.RawMessage, at string) string {
	found := ""
	gjson.ParseBytes(answer).ForEach(func(name, value gjson.Result) bool {
		if name.String() == at {
			found = value.String()
		}
		return found == ""
	})
	if found != "" {
		return found
	}
	return jsonpath.Text(answer, at)
}

// withToken is the call of a list with a token, without the arguments that may
// not be combined with it.
func withToken(s *bindings.Sync, list bindings.Call, token string) bindings.Call {
	args := maps.Clone(list.Args)
	if args == nil {
		args = map[string]any{}
	}
	for _, name := range s.Without {
		delete(args, name)
	}
	args[s.Param] = token
	return bindings.Call{Operation: list.Operation, Args: args}
}
