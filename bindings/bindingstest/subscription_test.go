package bindingstest

import (
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

const subscriptionCatalogue = valid + `operation shops.list {"id":"s","method":"GET","path":"/shops","answer":"#Shops","pages":{"items":"data"}}
operation hooks.create {"id":"hc","method":"POST","path":"/hooks","in_query":["account!: string"],"account":"account","body":{"encoding":"json","type":"#Hook","required":true},"answer":"#Made"}
operation hooks.list {"id":"hl","method":"GET","path":"/hooks","in_query":["shop!: string"],"answer":"#Hooks","pages":{"items":"data"}}
operation hooks.update {"id":"hu","method":"PUT","path":"/hooks/{id}","in_path":["id!: string"],"body":{"encoding":"json","type":"#Change"}}
operation hooks.delete {"id":"hd","method":"DELETE","path":"/hooks/{id}","in_path":["id!: string"],"in_query":["token: string"]}
type Shops {"fields":["data: [#Shop]"]}
type Shop {"fields":["id: string"]}
type Hook {"fields":["address!: string","types!: [string]","secret: string","shop: string","until: string"]}
type Change {"fields":["types: [string]","until: string"]}
type Made {"fields":["data: #Registered"]}
type Hooks {"fields":["data: [#Registered]"]}
type Registered {"fields":["id: string","address: string","types: [string]","until: string","token: string"]}
trigger acme.shop.opened {"vendor":"ThingCreate"}
`

// appWithSubscription returns an app whose first subscription has all fields.
func appWithSubscription(t *testing.T) *bindings.App {
	a := app(t, subscriptionCatalogue)
	a.Webhook = &bindings.Webhook{Type: "type", Signatures: []bindings.Signature{bindings.PlainHMAC("X-Signature", "", bindings.Hex)}}
	call := func(operation string, args ...string) bindings.Call {
		c := bindings.Call{Operation: operation, Args: map[string]any{}}
		for i := 0; i < len(args); i += 2 {
			c.Args[args[i]] = args[i+1]
		}
		return c
	}
	list, change := call("hooks.list", "shop", "{of.id}"), call("hooks.update", "id", "{id}", "types", "{types}")
	prolong := call("hooks.update", "id", "{id}", "until", "{expires}")
	a.Subscriptions = []bindings.Subscription{{
		Name: "things", Triggers: []string{"acme.thing.*"}, ForEach: &bindings.ForEach{List: call("shops.list"), ID: "id"},
		Create: call("hooks.create", "address", "{url}", "types", "{types}", "secret", "{secret}", "shop", "{of.id}", "until", "{expires}"),
		List:   &list, Update: &change, Renew: &prolong, Remove: call("hooks.delete", "id", "{id}", "token", "{kept.token}"),
		Wrap: "data", ID: "id", Address: "address", Types: "types", Expires: "until", Stored: []string{"token"}, Lifetime: time.Hour,
		Adds: map[string]string{"shop": "id"},
	}, {
		Name: "shops", Triggers: []string{"acme.shop.opened"}, Create: call("hooks.create", "address", "{url}", "types", "{types}", "secret", "{secret}"),
		Remove: call("hooks.delete", "id", "{id}"), Wrap: "data", ID: "id",
	}}
	return a
}

func TestSubscriptions(t *testing.T) {
	var found notes
	a := appWithSubscription(t)
	testSubscriptions(&found, a)
	testTriggers(&found, a)
	if len(found) > 0 {
		t.Errorf("problems of a valid app: %q", found)
	}
	setSteps := func(a *bindings.App, steps ...string) {
		a.Subscriptions = []bindings.Subscription{{Name: "events", Triggers: []string{"acme.*.*"}, Steps: steps}}
	}
	for _, test := range []struct {
		change func(a *bindings.App, s *bindings.Subscription)
		want   string
	}{
		{func(a *bindings.App, _ *bindings.Subscription) { a.Subscriptions[1].Name = "things" }, "a name of its own"},
		{func(a *bindings.App, _ *bindings.Subscription) { a.Webhook = nil }, "the app sends no webhooks"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Triggers = []string{"acme.*"} }, `"acme.*" matches none`},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Triggers = nil }, "Triggers is empty"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Poll = "things" }, `no poll "things"`},
		{func(a *bindings.App, _ *bindings.Subscription) { a.Webhook.PollOn = []string{"*"} }, "there is no poll to run then"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Create.Operation = "hooks.make" }, `no operation "hooks.make"`},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Create.Args["colour"] = "red" }, `no argument "colour"`},
		{func(_ *bindings.App, s *bindings.Subscription) { delete(s.Create.Args, "types") }, `requires "types"`},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Create.Args["shop"] = "{shop}" }, "{shop} has no value here"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Create.Args["address"] = "https://x" }, "no argument takes {url}"},
		{func(_ *bindings.App, s *bindings.Subscription) { delete(s.Create.Args, "secret") }, "has 0 sources"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Secret = "token" }, "has 2 sources"},
		{func(a *bindings.App, _ *bindings.Subscription) {
			a.Webhook.Handshake = &bindings.Handshake{Header: "X-Secret"}
		}, "has 2 sources"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.ID = "" }, "ID is empty"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.ID = "uid" }, `#Registered has no field "uid"`},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Wrap = "hook" }, `#Made has no field "hook"`},
		{func(_ *bindings.App, s *bindings.Subscription) { s.List.Operation = "hooks.update" }, "no list with pages"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.List.Args["shop"] = "{id}" }, "{id} has no value here"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Address = "" }, "Address is empty"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Types = "kinds" }, `#Registered has no field "kinds"`},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Update.Args["types"] = []any{"x"} }, "no argument takes {types}"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Lifetime = 0 }, "there is no Lifetime"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Remove.Args["id"] = "1" }, "remove: no argument takes {id}"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Remove.Args["token"] = "{kept.uid}" }, "{kept.uid} has no value"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.ForEach.ID = "" }, "have no id"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.ForEach.List.Operation = "hooks.create" }, "no list with pages"},
		{func(a *bindings.App, _ *bindings.Subscription) { a.Subscriptions[1].Adds = map[string]string{"a": "b"} }, "not registered for items"},
		{func(_ *bindings.App, s *bindings.Subscription) { s.Steps = []string{"Open {url}"} }, "its Steps are not shown"},
		{func(a *bindings.App, _ *bindings.Subscription) { setSteps(a) }, "Steps must describe"},
		{func(a *bindings.App, _ *bindings.Subscription) { setSteps(a, "Open the settings.") }, "with {url}"},
		{func(a *bindings.App, _ *bindings.Subscription) { setSteps(a, "Paste {url} and {secret}.") }, "only {url} and {types.text}"},
		{func(a *bindings.App, _ *bindings.Subscription) { a.Subscriptions = nil }, "cannot be distinguished"},
	} {
		a, found := appWithSubscription(t), notes{}
		test.change(a, &a.Subscriptions[0])
		testSubscriptions(&found, a)
		if a.Webhook != nil {
			testTriggers(&found, a)
		}
		if !strings.Contains(strings.Join(found, "\n"), test.want) {
			t.Errorf("found %q, expected %q", found, test.want)
		}
	}
}

