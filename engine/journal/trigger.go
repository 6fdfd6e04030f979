package journal

import (
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// MatchTrigger reports whether a hook's trigger matches an event type, as
// bindings.TriggerName.Matches does. Paths ("in:/orders") have no parts and are
// compared as they are.
func MatchTrigger(trigger, eventType string) bool {
	if !strings.Contains(trigger, "*") || strings.HasPrefix(trigger, "in:") {
		return trigger == eventType
	}
	wantKind, want := splitKind(trigger)
	kind, have := splitKind(eventType)
	return wantKind == kind && bindings.TriggerName(have).Matches(want)
}

// splitKind splits "emit:deal.won" after its colon.
func splitKind(s string) (kind, rest string) {
	if i := strings.IndexByte(s, ':'); i >= 0 {
		return s[:i+1], s[i+1:]
	}
	return "", s
}

// MatchesType reports whether one of the hook's triggers names an event type.
func (h *Hook) MatchesType(eventType string) bool {
	for _, t := range h.Triggers {
		if MatchTrigger(t, eventType) {
			return true
		}
	}
	return false
}
