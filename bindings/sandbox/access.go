package sandbox

import (
	"net/http"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// What the functions of an app's rules may do to its records. The app's lock
// is held while they run. A resource is named by the words of its path:
// "contacts/tasks".

// Get gives the record of an id, nil where there is none.
func (a *App) Get(resource, id string) *Record { return a.store.get(resource, id) }

// All gives the records under all of links, in the order in which they were
// made; nil links: all of the resource.
func (a *App) All(resource string, links map[string]string) []*Record {
	return a.store.all(resource, links)
}

// Same gives the record that counts as the one with these fields, as
// Rules.Unique says; nil where there is none.
func (a *App) Same(resource string, fields Object) *Record {
	found, _ := a.store.same(resource, fields)
	return found
}

// Make stores a new record under links. An empty id is made.
func (a *App) Make(resource, id string, fields Object, links map[string]string) *Record {
	return a.make(a.model.resource(resource), id, fields, links, nil)
}

// Save stores a record as it is.
func (a *App) Save(resource string, r *Record) { a.store.put(resource, r) }

// Seed stores a record whose fields have its id, or changes the one that is
// there.
func (a *App) Seed(resource string, fields Object) *Record { return a.seed(resource, fields) }

// Alter merges fields into a record; null removes a field. It gives the
// changes that webhooks report.
func (a *App) Alter(resource string, r *Record, fields Object) []Change {
	return a.alter(a.model.resource(resource), r, fields)
}

// Remove removes a record with all that is under it.
func (a *App) Remove(resource string, r *Record) { a.store.remove(resource, r) }

// Drop removes a record, or marks it as Rules.KeepDeleted does.
func (a *App) Drop(resource string, r *Record) { a.drop(a.model.resource(resource), r) }

// Collections are the names of the resources that have or had records, sorted.
func (a *App) Collections() []string { return sorted(a.store.collections) }

// References are the fields in which records of a resource name other
// records, as the catalogue declares them.
func (a *App) References(resource string) []string {
	var all []string
	for _, t := range a.model.resource(resource).records {
		for _, f := range t.fields() {
			if t.refers(&f.Type) {
				all = append(all, f.Name)
			}
		}
	}
	return all
}

// refers reports whether a type is that of a record, or of a list of them.
func (c types) refers(t *bindings.Type) bool {
	resolved, _ := c.Resolve(t)
	if resolved.Kind == bindings.List {
		return c.refers(resolved.Items)
	}
	return c.hasID(t)
}

// Default gives fields the values of others that they lack.
func Default(fields, others Object) {
	for name, v := range others {
		if fields[name] == nil {
			fields[name] = Clone(v)
		}
	}
}

// Time is the sandbox's time.
func (a *App) Time() time.Time { return a.sandbox.now() }

// Moment gives a time in Unix milliseconds that no record has: now, or a
// little later.
func (a *App) Moment() int64 { return a.store.moment(a.sandbox.now()) }

// Version counts the changes of records.
func (a *App) Version() int64 { return a.store.version }

// Known reports whether a token for the records at a version is still
// accepted: Sandbox.Forget ends all that were given before.
func (a *App) Known(version int64) bool {
	return version >= a.forgotten && version <= a.store.version
}

// URL is the base URL of the app in the sandbox.
func (a *App) URL() string { return a.sandbox.URL(a.Def.Name) }

// PageSize is how many records a page has where a request names no number.
func (a *App) PageSize() int { return a.rules.PageSize }

// Authorized reports whether a request has an access token of the app.
func (a *App) Authorized(h *http.Request) bool {
	_, failed := a.authorize(h)
	return failed == nil
}
