package script

import (
	"reflect"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// warning returns what a stranger can do at an address, empty for nothing.
func (i *Inbound) warning() string {
	replayed := func(s bindings.Signature) bool {
		return !strings.Contains(s.Signed, "{time}") && !strings.Contains(s.Signed, "{id}") && s.SignatureField == ""
	}
	switch {
	case i.Verify.Scheme == VerifyNone:
		return "anybody may send to this address"
	case i.ID == EventID{} && slices.ContainsFunc(i.Verify.Signatures, replayed):
		return "who has recorded a request to this address can send it again: neither a time nor an id is signed; name the place of the event's id with the option id"
	}
	return ""
}

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
