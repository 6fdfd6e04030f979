package googlecalendar_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/bindingstest"
	"github.com/tidewire/tidewire/bindings/googlecalendar"
)

func TestApp(t *testing.T) { bindingstest.Run(t, googlecalendar.App()) }

// Every operation names its scopes as alternatives, and reading needs only the
// scope for reading.
func TestScopes(t *testing.T) {
	c := googlecalendar.App().Catalogue
	if n := len(c.Operations()); n != 38 {
		t.Errorf("%d operations, expected 38", n)
	}
	for _, name := range c.Operations() {
		o, _ := c.Operation(name)
		if len(o.AnyScope) == 0 || len(o.Scopes) > 0 {
			t.Errorf("%s: scopes %q, any of %q", name, o.Scopes, o.AnyScope)
		}
		for _, scope := range o.AnyScope {
			if strings.HasSuffix(scope, ".readonly") && !o.ReadOnly() && !strings.HasSuffix(name, ".watch") && name != "channels.stop" {
				t.Errorf("%s changes something and is content with %s", name, scope)
			}
		}
	}
}

// A 64-bit integer is text, so that no digit is lost.
func TestExpirationIsText(t *testing.T) {
	channel, _ := googlecalendar.App().Catalogue.Type("Channel")
	for _, f := range channel.Fields {
		if f.Name == "expiration" && f.Type.Kind == bindings.Int64 {
			return
		}
	}
	t.Errorf("expiration is not a 64-bit integer: %v", channel.Fields)
}
