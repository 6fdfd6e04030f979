package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// decideApproval decides the approval that an event names, if events of its
// trigger can: a click on a button. It is called before the event is stored, so
// that the sender gets the error if the decision cannot be written. A second
// answer, one that is too late and one to no approval change nothing.
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
		log := r.config.Log.With("approval", id, "choice", choice, "by", by, "event", event.ID)
		_, err := r.config.Store.Decide(ctx, id, journal.Decision{Choice: choice, By: by})
		var wrong *bindings.Error
		switch {
		case err == nil:
			log.Info("approval decided")
		case errors.Is(err, journal.ErrNotFound): // a text of the script's own
		case errors.Is(err, journal.ErrDecided), errors.Is(err, journal.ErrExpired), errors.As(err, &wrong):
			log.Warn("an answer to an approval has no effect", "error", err)
		default:
			return fmt.Errorf("answer the approval %q: %w", id, err)
		}
		return nil
	}
	return nil
}

// decisionRule returns how events of a trigger decide approvals, nil if they do
// not.
func (r *Runner) decisionRule(trigger string) *bindings.ApprovalAnswer {
	if _, t := r.trigger(trigger); t != nil {
		return t.ApprovalAnswer
	}
	return nil
}
