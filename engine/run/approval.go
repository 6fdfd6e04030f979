package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// decideApproval decides the approval that an event names, if events of its
// trigger can: a click on a button. It is called before the event is stored, so
// that the sender gets the error if the decision cannot be written. A second
// answer, one that is too late, one that comes from elsewhere and one to no
// approval change nothing.
func (r *Runner) decideApproval(ctx context.Context, event *journal.Event) error {
	rule := r.decisionRule(event.Type)
	if rule == nil {
		return nil
	}
	for _, path := range rule.Answer {
		answer := jsonpath.Text(event.Data, path)
		if answer == "" {
			continue
		}
		id, choice, ok := bindings.ParseApprovalAnswer(answer)
		if !ok {
			return nil
		}
		by := jsonpath.Text(event.Data, rule.By)
		log := r.config.Log.With("approval", id, "choice", choice, "by", by, "event", event.ID, "connection", event.Connection)
		err := r.decideFrom(ctx, id, rule, event, journal.Decision{Choice: choice, By: by})
		var wrong *bindings.Error
		switch {
		case err == nil:
			log.Info("approval decided")
		case errors.Is(err, journal.ErrNotFound): // a text of the script's own
		case errors.Is(err, journal.ErrDecided), errors.Is(err, journal.ErrExpired), errors.Is(err, errElsewhere), errors.As(err, &wrong):
			log.Warn("an answer to an approval has no effect", "error", err)
		default:
			return fmt.Errorf("answer the approval %q: %w", id, err)
		}
		return nil
	}
	return nil
}

// errElsewhere: an answer does not come from where the approval was sent.
var errElsewhere = errors.New("the answer does not count")

// decideFrom decides an approval by an event, if that comes from where a call sent
// the approval.
func (r *Runner) decideFrom(ctx context.Context, id string, rule *bindings.ApprovalAnswer, event *journal.Event, d journal.Decision) error {
	approval, err := r.config.Store.Approval(ctx, id)
	if err != nil {
		return err
	}
	of := slices.DeleteFunc(approval.Deliveries, func(d journal.Delivery) bool { return !r.sameAccount(d.Connection, event.Connection) })
	if len(of) == 0 {
		return fmt.Errorf("%w: no call of connection %q had the id of the approval", errElsewhere, event.Connection)
	}
	names := messageNames(rule.Messages, event.Data, func(m bindings.ApprovalMessage) []string { return m.Event })
	isFrom := func(d journal.Delivery) bool {
		return len(d.Message) == 0 || slices.ContainsFunc(names, func(name string) bool { return slices.Contains(d.Message, name) })
	}
	if !slices.ContainsFunc(of, isFrom) {
		return fmt.Errorf("%w: it comes from the message %q, and the id was sent with %q", errElsewhere, strings.Join(names[:min(len(names), 1)], ""), of[0].Message)
	}
	_, err = r.config.Store.Decide(ctx, id, d)
	return err
}

// sameAccount reports whether two connections are one, or of one account: a person's
// message is answered by the connection that receives the webhooks.
func (r *Runner) sameAccount(one, other string) bool {
	if one == other {
		return true
	}
	a, foundA := r.config.Connections.Get(one)
	b, foundB := r.config.Connections.Get(other)
	switch {
	case !foundA || !foundB || a.App() != b.App():
		return false
	case a.Name() == b.Name():
		return true
	}
	return a.Account() != "" && a.Account() == b.Account()
}

// deliveries returns what a call adds to the approvals whose ids its arguments have.
// The answer is nil before it is there.
func (h *host) deliveries(app *bindings.App, step journal.Step, connection string, answer json.RawMessage) (all []journal.Delivery) {
	ids := journal.ApprovalIDs(step.Args)
	if len(ids) == 0 {
		return nil
	}
	var names []string
	for _, trigger := range app.Catalogue.Triggers() {
		if t, _ := app.Catalogue.Trigger(trigger); t.ApprovalAnswer != nil {
			names = append(names, messageNames(t.ApprovalAnswer.Messages, answer, func(m bindings.ApprovalMessage) []string { return m.Sent })...)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, id := range ids {
		all = append(all, journal.Delivery{Approval: id, Connection: connection, Message: names})
	}
	return all
}

// messageNames returns the names of a message that a value has in full.
func messageNames(ways []bindings.ApprovalMessage, value json.RawMessage, paths func(bindings.ApprovalMessage) []string) (names []string) {
	if len(value) == 0 {
		return nil
	}
	for _, way := range ways {
		var parts []string
		for _, path := range paths(way) {
			if text := jsonpath.Text(value, path); text != "" {
				parts = append(parts, text)
			}
		}
		if len(parts) == len(paths(way)) {
			names = append(names, strings.Join(parts, " "))
		}
	}
	return names
}

// decisionRule returns how events of a trigger decide approvals, nil if they do
// not.
func (r *Runner) decisionRule(trigger string) *bindings.ApprovalAnswer {
	if _, t := r.trigger(trigger); t != nil {
		return t.ApprovalAnswer
	}
	return nil
}
