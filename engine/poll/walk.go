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
	// clocks is how far ours may be ahead of a vendor's.
	clocks = 10 * time.Minute
)

// walk is one way through the list of one item.
type walk struct {
	item   string
	of     *call.Item
	cursor cursor
	began  time.Time
	// base is when the item was first looked at: what was made later is new.
	base time.Time
	// backfill says that what changed since base is told although nothing of
	// the item is known yet.
	backfill bool
	whole    bool // everything is listed, not only what changed
	next     json.RawMessage
	pages    int
	newest   time.Time // the last change that was seen
	told     int
	// seen are hashes of the records that were listed, of a whole walk.
	seen []uint64
}

// since is the time from which on changes are asked for; zero: all.
func (w *walk) since(poll *bindings.Poll) time.Time {
	if w.whole || w.cursor.Since.IsZero() {
		return time.Time{}
	}
	return w.cursor.Since.Add(-poll.Overlap)
}

// item looks at the list of one item.
func (l *look) item(ctx context.Context, name string, of *call.Item) error {
	if s := l.poll.Sync; s != nil && s.Feed {
		return l.feed(ctx, name, of)
	}
	w := l.walk
	if w == nil || w.item != name || w.next == nil {
		w = l.newWalk(name, of)
	}
	l.walk = w
	err := l.pages(ctx, w)
	var problem *bindings.Error
	if errors.As(err, &problem) && w.cursor.Token != "" && l.poll.Sync != nil && slices.Contains(l.poll.Sync.Expired, problem.Status) {
		l.Log.Info("the vendor forgot what a poll knows; everything is listed and compared", "connection", l.job.key.Connection,
			"poll", l.poll.Name, "item", name)
		w.cursor.Token, w.whole, w.next, w.pages = "", true, nil, 0
		err = l.pages(ctx, w)
	}
	return err
}

func (l *look) newWalk(name string, of *call.Item) *walk {
	c := l.cursors[name]
	w := &walk{item: name, of: of, cursor: c, began: l.began, base: l.base(name)}
	w.backfill = !l.conn.PollSince().IsZero()
	switch {
	case l.changedOnly():
		w.cursor = l.cursors[""]
		w.whole = true
	case l.poll.Sync != nil:
		w.whole = c.Token == ""
	case !c.Known:
		w.whole = true
	case l.poll.NewestFirst || asksSince(&l.poll.List):
		w.whole = l.poll.FullEvery > 0 && !l.began.Before(c.Whole.Add(l.poll.FullEvery))
	default:
		w.whole = true
	}
	return w
}

// pages walks the list and keeps what each page comes to, before the next is
// asked for.
func (l *look) pages(ctx context.Context, w *walk) error {
	list := l.poll.List
	if w.cursor.Token != "" {
		list = by(l.poll.Sync, list, w.cursor.Token)
	}
	for ; w.pages < maxPages; w.pages++ {
		page, err := l.ask(ctx, list, l.words(w.of, w.since(l.poll)), w.next)
		if err != nil {
			return err
		}
		stop := false
		if l.poll.NewestFirst && !w.whole {
			page.Items, stop = l.until(page.Items, w.since(l.poll))
		}
		last, before := page.Next == nil || stop, w.cursor
		if last {
			l.finish(w, page)
		}
		if err := l.page(ctx, w, page.Items, last && !l.losing(w)); err != nil {
			w.cursor = before // the page is read again, and the new token is not used until it is written
			return err
		}
		if w.next = page.Next; last {
			break
		}
	}
	if w.pages == maxPages {
		return fmt.Errorf("%s.%s: more than %d pages; the list does not end", l.conn.App().Name, list.Operation, maxPages)
	}
	if l.losing(w) {
		return l.lost(ctx, w)
	}
	return nil
}

