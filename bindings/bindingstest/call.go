package bindingstest

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// testCall checks a call that the engine makes by itself: its operation exists,
// its arguments are those of the operation and complete, and every word in them
// has a value. words are the words with a value; one that ends in a dot matches
// all that begin with it.
func testCall(t reporter, app *bindings.App, what string, call bindings.Call, words ...string) *bindings.Operation {
	op, found := app.Operation(call.Operation)
	if !found {
		t.Errorf("%s: there is no operation %q", what, call.Operation)
		return nil
	}
	fields, open := arguments(app.CatalogueOf(op), op)
	for _, name := range slices.Sorted(maps.Keys(call.Args)) {
		if find(fields, name) == nil && !open {
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
	for _, word := range bindings.Placeholders(call.Args) {
		known := slices.ContainsFunc(words, func(w string) bool {
			return w == word || strings.HasSuffix(w, ".") && strings.HasPrefix(word, w)
		})
		if !known {
			t.Errorf("%s: {%s} has no value here", what, word)
		}
	}
	return op
}

// testForEach checks the lists of a ForEach.
func testForEach(t reporter, app *bindings.App, what string, each *bindings.ForEach, words ...string) {
	if each == nil {
		return
	}
	if each.ForEach != nil {
		words = append(words, "of.")
	}
	testForEach(t, app, what, each.ForEach)
	testItems(t, app, what, each, each.List, words)
	for _, way := range slices.Sorted(maps.Keys(each.ListByAuth)) {
		if !slices.ContainsFunc(app.Auth, func(a bindings.Auth) bool { return a.Name == way }) {
			t.Errorf("%s: there is no way to authorise called %q", what, way)
		}
		testItems(t, app, what, each, each.ListByAuth[way], words)
	}
}

func testItems(t reporter, app *bindings.App, what string, each *bindings.ForEach, list bindings.Call, words []string) {
	op := testCall(t, app, what, list, words...)
	if op == nil {
		return
	}
	if op.Pages == nil || !op.ReadOnly() {
		t.Errorf("%s: %s is no list with pages", what, op.Name)
		return
	}
	if each.ID == "" {
		t.Errorf("%s: the items of %s have no id", what, op.Name)
	}
	testPath(t, app, what, itemType(app.CatalogueOf(op), op), each.ID)
}

// itemType returns the type of an item of a list, nil if it is not declared.
func itemType(c *bindings.Catalogue, op *bindings.Operation) *bindings.Type {
	if op.Pages == nil {
		return nil
	}
	items, known, err := typeAt(c, op.Answer, op.Pages.Items)
	if err != nil || !known || items.Kind != bindings.List {
		return nil
	}
	return items.Items
}

// testPath checks that a type has a field at a path.
func testPath(t reporter, app *bindings.App, what string, in *bindings.Type, path string) {
	if in == nil || path == "" {
		return
	}
	if _, _, err := typeAt(app.Catalogue, in, path); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}
