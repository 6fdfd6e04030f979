package sandbox_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

// TestRules tests the rules that are data, on an app without functions.
func TestRules(t *testing.T) {
	catalogue, err := bindings.ParseCatalogue([]byte(boards))
	must(t, err)
	rules := &sandbox.Rules{
		Seeds:    map[string][]sandbox.Object{"boards": {{"id": "first", "title": "First"}}},
		Defaults: map[string]sandbox.Object{"boards": {"state": "open"}},
		Operations: map[string]*sandbox.Rule{
			"POST /boards":                   {Requires: []sandbox.Requirement{{OneOf: []string{"limit", "title"}, Code: "nothing_given", Message: "give a limit or a title"}}},
			"GET /boards":                    {Verb: sandbox.List, NewestFirst: true},
			"GET /boards/{boardId}":          {Verb: sandbox.Read, Resource: "boards", ID: "boardId", NotFoundCode: "no_such_board"},
			"POST /boards/{boardId}/archive": {Verb: sandbox.Act, Set: sandbox.Object{"state": "closed", "title": "{boardId}"}},
		},
	}
	app := &bindings.App{Name: "boards", Catalogue: catalogue, Errors: bindings.Errors{Message: []string{"error.message"}, Code: []string{"error.code"}}}
	w := sandboxtest.Start(t, sandbox.Config{Apps: []*bindings.App{app}, Rules: map[string]*sandbox.Rules{"boards": rules}})
	w.Call("GET /boards/boards/first", "").Is(200, "title", "First", "state", "open")
	w.Call("POST /boards/boards", `{"title":""}`).Is(422, "error.message", "give a limit or a title", "error.code", "nothing_given")
	w.Call("POST /boards/boards", `{"title":"Second"}`).Is(201, "state", "open")
	w.Call("GET /boards/boards", "").Is(200, "boards.#.title", `["Second","First"]`)
	w.Call("GET /boards/boards/nowhere", "").Is(404, "error.code", "no_such_board")
	w.Call("POST /boards/boards/first/archive", "").Is(200, "state", "closed", "title", "first")
}

// TestNoWebhookWhereTheTriggerIsEmpty tests that a change with an empty trigger
// sends no webhook.
func TestNoWebhookWhereTheTriggerIsEmpty(t *testing.T) {
	app := webhookApp(t, &bindings.Webhook{Signatures: []bindings.Signature{bindings.PlainHMAC("X-Signature", "", bindings.Hex)}, Type: "kind"})
	rules := &sandbox.Rules{Triggers: map[string]string{"boards created": ""}}
	w, r := sandboxtest.StartApp(t, app, rules, sandbox.Config{}), sandboxtest.Receive(t)
	must(t, w.Subscribe("boards", r.URL, "shh"))
	id := w.Call("POST /boards/boards", `{"title":"Plan"}`).Is(201).Get("id")
	w.Call("POST /boards/boards/"+id+"/cards", `{"card":{"text":"One"}}`).Is(201)
	must(t, w.Idle(t.Context()))
	if got := r.Webhooks(); len(got) != 1 || sandboxtest.Value(got[0].Body, "kind") != "card.created" {
		t.Errorf("got %+v, want the card alone", got)
	}
}
