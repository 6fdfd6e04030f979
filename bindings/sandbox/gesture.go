package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// Gesture is what a person can do on an app's own screen.
type Gesture struct {
	Args []string // for the list of what can be done
	// Do gives the trigger of the webhook, without the app's name, and its data.
	Do func(a *App, args Object) (trigger string, data Object, err error)
}

// Do plays a person at an app's own screen: a click on a button, a command
// that is typed. It returns when every subscriber has taken the webhook.
func (s *Sandbox) Do(ctx context.Context, app, what string, args any) error {
	a := s.apps[app]
	if a == nil {
		return s.unknownApp(app)
	}
	act, known := a.rules.Gestures[what]
	if !known {
		err := fmt.Errorf("nobody can %q in %q; there are %s", what, app, strings.Join(sorted(a.rules.Gestures), ", "))
		if near := bindings.Nearest(what, sorted(a.rules.Gestures)); near != "" {
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

func (s *Sandbox) postGesture(w http.ResponseWriter, h *http.Request) {
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
