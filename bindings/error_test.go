package bindings_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

func TestErrorText(t *testing.T) {
	tests := []struct {
		err  bindings.Error
		want string
	}{
		{bindings.Error{Kind: bindings.NotFound, App: "highlevel", Operation: "contacts.get", Message: "no such contact", Code: "E4"},
			`highlevel.contacts.get: no such contact (not_found, E4)`},
		{bindings.Error{Kind: bindings.NotFound, App: "slack", Operation: "chat.delete", Message: "no_text", Code: "no_text"},
			`slack.chat.delete: no_text (not_found)`},
		{bindings.Error{Kind: bindings.RateLimited, App: "slack", Message: "too many requests", Code: "rate_limited"},
			`slack: too many requests (rate_limited)`},
		{bindings.Error{Kind: bindings.Timeout, Message: "no answer"}, `no answer (timeout)`},
		{bindings.Error{Kind: bindings.Invalid, App: "slack", Message: "unknown argument \"x\"\nslack.chat.delete {}"},
			"slack: unknown argument \"x\" (invalid)\nslack.chat.delete {}"},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
