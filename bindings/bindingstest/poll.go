package bindingstest

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// testPolls checks that every poll can be made, and its triggers.
func testPolls(t reporter, app *bindings.App) {
	names := map[string]bool{}
	for i := range app.Polls {
		p := &app.Polls[i]
		what := "poll " + p.Name
		if p.Name == "" || names[p.Name] {
			t.Errorf("%s: expected a name of its own", what)
		}
		names[p.Name] = true
		if p.Every <= 0 {
			t.Errorf("%s: Every %v", what, p.Every)
		}
		for _, auth := range p.Auths {
			if !slices.ContainsFunc(app.Auth, func(a bindings.Auth) bool { return a.Name == auth }) {
				t.Errorf("%s: there is no way %q to authorise", what, auth)
			}
		}
		testForEach(t, app, what+": of", p.ForEach, "since", "since.ms")
		testPollList(t, app, what, p)
		testPollTriggers(t, app, what, p)
	}
}

// testPollList checks the call of the list, and the paths in its items.
func testPollList(t reporter, app *bindings.App, what string, p *bindings.Poll) {
	words := []string{"since", "since.ms"}
	if p.ForEach != nil {
		words = append(words, "of.")
	}
	if p.Window != (bindings.Window{}) {
		words = append(words, "from", "to", "from.ms", "to.ms")
	}
	op := testCall(t, app, what, p.List, words...)
	if op == nil {
		return
	}
	if op.Pages == nil || !op.ReadOnly() {
		t.Errorf("%s: %s is no list with pages", what, op.Name)
		return
	}
	item := itemType(app.CatalogueOf(op), op)
	if p.Record == "" {
		t.Errorf("%s: Record is empty: expected the path of the record's id", what)
	}
	for _, path := range append([]string{p.Record, p.Updated, p.Created, p.Series}, slices.Sorted(maps.Keys(p.Deleted))...) {
		testPath(t, app, what, item, path)
	}
	for _, field := range slices.Sorted(maps.Keys(p.Data)) {
		switch path := p.Data[field]; {
		case path == ".", strings.HasPrefix(path, "{"):
		case strings.HasPrefix(path, "of."):
			if p.ForEach == nil {
				t.Errorf("%s: data %q: the list is not read for items", what, field)
			}
		default:
			testPath(t, app, what+": data", item, path)
		}
	}
	testPollAdds(t, app, what, p)
	if p.NewestFirst && p.Updated == "" {
		t.Errorf("%s: a list with the newest first needs Updated", what)
	}
	if s := p.Sync; s != nil {
		testSync(t, app, what, op, item, s)
	}
}

// testPollAdds checks the fields that events get from items of ForEach.
func testPollAdds(t reporter, app *bindings.App, what string, p *bindings.Poll) {
	for _, field := range slices.Sorted(maps.Keys(p.Adds)) {
		each, path := p.ForEach, p.Adds[field]
		for each != nil && strings.HasPrefix(path, "of.") {
			each, path = each.ForEach, strings.TrimPrefix(path, "of.")
		}
		if each == nil {
			t.Errorf("%s: adds %q: the list is not read for items", what, field)
			continue
		}
		if op, found := app.Operation(each.List.Operation); found {
			testPath(t, app, what+": adds", itemType(app.CatalogueOf(op), op), path)
		}
	}
	if p.PerItem && p.ForEach == nil {
		t.Errorf("%s: PerItem, and the list is not read for items", what)
	}
}

func testSync(t reporter, app *bindings.App, what string, op *bindings.Operation, item *bindings.Type, s *bindings.Sync) {
	fields, open := arguments(app.CatalogueOf(op), op)
	for _, name := range append([]string{s.Param}, s.Without...) {
		if find(fields, name) == nil && !open && name != op.Pages.URL {
			t.Errorf("%s: %s has no argument %q", what, op.Name, name)
		}
	}
	if s.Param == "" || s.Answer == "" {
		t.Errorf("%s: a token needs Param and Answer", what)
	}
	if _, d := app.CatalogueOf(op).Resolve(op.Answer); d == nil || find(d.Fields, s.Answer) == nil {
		testPath(t, app, what, op.Answer, s.Answer)
	}
	for _, path := range slices.Sorted(maps.Keys(s.Deleted)) {
		testPath(t, app, what, item, path)
	}
	for _, status := range s.Expired {
		if status < 400 || status > 499 {
			t.Errorf("%s: status %d is no refusal of a token", what, status)
		}
	}
	switch {
	case s.Feed && s.Complete:
		t.Errorf("%s: a feed lists changes and not records, so it cannot be Complete", what)
	case !s.Feed:
	case app.Webhook == nil:
		t.Errorf("%s: a feed is read as webhooks are, and the app sends none", what)
	default:
		testPatterns(t, app, what, s.Triggers)
	}
}

