package bindingstest

import (
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// testSubscriptions checks how webhooks are registered.
func testSubscriptions(t reporter, app *bindings.App) {
	names := map[string]bool{}
	for i := range app.Subscriptions {
		s := &app.Subscriptions[i]
		what := "subscription " + s.Name
		if s.Name == "" || names[s.Name] {
			t.Errorf("%s: expected a name of its own", what)
		}
		names[s.Name] = true
		if app.Webhook == nil {
			t.Errorf("%s: the app sends no webhooks", what)
			continue
		}
		testPatterns(t, app, what, s.Triggers)
		if _, found := app.Poll(s.Poll); s.Poll != "" && !found {
			t.Errorf("%s: there is no poll %q", what, s.Poll)
		}
		if len(app.Webhook.PollOn) > 0 && s.Poll == "" {
			t.Errorf("%s: the vendor's webhooks do not have what changed, and there is no poll to run then", what)
		}
		if s.Create.Operation == "" {
			testSteps(t, what, s)
			continue
		}
		testForEach(t, app, what, s.ForEach)
		testRegistered(t, app, what, s)
	}
}

// testPatterns checks that patterns match triggers of the app.
func testPatterns(t reporter, app *bindings.App, what string, patterns []string) {
	if len(patterns) == 0 {
		t.Errorf("%s: Triggers is empty", what)
	}
	for _, pattern := range patterns {
		matched := slices.ContainsFunc(app.Catalogue.Triggers(), func(name string) bool { return bindings.TriggerName(name).Matches(pattern) })
		if !matched {
			t.Errorf("%s: %q matches none of the app's triggers; patterns have three parts", what, pattern)
		}
	}
}

// testSteps checks a subscription that a person makes by hand.
func testSteps(t reporter, what string, s *bindings.Subscription) {
	if len(s.Steps) == 0 || !strings.Contains(strings.Join(s.Steps, " "), "{url}") {
		t.Errorf("%s: the vendor has no API for it, so Steps must describe what to do by hand, with {url}", what)
	}
	for _, step := range s.Steps {
		if words := bindings.Placeholders(step); slices.ContainsFunc(words, func(w string) bool { return w != "url" && w != "types.text" }) {
			t.Errorf("%s: step %q: only {url} and {types.text} have values", what, step)
		}
	}
	if s.List != nil || s.Update != nil || s.Renew != nil || s.Remove.Operation != "" || s.ForEach != nil {
		t.Errorf("%s: without Create there is nothing to list, update, renew or remove", what)
	}
}

// testRegistered checks the calls of a subscription that the engine registers.
func testRegistered(t reporter, app *bindings.App, what string, s *bindings.Subscription) {
	if len(s.Steps) > 0 {
		t.Errorf("%s: it is registered by Create, so its Steps are not shown", what)
	}
	atCreate := []string{"url", "secret", "id", "types", "types.text", "expires", "expires.ms"}
	later := []string{"id", "types", "types.text", "secret", "url", "expires", "expires.ms"}
	if s.ForEach != nil {
		atCreate, later = append(atCreate, "of."), append(later, "of.")
	}
	for _, path := range s.Stored {
		later = append(later, "kept."+path)
	}
	create := testCall(t, app, what+": create", s.Create, atCreate...)
	if !slices.Contains(bindings.Placeholders(s.Create.Args), "url") {
		t.Errorf("%s: create: no argument takes {url}", what)
	}
	testSecret(t, app, what, s)
	if s.ID == "" {
		t.Errorf("%s: ID is empty: expected the id for updating and removing it", what)
	}
	if create != nil {
		testCreated(t, app, what, s, create)
	}
	if s.List != nil {
		testList(t, app, what, s)
	}
	for verb, call := range map[string]*bindings.Call{"update": s.Update, "renew": s.Renew, "remove": &s.Remove} {
		if call == nil {
			continue
		}
		testCall(t, app, what+": "+verb, *call, later...)
		if !slices.Contains(bindings.Placeholders(call.Args), "id") {
			t.Errorf("%s: %s: no argument takes {id}", what, verb)
		}
	}
	if ends := s.Lifetime > 0; !ends && (s.Expires != "" || s.Renew != nil) {
		t.Errorf("%s: it ends, and there is no Lifetime by which to renew it", what)
	}
	if s.Update != nil && !slices.ContainsFunc(bindings.Placeholders(s.Update.Args), isTypes) {
		t.Errorf("%s: update: no argument takes {types}", what)
	}
	if len(s.Adds) > 0 && s.ForEach == nil {
		t.Errorf("%s: Adds needs an item of ForEach, and it is not registered for items", what)
	}
}

// testCreated checks the paths in the answer of Create.
func testCreated(t reporter, app *bindings.App, what string, s *bindings.Subscription, create *bindings.Operation) {
	inside, _, err := typeAt(app.CatalogueOf(create), create.Answer, s.Wrap)
	if err != nil {
		t.Errorf("%s: create: %v", what, err)
	}
	if create.Answer == nil {
		return
	}
	for _, path := range append([]string{s.ID, s.Expires, s.Secret}, s.Stored...) {
		testPath(t, app, what+": create", &inside, path)
	}
}

func isTypes(word string) bool { return word == "types" || word == "types.text" }

func testList(t reporter, app *bindings.App, what string, s *bindings.Subscription) {
	words := []string{}
	if s.ForEach != nil {
		words = append(words, "of.")
	}
	list := testCall(t, app, what+": list", *s.List, words...)
	if list == nil {
		return
	}
	if list.Pages == nil || !list.ReadOnly() {
		t.Errorf("%s: list: %s is no list with pages", what, list.Name)
		return
	}
	if s.Address == "" {
		t.Errorf("%s: Address is empty: expected the path by which our own are recognised", what)
	}
	for _, path := range append([]string{s.ID, s.Address, s.Expires, s.Types}, s.Stored...) {
		testPath(t, app, what+": list", itemType(app.CatalogueOf(list), list), path)
	}
}

// testSecret checks that the secret for the verification of webhooks has one
// source.
func testSecret(t reporter, app *bindings.App, what string, s *bindings.Subscription) {
	hook := app.Webhook
	ours := slices.Contains(bindings.Placeholders(s.Create.Args), "secret")
	byHandshake := hook.Handshake != nil && hook.Handshake.Header != ""
	needed := hook.Token != nil
	for _, signature := range hook.Signatures {
		needed = needed || signature.Key == "" && !signature.OptIn
	}
	switch sources := count(ours, byHandshake, s.Secret != ""); {
	case needed && sources != 1:
		t.Errorf("%s: its webhooks are verified with a secret that has %d sources, expected one: {secret} in Create, Secret, or Handshake.Header", what, sources)
	case !needed && sources > 0:
		t.Errorf("%s: it has a secret, and no webhook is verified with one", what)
	}
}
