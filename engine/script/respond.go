package script

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// Responder is the hook that answers the sender of an event.
type Responder struct {
	Script, Hook string
	// Within is how long a sender waits for the answer.
	Within time.Duration
}

// The bounds of Responder.Within for addresses of scripts.
const (
	defaultWithin = 10 * time.Second
	maxWithin     = time.Minute
)

// Responds reports whether a hook answers its sender.
func (s *Script) Responds(hook int) bool { return len(s.details[hook].answers) > 0 }

// Responder returns the hook that answers the sender of an event, nil if none does.
func (g *Generation) Responder(e *journal.Event) *Responder {
	for _, r := range g.responders[e.Type] {
		if r.hook.Matches(e) {
			return &r.Responder
		}
	}
	return nil
}

// responders are the hooks that answer, by trigger.
type responders map[string][]*responder

type responder struct {
	Responder
	hook     *journal.Hook
	position string
}

func (r responders) add(hook *journal.Hook, d detail) {
	for _, trigger := range d.answers {
		r[trigger] = append(r[trigger], &responder{Responder{hook.Script, hook.Name, d.within}, hook, d.position})
	}
}

// conflict returns why a hook cannot answer beside those before it, empty if it can.
func (r responders) conflict(hook *journal.Hook, d detail) string {
	for _, trigger := range d.answers {
		for _, first := range r[trigger] {
			switch inbound := strings.HasPrefix(trigger, "in:"); {
			case inbound:
				return fmt.Sprintf("a second hook answers the senders of %q; the first is at %s: give only one of them respond = true", trigger, first.position)
			case !hook.Excludes(first.hook):
				return fmt.Sprintf("a second hook answers the senders of %q; the first is at %s: give only one of them respond = true, or both a where with different values of one field",
					trigger, first.position)
			}
		}
	}
	return ""
}

func (b *hookBuilder) readRespond(raw json.RawMessage) error {
	if json.Unmarshal(raw, &b.hook.Responds) != nil {
		return fmt.Errorf("expected true (the run answers the sender by respond) or false, found %s", describe(raw))
	}
	return nil
}

func (b *hookBuilder) readWithin(raw json.RawMessage) (err error) {
	b.detail.within, err = readDuration(raw)
	return err
}

// finishRespond checks the options of an answer together, and finds the triggers
// whose senders get one.
func (b *hookBuilder) finishRespond() error {
	if !b.hook.Responds {
		if b.detail.within > 0 {
			return errors.New("within is how long the sender waits for an answer; it needs respond = true")
		}
		return nil
	}
	usual, longest := defaultWithin, maxWithin
	for _, trigger := range b.hook.Triggers {
		names, within := b.triggers.answered(trigger)
		if len(names) == 0 && !b.unchecked {
			return fmt.Errorf(`respond: nobody reads an answer to %q; it is for "in:/path", and for triggers of an app whose vendor shows the answer to a person`, trigger)
		}
		b.detail.answers = append(b.detail.answers, names...)
		if within > 0 {
			usual, longest = min(usual, within), min(longest, within)
		}
	}
	if b.detail.within > longest {
		return fmt.Errorf("within: expected at most %s, found %s", longest, b.detail.within)
	}
	b.detail.within = cmp.Or(b.detail.within, usual)
	return nil
}

// answered returns the triggers that a hook's trigger matches, if the senders of all
// of them read an answer, and how long they wait; zero: the data of no app has a bound.
func (t *triggers) answered(name string) (names []string, within time.Duration) {
	if strings.HasPrefix(name, "in:") {
		return []string{name}, 0
	}
	for _, matched := range t.match(name) {
		trigger := t.byName[matched]
		if trigger == nil || trigger.RespondWithin == 0 {
			return nil, 0
		}
		if waits := time.Duration(trigger.RespondWithin); within == 0 || waits < within {
			within = waits
		}
		names = append(names, matched)
	}
	return names, within
}
