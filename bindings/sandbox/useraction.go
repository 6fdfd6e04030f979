package sandbox

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// UserAction is something that a person can do on an app's own screen.
type UserAction struct {
	Args []string // the names of the arguments, for the list of user actions
	// Do returns the trigger of the event, without the app's name, and its data.
	Do func(a *App, args Object) (trigger string, data Object, err error)
}

// Do performs a person's action on an app's own screen: a click on a button, a
// command. It returns when every subscriber has accepted the webhook.
func (s *Sandbox) Do(ctx context.Context, app, what string, args any) error {
	a := s.apps[app]
	if a == nil {
		return s.unknownApp(app)
	}
	act, known := a.rules.UserActions[what]
	if !known {
		err := fmt.Errorf("nobody can %q in %q; there are %s", what, app, strings.Join(slices.Sorted(maps.Keys(a.rules.UserActions)), ", "))
		if near := bindings.Nearest(what, slices.Sorted(maps.Keys(a.rules.UserActions))); near != "" {
			err = fmt.Errorf("%w; did you mean %q?", err, near)
		}
		return err
	}
	v, err := normal(args)
	if err != nil {
		return fmt.Errorf("%s %s: %w", app, what, err)
	}
	given, isObject := v.(Object)
	if v != nil && !isObject {
		return fmt.Errorf("%s %s: expected an object, found %.60s", app, what, Encode(v))
	}
	a.mu.Lock()
	trigger, data, err := act.Do(a, given)
	a.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s %s: %w", app, what, err)
	}
	return s.Emit(ctx, app+"."+trigger, data, EmitOptions{Unstored: true})
}

func (s *Sandbox) postUserAction(w http.ResponseWriter, h *http.Request) {
	var args Object
	if !readJSON(w, h, &args) {
		return
	}
	if err := s.Do(h.Context(), h.PathValue("app"), h.PathValue("what"), args); err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, http.StatusOK, Object{"done": h.PathValue("what")})
}
