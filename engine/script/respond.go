package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// Responder is the hook that answers the sender of an event.
type Responder struct {
	Script, Hook string
	// Within is how long a sender waits for the answer.
	Within time.Duration
}

// The bounds of Responder.Within.
const (
	defaultWithin = 10 * time.Second
	maxWithin     = time.Minute
)

// Responds reports whether a hook answers its sender.
func (s *Script) Responds(hook int) bool { return s.details[hook].within > 0 }

// responder is a hook that answers, and how long its senders wait.
type responder struct {
	hook   *journal.Hook
	within time.Duration
}

func (g *Generation) addResponder(hook *journal.Hook, within time.Duration) {
	if within == 0 {
		return
	}
	for _, trigger := range hook.Triggers {
		g.responders[trigger] = append(g.responders[trigger], responder{hook, within})
	}
}

// Responder returns the hook that answers the sender of an event.
func (g *Generation) Responder(e *journal.Event) (Responder, bool) {
	for _, r := range g.responders[e.Type] {
		if r.hook.Matches(e) {
			return Responder{Script: r.hook.Script, Hook: r.hook.Name, Within: r.within}, true
		}
	}
	return Responder{}, false
}

func (b *hookBuilder) readRespond(raw json.RawMessage) error {
	if json.Unmarshal(raw, &b.respond) != nil {
		return fmt.Errorf("expected true (the run answers the sender by respond) or false, found %s", describe(raw))
	}
	return nil
}

func (b *hookBuilder) readWithin(raw json.RawMessage) (err error) {
	if b.within, err = readDuration(raw); err == nil && b.within > maxWithin {
		err = fmt.Errorf("expected at most %s, found %s", maxWithin, b.within)
	}
	return err
}

// finishRespond checks the options of an answer together.
func (b *hookBuilder) finishRespond() error {
	switch {
	case !b.respond && b.within > 0:
		return errors.New("within is how long the sender waits for an answer; it needs respond = true")
	case b.respond && b.within == 0:
		b.within = defaultWithin
	}
	b.detail.within, b.hook.Responds = b.within, b.respond
	return nil
}
