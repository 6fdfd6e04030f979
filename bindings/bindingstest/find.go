package bindingstest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// testFind checks how the calls of an operation are found: that its key is one of
// its arguments, that the reads can be made, and the paths in what they answer.
// Catalogue.Check checks what needs no types.
func testFind(t reporter, app *bindings.App, o *bindings.Operation) {
	fields, open := arguments(app.CatalogueOf(o), o)
	isArgument := func(path string) bool {
		name, _, _ := strings.Cut(path, ".")
		return open || find(fields, name) != nil
	}
	testOwnKey(t, app, o, isArgument)
	for i := range o.Find {
		f := &o.Find[i]
		what := fmt.Sprintf("%s: find.%d", o.Name, i)
		for _, name := range append(slices.Clone(f.With), f.Without...) {
			if !isArgument(name) {
				t.Errorf("%s: %q is none of its arguments", what, name)
			}
		}
		for _, word := range findWords(f) {
			if path, found := strings.CutPrefix(word, "args."); found && !isArgument(path) {
				t.Errorf("%s: {%s}: %q is none of its arguments", what, word, path)
			}
		}
		testFindRead(t, app, o, f, what)
	}
}

func testOwnKey(t reporter, app *bindings.App, o *bindings.Operation, isArgument func(path string) bool) {
	if o.OwnKey == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(o.OwnKey.Args)) {
		if !isArgument(name) {
			t.Errorf("%s: own_key: %q is none of its arguments", o.Name, name)
		}
	}
	for _, auth := range o.OwnKey.Auths {
		if !slices.ContainsFunc(app.Auth, func(a bindings.Auth) bool { return a.Name == auth }) {
			t.Errorf("%s: own_key: there is no way to authorise called %q", o.Name, auth)
		}
	}
}

// findWords returns the words of a Find.
func findWords(f *bindings.Find) []string {
	words := append(bindings.Placeholders(f.Args), bindings.Placeholders(f.Answer)...)
	for _, path := range slices.Sorted(maps.Keys(f.Match)) {
		words = append(words, bindings.Placeholders(f.Match[path])...)
	}
	return words
}

// testFindRead checks the read of a Find, and the paths in its records.
func testFindRead(t reporter, app *bindings.App, o *bindings.Operation, f *bindings.Find, what string) {
	c := app.CatalogueOf(o)
	call := bindings.Call{Operation: c.Qualify(f.Operation), Args: maps.Clone(f.Args)}
	if reads, found := c.Operation(call.Operation); found && reads.Pages != nil { // these are set for each page
		if call.Args == nil {
			call.Args = map[string]any{}
		}
		for _, name := range []string{reads.Pages.SizeParam, reads.Pages.Page, reads.Pages.Offset} {
			if name != "" {
				call.Args[name] = 1
			}
		}
	}
	op := testCall(t, app, what, call, "args.", "key", "since", "since.s", "since.ms")
	if op == nil {
		return
	}
	record, err := foundType(c, op, f)
	if err != nil {
		t.Errorf("%s: items: %v", what, err)
	}
	paths := slices.Sorted(maps.Keys(f.Match))
	if f.Created != "" {
		paths = append(paths, f.Created)
	}
	for _, word := range bindings.Placeholders(f.Answer) {
		if path, found := strings.CutPrefix(word, "found."); found {
			paths = append(paths, path)
		}
	}
	for _, path := range paths {
		if record == nil {
			break
		}
		if _, _, err := typeAt(c, record, path); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	testFindAnswer(t, c, o, f, what)
}

// testFindAnswer checks that the answer that is made is one of the operation.
func testFindAnswer(t reporter, c *bindings.Catalogue, o *bindings.Operation, f *bindings.Find, what string) {
	answer, isTable := f.Answer.(map[string]any)
	if _, d := c.Resolve(o.Answer); d != nil && isTable && !d.Open {
		for _, name := range slices.Sorted(maps.Keys(answer)) {
			if find(d.Fields, name) == nil {
				t.Errorf("%s: answer: #%s has no field %q", what, d.Name, name)
			}
		}
	}
}

// foundType returns the type of the records that a Find reads, nil if it is not
// declared.
func foundType(c *bindings.Catalogue, op *bindings.Operation, f *bindings.Find) (*bindings.Type, error) {
	switch {
	case op.Pages != nil:
		return itemType(c, op), nil
	case f.Items == "":
		return op.Answer, nil
	}
	list, known, err := typeAt(c, op.Answer, f.Items)
	if err != nil || !known || list.Kind != bindings.List {
		return nil, err
	}
	return list.Items, nil
}
