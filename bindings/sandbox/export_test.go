package sandbox

import "github.com/tidewire/tidewire/bindings"

// Names for the tests, which are in a package of their own because the apps that
// they test import this one.

// Planned is what the sandbox does for an operation.
type Planned struct {
	Operation    *bindings.Operation
	Verb         Verb
	Resource, ID string
	Links        []PlannedLink
}

// PlannedLink is a parameter of the path above the record.
type PlannedLink struct {
	Param, Name string
	Parent      string // empty: none
	IDsChecked  bool   // an unknown id of the parent is refused
}

// ResetApp resets an app to the start and returns it.
func (s *Sandbox) ResetApp(app string) *App {
	a := s.apps[app]
	a.clear(s.seed)
	return a
}

// Plans are those of all operations.
func (a *App) Plans() []Planned {
	var all []Planned
	for _, p := range a.model.plans {
		one := Planned{Operation: p.op, Verb: p.verb, Resource: p.resource.name, ID: p.id}
		for _, l := range p.links {
			link := PlannedLink{Param: l.param, Name: l.name}
			if l.parent != nil {
				link.Parent, link.IDsChecked = l.parent.name, l.parent.idsChecked
			}
			one.Links = append(one.Links, link)
		}
		all = append(all, one)
	}
	return all
}

// Rules are the app's, completed.
func (a *App) Rules() *Rules { return a.rules }

// With calls do with the app's lock held.
func (a *App) With(do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	do()
}

// Empty removes all records of a resource.
func (a *App) Empty(resource string) { a.store.collections[resource] = nil }

// Check lists what is wrong with a value.
func Check(c *bindings.Catalogue, t *bindings.Type, v any) []Problem {
	return checker{c, false}.check(t, v, "answer")
}

// SpelledLike finds the field whose name differs in case and separators only.
func SpelledLike(d *bindings.Definition, name string) string {
	return spelledLike(d, name, Object{}).Name
}

// NoteHeader is set on an answer that no document describes.
const NoteHeader = noteHeader
