package sandbox_test

import (
	"encoding/json"
	"testing"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

// start starts a sandbox of all apps.
func start(t *testing.T, config sandbox.Config) *sandboxtest.Server {
	t.Helper()
	config.Apps, config.Rules = all.Apps(), all.Rules()
	return sandboxtest.Start(t, config)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	return string(b)
}

// contact is a contact in HighLevel.
const contact = `{"locationId":"loc1","firstName":"Ann","lastName":"Lee","email":"Ann@Example.com","phone":"+33123"}`
