package script

import (
	"reflect"
	"strings"
)

// inboundPath returns the path of the trigger "in:/path", "" for another one.
func inboundPath(trigger string) string {
	path, found := strings.CutPrefix(trigger, "in:")
	if !found {
		return ""
	}
	return path
}

// equal reports whether two hooks on one address verify requests and make events
// of them in the same way.
func (i *Inbound) equal(other *Inbound) bool { return reflect.DeepEqual(i, other) }
