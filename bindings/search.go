package bindings

import (
	"cmp"
	"slices"
	"strings"
)

// Found is an operation or a trigger that a search found: its app, and its
// name as scripts write it.
type Found struct {
	App       *App
	Operation *Operation // nil: a trigger
	Trigger   *Trigger   // nil: an operation
	score     int
}

// Name is the whole name: "highlevel.contacts.create_task",
// "highlevel.v3.contacts.create_task".
func (f Found) Name() string {
	if f.Operation != nil {
		return f.App.Name + "." + f.Operation.Name
	}
	return f.Trigger.Name
}

// Search finds the operations and triggers of apps by words, in any order and
// of any case, the best first. A word fits where a word of the name begins
// with it, less well where it stands anywhere in the name, the vendor's id or
// the path; all words must fit.
func Search(apps []*App, query string) []Found {
	words := sortedWords(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`,;:!?/"'`, r) {
			return ' '
		}
		return r
	}, query))
	var found []Found
	for _, app := range apps {
		for _, name := range app.Operations() {
			op, _ := app.Operation(name)
			if n := fit(words, app.Name+"."+name, op.ID+" "+op.Path+" "+app.Title); n > 0 {
				found = append(found, Found{App: app, Operation: op, score: n})
			}
		}
		for _, name := range app.Catalogue.Triggers() {
			t, _ := app.Catalogue.Trigger(name)
			if n := fit(words, name, t.Vendor+" "+app.Title); n > 0 {
				found = append(found, Found{App: app, Trigger: t, score: n})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Found) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(len(a.Name()), len(b.Name())), strings.Compare(a.Name(), b.Name()))
	})
	return found
}

// fit scores the words of a query against a name and what is said beside it;
// zero: one does not fit.
func fit(words []string, name, beside string) int {
	parts := sortedWords(name)
	name, beside = strings.ToLower(name), strings.ToLower(beside)
	score := 0
	for _, word := range words {
		begins := func(part string) bool { return strings.HasPrefix(part, word) || strings.TrimSuffix(word, "s") == part }
		switch {
		case slices.Contains(parts, word):
			score += 8
		case slices.ContainsFunc(parts, begins):
			score += 6
		case strings.Contains(name, word):
			score += 3
		case strings.Contains(beside, word):
			score++
		default:
			return 0
		}
	}
	return score
}
