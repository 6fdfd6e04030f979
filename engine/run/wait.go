package run

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// wait parks the run until a moment.
func (h *host) wait(ctx context.Context, s vm.Step, step journal.Step) (result, error) {
	var args struct{ For, Until string }
	if err := json.Unmarshal(s.Args, &args); err != nil {
		return result{}, invalid(s, "expected a length of time or a moment: "+err.Error())
	}
	until, err := h.moment(args.For, args.Until)
	if err != nil {
		return result{}, invalid(s, err.Error())
	}
	if !until.After(h.runner.config.Clock.Now()) {
		return result{}, nil
	}
	step.State = journal.Begun
	return result{}, h.park(ctx, step, journal.Park{State: journal.Waiting, Until: until, Step: &step})
}

func (h *host) moment(length, at string) (time.Time, error) {
	if at != "" {
		return time.Parse(time.RFC3339Nano, at)
	}
	return vm.After(length, h.runner.config.Clock.Now(), h.zone)
}

// await parks the run until an event comes, a person decides, or the timeout
// passes.
func (h *host) await(ctx context.Context, s vm.Step, step journal.Step) (result, error) {
	var args struct {
		Triggers                      []string
		Where                         json.RawMessage
		Timeout, Connection, Approval string
	}
	if err := json.Unmarshal(s.Args, &args); err != nil {
		return result{}, invalid(s, "expected a trigger and { where, timeout, connection }: "+err.Error())
	}
	where, err := script.ReadWhere(args.Where)
	if err != nil {
		return result{}, invalid(s, "where: "+err.Error())
	}
	await := journal.Await{Triggers: args.Triggers, Where: where, Approval: args.Approval}
	var until time.Time
	if args.Timeout != "" {
		if until, err = h.moment(args.Timeout, ""); err != nil {
			return result{}, invalid(s, "timeout: "+err.Error())
		}
		what := strings.Join(args.Triggers, " or ")
		if args.Approval != "" {
			what = "a decision"
		}
		await.Timeout = &bindings.Error{Kind: bindings.Timeout, Message: fmt.Sprintf("%s did not come within %s", what, args.Timeout)}
	}
	if await.Connections, err = h.awaitedConnections(args.Triggers, args.Connection); err != nil {
		return result{}, invalid(s, err.Error())
	}
	step.State = journal.Begun
	return result{}, h.park(ctx, step, journal.Park{State: journal.Waiting, Until: until, Await: &await, Step: &step})
}

// awaitedConnections returns, by app, the connection whose events are awaited:
// the one of the run's calls to that app.
func (h *host) awaitedConnections(triggers []string, wanted string) (map[string]string, error) {
	of := map[string]string{}
	for _, trigger := range triggers {
		app := bindings.TriggerName(trigger).App()
		if h.runner.apps[app] == nil {
			continue
		}
		name, err := h.resolve(app, wanted)
		if err != nil {
			return nil, err
		}
		of[app] = name
	}
	return of, nil
}

// approval makes an approval for a person to decide; wait_for awaits the
// decision.
func (h *host) approval(s vm.Step, step journal.Step) (result, error) {
	var args struct {
		Title, Text, Timeout string
		Choices              []string
	}
	if err := json.Unmarshal(s.Args, &args); err != nil {
		return result{}, invalid(s, "expected { title, text, choices, timeout }: "+err.Error())
	}
	a := journal.Approval{
		ID: journal.NewApprovalID(h.lease.Run, step.Number), Run: h.lease.Run, Step: step.Number,
		Title: args.Title, Text: args.Text, Choices: args.Choices, Created: step.Started,
	}
	if args.Timeout != "" {
		expires, err := h.moment(args.Timeout, "")
		if err != nil {
			return result{}, invalid(s, "timeout: "+err.Error())
		}
		a.Expires = expires
	}
	done, err := value(map[string]string{"id": a.ID, "url": h.runner.config.ApprovalLink(a.ID, a.Expires)})
	done.effect.Approval = &a
	return done, err
}
