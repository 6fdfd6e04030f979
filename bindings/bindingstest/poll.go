package bindingstest

import (
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// testPolls checks that every poll can be made and tells what it says.
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
		testOf(t, app, what+": of", p.ForEach, "since", "since.ms")
		testPollList(t, app, what, p)
		testPollTriggers(t, app, what, p)
	}
}

// testPollList follows the list: its call, and the paths in its items.
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
		t.Errorf("%s: %s is no list that can be walked", what, op.Name)
		return
	}
	item := listed(app.CatalogueOf(op), op)
	if p.Record == "" {
		t.Errorf("%s: Record is empty: by what is a record known?", what)
	}
	for _, path := range append([]string{p.Record, p.Updated, p.Created, p.Series}, sortedKeys(p.Deleted)...) {
		testLeads(t, app, what, item, path)
	}
	for _, field := range sortedKeys(p.Data) {
		switch path := p.Data[field]; {
		case path == ".", strings.HasPrefix(path, "{"):
		case strings.HasPrefix(path, "of."):
			if p.ForEach == nil {
				t.Errorf("%s: data %q: there is no item that the list is made for", what, field)
			}
		default:
			testLeads(t, app, what+": data", item, path)
		}
	}
	testPollAdds(t, app, what, p)
	if p.NewestFirst && p.Updated == "" {
		t.Errorf("%s: a list that begins with what changed last needs Updated", what)
	}
	if s := p.Sync; s != nil {
		testSync(t, app, what, op, item, s)
	}
}

// testPollAdds follows what events get of the items that lists are made for.
func testPollAdds(t reporter, app *bindings.App, what string, p *bindings.Poll) {
	for _, field := range sortedKeys(p.Adds) {
		of, path := p.ForEach, p.Adds[field]
		for of != nil && strings.HasPrefix(path, "of.") {
			of, path = of.ForEach, strings.TrimPrefix(path, "of.")
		}
		if of == nil {
			t.Errorf("%s: adds %q: there is no item that the list is made for", what, field)
			continue
		}
		if op, found := app.Operation(of.List.Operation); found {
			testLeads(t, app, what+": adds", listed(app.CatalogueOf(op), op), path)
		}
	}
	if p.PerItem && p.ForEach == nil {
		t.Errorf("%s: PerItem, and the list is made for no item", what)
	}
}

func testSync(t reporter, app *bindings.App, what string, op *bindings.Operation, item *bindings.Type, s *bindings.Sync) {
	fields, free := arguments(app.CatalogueOf(op), op)
	for _, name := range append([]string{s.Param}, s.Without...) {
		if find(fields, name) == nil && !free && name != op.Pages.URL {
			t.Errorf("%s: %s has no argument %q", what, op.Name, name)
		}
	}
	if s.Param == "" || s.Answer == "" {
		t.Errorf("%s: a token needs Param and Answer", what)
	}
	if _, d := app.CatalogueOf(op).Resolve(op.Answer); d == nil || find(d.Fields, s.Answer) == nil {
		testLeads(t, app, what, op.Answer, s.Answer)
	}
	for _, path := range sortedKeys(s.Deleted) {
		testLeads(t, app, what, item, path)
	}
	for _, status := range s.Expired {
		if status < 400 || status > 499 {
			t.Errorf("%s: status %d refuses no token", what, status)
		}
	}
	switch {
	case s.Feed && s.Complete:
		t.Errorf("%s: a feed lists changes and no records, so that it cannot be Complete", what)
	case !s.Feed:
	case app.Webhook == nil:
		t.Errorf("%s: a feed is read as webhooks are, and the app sends none", what)
	default:
		testPatterns(t, app, what, s.Triggers)
	}
}

// testPollTriggers wants triggers that are there, and what tells changes of
// webhook and list to be the same in both.
func testPollTriggers(t reporter, app *bindings.App, what string, p *bindings.Poll) {
	if len(p.Triggers()) == 0 {
		t.Errorf("%s: it tells nothing", what)
	}
	feed := p.Sync != nil && p.Sync.Feed
	if feed {
		return
	}
	threads := map[string]bool{}
	pushed := false
	for _, name := range p.Triggers() {
		trigger, found := app.Catalogue.Trigger(name)
		if !found {
			t.Errorf("%s: there is no trigger %q", what, name)
			continue
		}
		if threads[name] && name != p.OnUpdated {
			t.Errorf("%s: %s stands twice", what, name)
		}
		threads[name] = true
		pushed = pushed || trigger.Vendor != ""
	}
	if pushed && !p.PerItem && len(p.Compare) == 0 {
		t.Errorf("%s: webhooks tell of its records too, and Same does not say what they and the list have alike", what)
	}
	if p.Window != (bindings.Window{}) && p.OnDeleted != "" {
		t.Errorf("%s: what leaves the window is not gone, so that OnDeleted cannot be told", what)
	}
	if (p.Window != (bindings.Window{}) || changedOnly(p)) && p.Created == "" {
		t.Errorf("%s: not everything is listed, so that Created must say what is new", what)
	}
	for _, facet := range p.Facets {
		if len(facet.Compare) == 0 {
			t.Errorf("%s: %s: Same is empty", what, facet.Trigger)
		}
	}
	testSame(t, app, what, p)
}

// testSame follows the paths that are compared, in what webhooks bring and in
// what the list shows.
func testSame(t reporter, app *bindings.App, what string, p *bindings.Poll) {
	var item *bindings.Type
	if op, found := app.Operation(p.List.Operation); found {
		item = listed(app.CatalogueOf(op), op)
	}
	check := func(trigger string, paths []string) {
		told, found := app.Catalogue.Trigger(trigger)
		for _, path := range paths {
			if found {
				testLeads(t, app, what+": same: "+trigger, told.Data, path)
			}
			testShown(t, app, what+": same", p, item, path)
		}
	}
	for _, name := range []string{p.OnCreated, p.OnUpdated} {
		if name != "" {
			check(name, p.Compare)
		}
	}
	for _, facet := range p.Facets {
		check(facet.Trigger, append(slices.Clone(facet.Compare), sortedKeys(facet.When)...))
	}
}

// testShown follows a path of event.data into the item of the list.
func testShown(t reporter, app *bindings.App, what string, p *bindings.Poll, item *bindings.Type, path string) {
	if len(p.Data) == 0 {
		if name, _, _ := strings.Cut(path, "."); p.Adds[name] == "" {
			testLeads(t, app, what, item, path)
		}
		return
	}
	for _, field := range sortedKeys(p.Data) {
		rest, below := strings.CutPrefix(path, field+".")
		switch from := p.Data[field]; {
		case path == field && from != ".":
			return // the path of its value is checked by itself
		case below && from == ".":
			testLeads(t, app, what, item, rest)
			return
		case below:
			return
		}
	}
	t.Errorf("%s: event.data has nothing at %q", what, path)
}

// changedOnly reports whether only the items that changed are looked at.
func changedOnly(p *bindings.Poll) bool {
	return p.ForEach != nil && slices.ContainsFunc(wordsIn(p.ForEach.List.Args), func(w string) bool { return w == "since" || w == "since.ms" })
}