// testPollTriggers checks that the triggers exist, and that changes of webhooks
// and of the list can be compared.
func testPollTriggers(t reporter, app *bindings.App, what string, p *bindings.Poll) {
	if len(p.Triggers()) == 0 {
		t.Errorf("%s: it has no triggers", what)
	}
	feed := p.Sync != nil && p.Sync.Feed
	if feed {
		return
	}
	seen := map[string]bool{}
	pushed := false
	for _, name := range p.Triggers() {
		trigger, found := app.Catalogue.Trigger(name)
		if !found {
			t.Errorf("%s: there is no trigger %q", what, name)
			continue
		}
		if seen[name] && name != p.OnUpdated {
			t.Errorf("%s: %s is named twice", what, name)
		}
		seen[name] = true
		pushed = pushed || trigger.Vendor != ""
	}
	if pushed && !p.PerItem && len(p.Compare) == 0 {
		t.Errorf("%s: webhooks report its records too, and Compare does not have the paths that both have", what)
	}
	if p.Window != (bindings.Window{}) && p.OnDeleted != "" {
		t.Errorf("%s: a record that leaves the window was not deleted, so there can be no OnDeleted", what)
	}
	if (p.Window != (bindings.Window{}) || changedOnly(p)) && p.Created == "" {
		t.Errorf("%s: not everything is listed, so Created is needed to find what is new", what)
	}
	for _, facet := range p.Facets {
		if len(facet.Compare) == 0 {
			t.Errorf("%s: %s: Compare is empty", what, facet.Trigger)
		}
	}
	testCompare(t, app, what, p)
}

// testCompare checks that the paths that are compared are in the data of webhooks
// and in the items of the list.
func testCompare(t reporter, app *bindings.App, what string, p *bindings.Poll) {
	var item *bindings.Type
	if op, found := app.Operation(p.List.Operation); found {
		item = itemType(app.CatalogueOf(op), op)
	}
	check := func(name string, paths []string) {
		trigger, found := app.Catalogue.Trigger(name)
		for _, path := range paths {
			if found {
				testPath(t, app, what+": compare: "+name, trigger.Data, path)
			}
			testItemPath(t, app, what+": compare", p, item, path)
		}
	}
	for _, name := range []string{p.OnCreated, p.OnUpdated} {
		if name != "" {
			check(name, p.Compare)
		}
	}
	for _, facet := range p.Facets {
		check(facet.Trigger, append(slices.Clone(facet.Compare), slices.Sorted(maps.Keys(facet.When))...))
	}
}

// testItemPath checks that the item of the list has the value of a path in
// event.data.
func testItemPath(t reporter, app *bindings.App, what string, p *bindings.Poll, item *bindings.Type, path string) {
	if len(p.Data) == 0 {
		if name, _, _ := strings.Cut(path, "."); p.Adds[name] == "" {
			testPath(t, app, what, item, path)
		}
		return
	}
	for _, field := range slices.Sorted(maps.Keys(p.Data)) {
		rest, below := strings.CutPrefix(path, field+".")
		switch from := p.Data[field]; {
		case path == field && from != ".":
			return // testPollList checks the path of its value
		case below && from == ".":
			testPath(t, app, what, item, rest)
			return
		case below:
			return
		}
	}
	t.Errorf("%s: event.data has nothing at %q", what, path)
}

// changedOnly reports whether the list is read only for items that changed.
func changedOnly(p *bindings.Poll) bool {
	return p.ForEach != nil && slices.ContainsFunc(bindings.Placeholders(p.ForEach.List.Args), func(w string) bool { return w == "since" || w == "since.ms" })
}
