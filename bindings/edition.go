package bindings

import "strings"

// Edition is a further version of an app's API with a catalogue of its own:
// require "highlevel.v3". It shares all else with the app: connections,
// accounts, limits and triggers. Its operations carry its name, in errors,
// journals and logs too: "v3.contacts.upsert".
type Edition struct {
	Name      string
	Catalogue *Catalogue
}

// ParseEdition reads the catalogue of an edition. The text names operations
// as that of an app does, without the edition.
func ParseEdition(name string, text []byte) (Edition, error) {
	c, err := parseCatalogue(name+".", text)
	return Edition{name, c}, err
}

// Catalogues are the app's own catalogue and those of its editions, without
// the ones that are nil.
func (a *App) Catalogues() []*Catalogue {
	all := make([]*Catalogue, 0, 1+len(a.Editions))
	if a.Catalogue != nil {
		all = append(all, a.Catalogue)
	}
	for _, e := range a.Editions {
		if e.Catalogue != nil {
			all = append(all, e.Catalogue)
		}
	}
	return all
}

// Modules are what scripts can require of the app: its name, and that of each
// edition behind it.
func (a *App) Modules() []string {
	all := []string{a.Name}
	for _, e := range a.Editions {
		all = append(all, a.Name+"."+e.Name)
	}
	return all
}

// Module gives the catalogue that a name given to require stands for.
func (a *App) Module(name string) (*Catalogue, bool) {
	if name == a.Name {
		return a.Catalogue, true
	}
	for _, e := range a.Editions {
		if name == a.Name+"."+e.Name {
			return e.Catalogue, true
		}
	}
	return nil, false
}

// Operations are the names of all operations, those of each edition behind
// the app's own.
func (a *App) Operations() []string {
	var all []string
	for _, c := range a.Catalogues() {
		all = append(all, c.Operations()...)
	}
	return all
}

// Operation finds an operation of the app or of one of its editions by its
// name behind the app's: "contacts.upsert", "v3.contacts.upsert".
func (a *App) Operation(name string) (*Operation, bool) {
	for _, c := range a.Catalogues() {
		if o, found := c.Operation(name); found {
			return o, true
		}
	}
	return nil, false
}

// CatalogueOf gives the catalogue whose types an operation refers to: the one
// that it was found in, else the app's own.
func (a *App) CatalogueOf(o *Operation) *Catalogue {
	if o != nil && o.catalogue != nil {
		return o.catalogue
	}
	return a.Catalogue
}

// Named puts the edition before a name: "request" is "v3.request".
func (c *Catalogue) Named(name string) string { return c.prefix + name }

// In finds an operation of a group by its name within the group.
func (c *Catalogue) In(group, name string) (*Operation, bool) {
	return c.Operation(c.Named(group + "." + name))
}

// Edition is the name of the edition whose catalogue this is, empty for the
// app's own.
func (c *Catalogue) Edition() string { return strings.TrimSuffix(c.prefix, ".") }