// until cuts a list that begins with what changed last to what changed since a
// time.
func (l *look) until(items []json.RawMessage, since time.Time) (kept []json.RawMessage, stop bool) {
	for i, item := range items {
		if at := timeAt(item, l.poll.Updated); !at.IsZero() && at.Before(since) {
			return items[:i], true
		}
	}
	return items, false
}

// finish says in the cursor what is known once the last page is kept.
func (l *look) finish(w *walk, page call.ListPage) {
	c := &w.cursor
	c.Base, c.Known = w.base, true
	if at := w.newest; !l.known(w.item) && !w.backfill && !at.IsZero() && at.Before(w.base) {
		// Where our clock is ahead, what is made next seems to be older.
		c.Base = moment(latest(at.Add(time.Millisecond), w.base.Add(-clocks)))
	}
	if w.whole {
		if l.poll.FullEvery > 0 {
			c.Whole = moment(w.began)
		}
	}
	if s := l.poll.Sync; s != nil {
		c.Token = token(page.Body, s.Answer)
		return
	}
	if !l.poll.NewestFirst && !asksSince(&l.poll.List) || l.changedOnly() {
		return
	}
	newest := c.Since
	if at := w.newest; l.poll.Updated != "" && !at.IsZero() && at.Before(w.began) {
		newest = latest(newest, at)
	} else if l.poll.Updated == "" || !at.IsZero() || newest.IsZero() {
		// What changed since the walk began may have changed behind it.
		newest = latest(newest, w.began)
	}
	// What changes while a list is walked by numbers of pages moves others
	// over the borders of pages: such a walk is made once more.
	c.Since, c.Next = moment(newest), time.Time{}
	if before := l.cursors[w.item]; w.pages > 0 && before.Known && l.counted() {
		c.Since, c.Next = before.Since, moment(newest)
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

// counted reports whether the list is walked by numbers of pages.
func (l *look) counted() bool {
	op, found := l.conn.App().Operation(l.poll.List.Operation)
	return found && op.Pages != nil && len(op.Pages.Cursors) == 0
}

// staleTries bounds how often a page is compared again because webhooks of the
// same records came meanwhile.
const staleTries = 100

// page compares what a page lists with what is known, and keeps what comes of
// it, with the cursor if it is the last.
func (l *look) page(ctx context.Context, w *walk, items []json.RawMessage, last bool) error {
	shown, err := l.shown(w, items)
	if err != nil {
		return err
	}
	records := make([]string, 0, len(shown))
	for _, s := range shown {
		records = append(records, s.record)
		if s.series != "" {
			records = append(records, s.series)
		}
	}
	err = journal.ErrStale
	for try := 0; try < staleTries && errors.Is(err, journal.ErrStale); try++ {
		err = l.compared(ctx, w, shown, records, last)
	}
	switch {
	case errors.Is(err, journal.ErrStale):
		return fmt.Errorf("what is known of the records of a page changed %d times while it was compared: %w", staleTries, err)
	case err != nil:
		return err
	}
	for i := range shown {
		if at := shown[i].updated; at.After(w.newest) {
			w.newest = at
		}
		if w.whole {
			w.seen = append(w.seen, hashText(shown[i].record))
		}
	}
	return nil
}

// compared compares a page once. The error is journal.ErrStale if what is known
// changed meanwhile.
func (l *look) compared(ctx context.Context, w *walk, shown []shown, records []string, last bool) error {
	known, err := l.Store.Sightings(ctx, l.job.key.PollKey, records...)
	if err != nil {
		return err
	}
	c := comparison{look: l, walk: w, known: known, changed: map[string]*change.Sighting{}}
	for i := range shown {
		if err := c.compare(&shown[i]); err != nil {
			return err
		}
	}
	sweep := c.sweep()
	if !l.changedOnly() { // whose cursors are the whole poll's
		sweep.Cursors = l.reached(w, last)
	}
	told, err := l.keep(ctx, sweep, c.events...)
	if err != nil {
		return err
	}
	l.found += told
	w.told += told
	return nil
}

// reached are the cursors to keep with a page: behind the last page where the
// walk ended, with the first one where it began.
func (l *look) reached(w *walk, last bool) []journal.Cursor {
	if last {
		return l.kept(w.item, w.cursor)
	}
	if begun := l.cursors[w.item]; w.pages == 0 && begun.Base.IsZero() {
		begun.Base = w.base
		return l.kept(w.item, begun)
	}
	return nil
}

// keep keeps what came of a page, and counts the events that were new.
func (l *look) keep(ctx context.Context, s journal.PollPage, events ...journal.Event) (told int, err error) {
	if len(s.Cursors)+len(s.Sightings)+len(events) == 0 {
		return 0, nil
	}
	receipts, err := l.Accept(ctx, s, events...)
	if err != nil {
		return 0, err
	}
	for i, r := range receipts {
		if r.Stored {
			told++
			l.Log.Info("event accepted", "event", events[i].ID, "type", events[i].Type, "runs", len(r.Runs), "connection", events[i].Connection)
		}
	}
	return told, nil
}

// losing reports whether the walk tells what is gone.
func (l *look) losing(w *walk) bool {
	return w.whole && l.poll.OnDeleted != "" && l.poll.Window == (bindings.Window{}) && w.cursor.Known && l.known(w.item)
}

// known reports whether all that there was of an item has been noted.
func (l *look) known(item string) bool {
	if l.changedOnly() {
		item = ""
	}
	return l.cursors[item].Known
}

// lostBatch is how many records are looked at together.
const lostBatch = 200

// lost finds the records that a whole walk did not list. A walk of several
// pages may pass over one that moved from one to another, and an empty list
// may be a vendor's bad day: then a record is gone when two walks missed it.
func (l *look) lost(ctx context.Context, w *walk) error {
	slices.Sort(w.seen)
	after := int64(0)
	for more := true; more; {
		err := journal.ErrStale
		for try := 0; try < staleTries && errors.Is(err, journal.ErrStale); try++ {
			var next int64
			if next, more, err = l.lostAfter(ctx, w, after); err == nil {
				after = next
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lostAfter looks at the records of one batch, those after a row. It gives the
// last row of the batch, and whether there may be more.
func (l *look) lostAfter(ctx context.Context, w *walk, after int64) (next int64, more bool, err error) {
	some, err := l.Store.SightingsOf(ctx, l.job.key.PollKey, w.item, after, lostBatch)
	if err != nil {
		return after, false, err
	}
	c := comparison{look: l, walk: w, changed: map[string]*change.Sighting{}}
	sure := w.pages == 0 && len(w.seen) > 0
	next = after
	for i := range some {
		s := &some[i]
		next = s.Row
		if l.accounted(w, s) {
			continue
		}
		if err := c.missing(s, sure); err != nil {
			return after, false, err
		}
	}
	sweep := c.sweep()
	if more = len(some) == lostBatch; !more && !l.changedOnly() {
		sweep.Cursors = l.kept(w.item, w.cursor)
	}
	told, err := l.keep(ctx, sweep, c.events...)
	if err == nil {
		l.found += told
	}
	return next, more, err
}

// accounted reports whether a record is known to be there or gone: the walk
// listed it, it is gone already, or something was reported of it meanwhile.
func (l *look) accounted(w *walk, s *change.Sighting) bool {
	fresh := w.began.Add(-max(l.poll.Overlap, time.Minute))
	_, listed := slices.BinarySearch(w.seen, hashText(s.Record))
	return listed || s.Gone() || slices.ContainsFunc(s.History, func(t change.Observation) bool { return t.At.After(fresh) })
}

// token finds what stands for what is known: in a field at the top, which may
// have dots in its name, or at a path.
func token(answer json.RawMessage, at string) string {
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

// by asks for a list by a token instead of by what may not stand beside it.
func by(s *bindings.Sync, list bindings.Call, token string) bindings.Call {
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