func TestBrokenWebhook(t *testing.T) {
	token := func(p bindings.WebhookToken) bindings.Webhook { return bindings.Webhook{Type: "type", Token: &p} }
	signed := bindings.Webhook{Type: "type", Signatures: []bindings.Signature{bindings.PlainHMAC("X-Signature", "", bindings.Hex)}}
	with := func(change func(*bindings.Webhook)) bindings.Webhook {
		hook := signed
		change(&hook)
		return hook
	}
	for _, test := range []struct {
		hook bindings.Webhook
		want string
	}{
		{signed, ""},
		{token(bindings.WebhookToken{Header: "X-Token"}), ""},
		{token(bindings.WebhookToken{}), "expected one place"},
		{token(bindings.WebhookToken{Header: "X-Token", Path: "token"}), "expected one place"},
		{bindings.Webhook{Type: "type"}, "no signature that is accepted by default"},
		{with(func(h *bindings.Webhook) { h.Handshake = &bindings.Handshake{} }), "one of Query and Header"},
		{with(func(h *bindings.Webhook) { h.GoneStatus = 200 }), "GoneStatus 200"},
		{with(func(h *bindings.Webhook) { h.PollOn, h.Ignore = []string{"x"}, []string{"x"} }), `type "x"`},
	} {
		var found notes
		checkWebhook(&found, &test.hook)
		if got := strings.Join(found, "\n"); !strings.Contains(got, test.want) || test.want == "" && got != "" {
			t.Errorf("found %q, expected %q", found, test.want)
		}
	}
}
