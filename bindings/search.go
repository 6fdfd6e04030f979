package bindings

import (
	"cmp"
	"slices"
	"strings"
)

// SearchResult is an operation or a trigger that a search found.
type SearchResult struct {
	App       *App
	Operation *Operation // nil if a trigger was found
	Trigger   *Trigger   // nil if an operation was found
	score     int
}

// Name returns the whole name as scripts write it:
// "highlevel.contacts.create_task", "highlevel.v3.contacts.create_task".
func (f SearchResult) Name() string {
	if f.Operation != nil {
		return f.App.Name + "." + f.Operation.Name
	}
	return f.Trigger.Name
}

// Search finds the operations and triggers of apps by words, in any order and
// case, and returns the best match first. Every word of the query must match. A
// word matches best if a word of the name is equal to it or begins with it, and
// less well if it is elsewhere in the name, in the vendor's id or in the path.
func Search(apps []*App, query string) []SearchResult {
	words := sortedWords(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`,;:!?/"'`, r) {
			return ' '
		}
		return r
	}, query))
	var found []SearchResult
	for _, app := range apps {
		for _, name := range app.Operations() {
			op, _ := app.Operation(name)
			if n := score(words, app.Name+"."+name, op.ID+" "+op.Path+" "+app.Title); n > 0 {
				found = append(found, SearchResult{App: app, Operation: op, score: n})
			}
		}
		for _, name := range app.Catalogue.Triggers() {
			t, _ := app.Catalogue.Trigger(name)
			if n := score(words, name, t.Vendor+" "+app.Title); n > 0 {
				found = append(found, SearchResult{App: app, Trigger: t, score: n})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b SearchResult) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(len(a.Name()), len(b.Name())), strings.Compare(a.Name(), b.Name()))
	})
	return found
}

// score returns how well the words of a query match a name and the text about
// it; zero if one of them does not match.
func score(words []string, name, about string) int {
	parts := sortedWords(name)
	name, about = strings.ToLower(name), strings.ToLower(about)
	total := 0
	for _, word := range words {
		begins := func(part string) bool { return strings.HasPrefix(part, word) || strings.TrimSuffix(word, "s") == part }
		switch {
		case slices.Contains(parts, word):
			total += 8
		case slices.ContainsFunc(parts, begins):
			total += 6
		case strings.Contains(name, word):
			total += 3
		case strings.Contains(about, word):
			total++
		default:
			return 0
		}
	}
	return total
}
