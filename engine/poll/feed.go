package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
)

// feed reads what changed since the stored token. Each page is stored with the
// token for the next.
func (sc *scan) feed(ctx context.Context, name string, of *call.Item) error {
	c := sc.cursors[name]
	sync := sc.poll.Sync
	for range maxPages {
		list := sc.poll.List
		if c.Token != "" {
			list = withToken(sync, list, c.Token)
		}
		page, err := sc.request(ctx, list, sc.vars(of, c.Since), nil)
		var problem *bindings.Error
		if errors.As(err, &problem) && slices.Contains(sync.Expired, problem.Status) {
			return sc.resync(ctx, name, c.Token, problem, err)
		}
		if err != nil {
			return err
		}
		next := tokenAt(page.Body, sync.Answer)
		if next == "" {
			return &bindings.Error{Kind: bindings.Invalid, App: sc.conn.App().Name, Operation: list.Operation,
				Message: fmt.Sprintf("poll %q: the answer has no token at %q", sc.poll.Name, sync.Answer)}
		}
		var events []journal.Event
		if c.Token != "" { // else the answer is only the first token
			events = sc.feedEvents(name, page.Items, of)
		}
		if c, err = sc.advance(ctx, name, next, page.Next == nil, events); err != nil || page.Next == nil {
			return err
		}
		if err := sc.pause(ctx, sc.poll.List.Operation); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s.%s: more than %d pages; the feed does not end", sc.conn.App().Name, sc.poll.List.Operation, maxPages)
}

// resync continues with the token that the vendor returns in place of one that
// expired. It returns err, the call's error, where the vendor returns none.
func (sc *scan) resync(ctx context.Context, name, old string, problem *bindings.Error, err error) error {
	if old != "" {
		sc.config.Log.Warn("the token of a feed expired; what changed meanwhile is not known", "connection", sc.job.key.Connection,
			"poll", sc.poll.Name, "item", name)
	}
	next := tokenAt(problem.Body, sc.poll.Sync.ExpiredAnswer)
	if next == "" || next == old {
		return err
	}
	_, err = sc.advance(ctx, name, next, true, nil)
	return err
}

// advance stores events with the token for the next page; last is set if no more
// pages are there now.
func (sc *scan) advance(ctx context.Context, name, next string, last bool, events []journal.Event) (cursor, error) {
	c := sc.cursors[name]
	c.Base, c.Known, c.Token = sc.base(name), true, next
	if last {
		c.Restored = sc.restored()
	}
	accepted, err := sc.accept(ctx, journal.PollPage{PollKey: sc.job.key.PollKey, Cursors: sc.changedCursors(name, c)}, events...)
	if err == nil {
		sc.cursors[name] = c
		sc.found += accepted
	}
	return c, err
}

// feedEvents returns the items of a feed as events: those that the vendor would
// have sent as webhooks, with the same ids, so that each is accepted once.
func (sc *scan) feedEvents(name string, items []json.RawMessage, of *call.Item) (events []journal.Event) {
	for _, item := range items {
		event, known := sc.config.Read(sc.conn, item)
		if !known || sc.modes[event.Type] != report {
			continue
		}
		if event.Time.IsZero() {
			event.Time = sc.undated(name)
		}
		event.Source, event.Data = sc.source, sc.add(event.Data, of)
		events = append(events, event)
	}
	return events
}
