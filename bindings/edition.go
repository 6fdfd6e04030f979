package bindings

import "strings"

// Edition is a further version of an app's API with a catalogue of its own:
// require "highlevel.v3". Everything else is the app's: connections, accounts,
// limits and triggers. The names of its operations begin with its own, also in
// errors, in the journal and in logs: "v3.contacts.upsert".
type Edition struct {
	Name      string
	Catalogue *Catalogue
}

// ParseEdition reads the catalogue of an edition. In the text the names of
// operations are without the edition.
func ParseEdition(name string, text []byte) (Edition, error) {
	c, err := parseCatalogue(name+".", text)
	return Edition{name, c}, err
}

// Catalogues returns the app's own catalogue and those of its editions, without
// those that are nil.
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

// Modules returns the names that scripts can require: that of the app, then
// that of each edition.
func (a *App) Modules() []string {
	all := []string{a.Name}
	for _, e := range a.Editions {
		all = append(all, a.Name+"."+e.Name)
	}
	return all
}

// Module returns the catalogue for an argument of require.
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

// Operations returns the names of all operations: the app's own, then those of
// each edition.
func (a *App) Operations() []string {
	var all []string
	for _, c := range a.Catalogues() {
		all = append(all, c.Operations()...)
	}
	return all
}

// Operation finds an operation of the app or of one of its editions by its
// name without the app's: "contacts.upsert", "v3.contacts.upsert".
func (a *App) Operation(name string) (*Operation, bool) {
	for _, c := range a.Catalogues() {
		if o, found := c.Operation(name); found {
			return o, true
		}
	}
	return nil, false
}

// CatalogueOf returns the catalogue with the types that an operation uses: the
// one that it was found in, or else the app's own.
func (a *App) CatalogueOf(o *Operation) *Catalogue {
	if o != nil && o.catalogue != nil {
		return o.catalogue
	}
	return a.Catalogue
}

// Qualify returns a name with the edition before it: of "request" "v3.request".
func (c *Catalogue) Qualify(name string) string { return c.prefix + name }

// InGroup finds an operation by its group and its name in the group.
func (c *Catalogue) InGroup(group, name string) (*Operation, bool) {
	return c.Operation(c.Qualify(group + "." + name))
}

// Edition returns the name of the edition that the catalogue belongs to, empty
// for the app's own.
func (c *Catalogue) Edition() string { return strings.TrimSuffix(c.prefix, ".") }
