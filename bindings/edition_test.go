package bindings_test

import (
	"slices"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

func editions(t *testing.T) *bindings.App {
	t.Helper()
	own, err := bindings.ParseCatalogue([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	v2, err := bindings.ParseEdition("v2", []byte(`operation contacts.get {"id":"get","method":"GET","path":"/contacts/{id}","in_path":["id!: string"],"answer":"#Answer"}
operation boards.list {"id":"boards","method":"GET","path":"/boards"}
type Answer {"fields":["contact: any"]}`))
	if err != nil {
		t.Fatal(err)
	}
	return &bindings.App{Name: "app", Title: "App", Catalogue: own, Editions: []bindings.Edition{v2}}
}

func TestEditions(t *testing.T) {
	app := editions(t)
	if got := app.Modules(); !slices.Equal(got, []string{"app", "app.v2"}) {
		t.Errorf("modules %q", got)
	}
	if got, want := app.Operations(), []string{"contacts.create", "contacts.get", "tags.list", "v2.boards.list", "v2.contacts.get"}; !slices.Equal(got, want) {
		t.Errorf("operations %q, expected %q", got, want)
	}
	own, _ := app.Operation("contacts.get")
	newer, found := app.Operation("v2.contacts.get")
	if !found || newer == own || newer.Name != "v2.contacts.get" {
		t.Errorf("v2.contacts.get is %+v, %v", newer, found)
	}
	if _, found := app.Operation("v3.contacts.get"); found {
		t.Error("an edition that is not there is found")
	}
	// The app and the edition have different types with the same name.
	for _, test := range []struct {
		op   *bindings.Operation
		want string
	}{{own, "name"}, {newer, "contact"}} {
		if _, d := app.CatalogueOf(test.op).Resolve(test.op.Answer); d == nil || d.Fields[0].Name != test.want {
			t.Errorf("%s answers %+v, expected the field %q", test.op.Name, d, test.want)
		}
	}
	c, found := app.Module("app.v2")
	if !found || c.Edition() != "v2" || !slices.Equal(c.Groups(), []string{"boards", "contacts"}) || !slices.Equal(c.Group("boards"), []string{"list"}) {
		t.Errorf("app.v2: %v, edition %q, groups %q", found, c.Edition(), c.Groups())
	}
	if o, found := c.InGroup("contacts", "get"); !found || o != newer {
		t.Errorf("get in contacts is %+v", o)
	}
	if c, found := app.Module("app"); !found || c != app.Catalogue || c.Edition() != "" {
		t.Error("the app's own module is not its catalogue")
	}
	if _, found := app.Module("app.v3"); found {
		t.Error("app.v3 is found")
	}
	// An operation that is in no catalogue uses the app's own types.
	if app.CatalogueOf(&bindings.Operation{}) != app.Catalogue {
		t.Error("a foreign operation has no catalogue")
	}
}

func TestSearchEditions(t *testing.T) {
	found := bindings.Search([]*bindings.App{editions(t)}, "contact get")
	var names []string
	for _, f := range found {
		names = append(names, f.Name())
	}
	if !slices.Equal(names, []string{"app.contacts.get", "app.v2.contacts.get"}) {
		t.Errorf("found %q", names)
	}
}
