package script_test

import (
	"encoding/json"
	"testing"

	"github.com/tidewire/tidewire/engine/script"
)

// TestVersionHashStays: runs that wait are bound to versions by hash, so that the
// hash of the same sources must be the same in a newer binary. It changes only
// with vm.ReplayFormat.
func TestVersionHashStays(t *testing.T) {
	f := openWith(t, script.Config{Params: map[string]json.RawMessage{"welcome": json.RawMessage(`{"channel":"#team"}`)}},
		"welcome/main.lua", `local part = require "part"`+"\non(\"shop.order.created\", part)\n",
		"welcome/part.lua", "return function(event) end\n",
		"welcome/template.yaml", "params:\n  channel:\n    type: string\n")
	if p := f.set.Problems(); len(p) > 0 {
		t.Fatal(p)
	}
	const want = "fe5488a80b83a704a647406c37ac78f4"
	if got := f.set.Generation().Scripts["welcome"].Version.Hash; got != want {
		t.Errorf("the hash is %s, want %s", got, want)
	}
}
