package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/connection"
)

// withoutAccount removes the account of the connection to an app.
func withoutAccount(app string, credentials map[string]string) func(*engine.Config) {
	return func(c *engine.Config) {
		i := slices.IndexFunc(c.Connections, func(s connection.Settings) bool { return s.Name == app })
		c.Connections[i].Account = ""
		if credentials != nil {
			c.Connections[i].Credentials = credentials
		}
	}
}

// TestAccountIsFoundAtTheStart: the vendor signs for everybody with one key, so a
// connection without an account gets it from the vendor before it accepts webhooks.
func TestAccountIsFoundAtTheStart(t *testing.T) {
	f := newFixture(t, map[string]string{"crm.lua": `on("highlevel.contact.created", function() end)`}, withoutAccount("highlevel", nil))
	account := f.apps.Account("highlevel")
	f.until(func() bool {
		all, err := f.journal.Connections(t.Context())
		must(t, err)
		return slices.ContainsFunc(all, func(s connection.Status) bool { return s.Name == "highlevel" && s.Account == account })
	})
	must(t, f.apps.Emit(t.Context(), "highlevel.contact.created", map[string]any{"id": "ada", "email": "ada@sandbox.example", "locationId": account}, sandbox.EmitOptions{Account: account}))
	f.settle()
	if runs := f.runs(); len(runs) != 1 {
		t.Errorf("%d runs", len(runs))
	}
}

// TestAccountIsNotFound: the log has what to do where no call reports the account.
func TestAccountIsNotFound(t *testing.T) {
	f := newFixture(t, nil, withoutAccount("highlevel", map[string]string{"token": sandbox.Token}))
	f.until(func() bool {
		return strings.Contains(f.log.String(), "webhooks are refused until the account is known; set account, or run tidewire connections test")
	})
}
