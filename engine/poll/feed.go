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

// feed reads what changed since the token that is known. Each page is kept with
// the token behind it.
func (l *look) feed(ctx context.Context, name string, of *call.Item) error {
	c := l.cursors[name]
	sync := l.poll.Sync
	for range maxPages {
		list := l.poll.List
		if c.Token != "" {
			list = by(sync, list, c.Token)
		}
		page, err := l.ask(ctx, list, l.words(of, c.Since), nil)
		var problem *bindings.Error
		if errors.As(err, &problem) && slices.Contains(sync.Expired, problem.Status) {
			return l.forgotten(ctx, name, c.Token, problem, err)
		}
		if err != nil {
			return err
		}
		given := token(page.Body, sync.Answer)
		if given == "" {
			return &bindings.Error{Kind: bindings.Invalid, App: l.conn.App().Name, Operation: list.Operation,
				Message: fmt.Sprintf("poll %q: the answer has no token at %q", l.poll.Name, sync.Answer)}
		}
		var events []journal.Event
		if c.Token != "" { // else it is where to begin
			events = l.happened(page.Items, of)
		}
		if c, err = l.advance(ctx, name, given, events); err != nil || page.Next == nil {
			return err
		}
		if err := l.pause(ctx, l.poll.List.Operation); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s.%s: more than %d pages; the feed does not end", l.conn.App().Name, l.poll.List.Operation, maxPages)
}

// forgotten goes on from the token that the vendor gives in place of one that it
// does not know any more. The call's error is err where it gives none.
func (l *look) forgotten(ctx context.Context, name, old string, problem *bindings.Error, err error) error {
	if old != "" {
		l.Log.Warn("the vendor forgot how far a poll has read; what happened meanwhile is not known", "connection", l.job.key.Connection,
			"poll", l.poll.Name, "item", name)
	}
	given := token(problem.Body, l.poll.Sync.ExpiredAnswer)
	if given == "" || given == old {
		return err
	}
	_, err = l.advance(ctx, name, given, nil)
	return err
}

// advance keeps events with the token behind them.
func (l *look) advance(ctx context.Context, name, given string, events []journal.Event) (cursor, error) {
	c := l.cursors[name]
	c.Base, c.Known, c.Token = l.base(name), true, given
	told, err := l.keep(ctx, journal.PollPage{PollKey: l.job.key.PollKey, Cursors: l.kept(name, c)}, events...)
	if err == nil {
		l.cursors[name] = c
		l.found += told
	}
	return c, err
}

// happened makes events of what a feed lists: what its vendor would have sent
// as webhooks, with the same ids, so that each is told once.
func (l *look) happened(items []json.RawMessage, of *call.Item) (events []journal.Event) {
	for _, item := range items {
		event, known := l.Read(l.conn, item)
		if !known || l.modes[event.Type] != tell {
			continue
		}
		event.Source, event.Data = l.source, l.add(event.Data, of)
		events = append(events, event)
	}
	return events
}
