package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// The methods with which the functions of an app's rules read and change its
// records. The app's lock is held while they run. A resource is named by the
// words of its path: "contacts/tasks".

// Get returns the record with an id; nil if there is none.
func (a *App) Get(resource, id string) *Record { return a.store.get(resource, id) }

// All returns the records that are under all of links, in the order of their
// creation; nil links: all of the resource.
func (a *App) All(resource string, links map[string]string) []*Record {
	return a.store.all(resource, links)
}

// Duplicate returns the record that Rules.Unique treats as the same as one with
// these fields; nil if there is none.
func (a *App) Duplicate(resource string, fields Object) *Record {
	found, _ := a.store.duplicate(resource, fields)
	return found
}

// Make stores a new record under links. With an empty id it creates one.
func (a *App) Make(resource, id string, fields Object, links map[string]string) *Record {
	return a.newRecord(a.model.resource(resource), id, fields, links, nil)
}

// Save stores a record as it is.
func (a *App) Save(resource string, r *Record) { a.store.put(resource, r) }

// Seed stores a record whose fields have its id, or changes the one with that
// id.
func (a *App) Seed(resource string, fields Object) *Record { return a.seed(resource, fields) }

// Update merges fields into a record; null removes a field. It returns the
// changes that webhooks report.
func (a *App) Update(resource string, r *Record, fields Object) []Change {
	return a.update(a.model.resource(resource), r, fields)
}

// Remove removes a record with all records under it.
func (a *App) Remove(resource string, r *Record) { a.store.remove(resource, r) }

// Delete removes a record, or marks it as deleted as Rules.SoftDelete does.
func (a *App) Delete(resource string, r *Record) { a.delete(a.model.resource(resource), r) }

// Collections are the names of the resources that have or had records, sorted.
func (a *App) Collections() []string { return slices.Sorted(maps.Keys(a.store.collections)) }

// References are the fields in which records of a resource contain other
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

// refers reports whether a type is the type of a record, or of a list of them.
func (c types) refers(t *bindings.Type) bool {
	resolved, _ := c.Resolve(t)
	if resolved.Kind == bindings.List {
		return c.refers(resolved.Items)
	}
	return c.hasID(t)
}

// SetDefaults sets the fields that are missing to the values in others.
func SetDefaults(fields, others Object) {
	for name, v := range others {
		if fields[name] == nil {
			fields[name] = Clone(v)
		}
	}
}

// Time is the sandbox's time.
func (a *App) Time() time.Time { return a.sandbox.now() }

// UniqueTime returns a time in Unix milliseconds that no record has: now, or a
// little later.
func (a *App) UniqueTime() int64 { return a.store.uniqueTime(a.sandbox.now()) }

// Version counts the changes of records.
func (a *App) Version() int64 { return a.store.version }

// SyncTokenValid reports whether a sync token for the records at a version is
// still accepted: Sandbox.InvalidateSyncTokens ends all earlier ones.
func (a *App) SyncTokenValid(version int64) bool {
	return version >= a.minSyncVersion && version <= a.store.version
}

// URL is the base URL of the app in the sandbox.
func (a *App) URL() string { return a.sandbox.URL(a.Def.Name) }

// PageSize is how many records a page has where a request names no number.
func (a *App) PageSize() int { return a.rules.PageSize }

// Authorized reports whether a request has an access token of the app.
func (a *App) Authorized(h *http.Request) bool {
	_, failed := a.authenticate(h)
	return failed == nil
}
