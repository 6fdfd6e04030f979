package bindings_test

import (
	"slices"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

func TestSearch(t *testing.T) {
	catalogue, err := bindings.ParseCatalogue([]byte(`operation contacts.create {"id":"create-contact","method":"POST","path":"/contacts/"}
operation contacts.create_task {"id":"create-task","method":"POST","path":"/contacts/{contactId}/tasks"}
operation contacts.tasks {"id":"get-all-tasks","method":"GET","path":"/contacts/{contactId}/tasks"}
operation invoices.send {"id":"send-invoice","method":"POST","path":"/invoices/{id}/send"}
trigger crm.task.created {"vendor":"TaskCreate"}
`))
	if err != nil {
		t.Fatal(err)
	}
	apps := []*bindings.App{{Name: "crm", Title: "Customer Base", Catalogue: catalogue}}
	for query, want := range map[string][]string{
		"create task":   {"crm.task.created", "crm.contacts.create_task"},
		"Tasks, create": {"crm.contacts.create_task", "crm.task.created"},
		"createTask":    {"crm.task.created", "crm.contacts.create_task"},
		"TaskCreate":    {"crm.task.created", "crm.contacts.create_task"},
		"base send":     {"crm.invoices.send"},
		"invo":          {"crm.invoices.send"},
		"":              nil,
		"salary":        nil,
		"send salary":   nil,
	} {
		var names []string
		for _, f := range bindings.Search(apps, query) {
			names = append(names, f.Name())
		}
		slices.Sort(names)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			t.Errorf("%q found %v, want %v", query, names, want)
		}
	}
	if best := bindings.Search(apps, "create task")[0].Name(); best != "crm.contacts.create_task" {
		t.Errorf("the best for %q is %s", "create task", best)
	}
}
