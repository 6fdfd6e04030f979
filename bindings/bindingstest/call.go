package bindingstest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// wordInCall is a word in braces, as calls of the engine's own have them.
var wordInCall = regexp.MustCompile(`\{[a-z]+(?:\.[A-Za-z0-9_@$-]+)*\}`)

// testCall checks a call that the engine makes for itself: its operation is
// there, its arguments are the operation's and complete, and every word in
// them is one that stands for something there. A word that ends in a dot
// stands for all that begin with it.
func testCall(t reporter, app *bindings.App, what string, call bindings.Call, words ...string) *bindings.Operation {
	op, found := app.Operation(call.Operation)
	if !found {
		t.Errorf("%s: there is no operation %q", what, call.Operation)
		return nil
	}
	fields, free := arguments(app.CatalogueOf(op), op)
	for _, name := range sortedKeys(call.Args) {
		if find(fields, name) == nil && !free {
			t.Errorf("%s: %s has no argument %q", what, op.Name, name)
		}
	}
	for _, field := range fields {
		_, given := call.Args[field.Name]
		filled := field.Name == op.Account || field.Name == op.Parent || op.AccountWith[field.Name] != "" || op.Fixed[field.Name] != ""
		if field.Required && !given && !filled {
			t.Errorf("%s: %s requires %q", what, op.Name, field.Name)
		}
	}
	words = append(words, "account", "parent")
	for _, word := range wordsIn(call.Args) {
		known := slices.ContainsFunc(words, func(w string) bool {
			return w == word || strings.HasSuffix(w, ".") && strings.HasPrefix(word, w)
		})
		if !known {
			t.Errorf("%s: {%s} stands for nothing here", what, word)
		}
	}
	return op
}

// wordsIn lists the words in all texts of a value.
func wordsIn(v any) (words []string) {
	switch v := v.(type) {
	case string:
		for _, word := range wordInCall.FindAllString(v, -1) {
			words = append(words, strings.Trim(word, "{}"))
		}
	case []any:
		for _, inner := range v {
			words = append(words, wordsIn(inner)...)
		}
	case map[string]any:
		for _, name := range sortedKeys(v) {
			words = append(words, wordsIn(v[name])...)
		}
	}
	return words
}

// testOf checks what something is done for, and gives the type of its items.
func testOf(t reporter, app *bindings.App, what string, of *bindings.ForEach, words ...string) {
	if of == nil {
		return
	}
	if of.ForEach != nil {
		words = append(words, "of.")
	}
	testOf(t, app, what, of.ForEach)
	testItems(t, app, what, of, of.List, words)
	for _, way := range sortedKeys(of.ListByAuth) {
		if !slices.ContainsFunc(app.Auth, func(a bindings.Auth) bool { return a.Name == way }) {
			t.Errorf("%s: there is no way to authorise called %q", what, way)
		}
		testItems(t, app, what, of, of.ListByAuth[way], words)
	}
}

func testItems(t reporter, app *bindings.App, what string, of *bindings.ForEach, list bindings.Call, words []string) {
	op := testCall(t, app, what, list, words...)
	if op == nil {
		return
	}
	if op.Pages == nil || !op.ReadOnly() {
		t.Errorf("%s: %s is no list that can be walked", what, op.Name)
		return
	}
	if of.ID == "" {
		t.Errorf("%s: nothing tells the items of %s from one another", what, op.Name)
	}
	testLeads(t, app, what, listed(app.CatalogueOf(op), op), of.ID)
}

// listed is the type of an item of a list, nil where the documents are silent.
func listed(c *bindings.Catalogue, op *bindings.Operation) *bindings.Type {
	if op.Pages == nil {
		return nil
	}
	items, known, err := leads(c, op.Answer, op.Pages.Items)
	if err != nil || !known || items.Kind != bindings.List {
		return nil
	}
	return items.Items
}

func testLeads(t reporter, app *bindings.App, what string, in *bindings.Type, path string) {
	if in == nil || path == "" {
		return
	}
	if _, _, err := leads(app.Catalogue, in, path); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}
