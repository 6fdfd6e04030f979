package all_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
)

func TestApps(t *testing.T) {
	var names []string
	for _, app := range all.Apps() {
		names = append(names, app.Name)
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("apps %q: expected each once, sorted", names)
	}
	for _, name := range []string{"highlevel", "qonto", "slack"} {
		if !slices.Contains(names, name) {
			t.Errorf("there is no app %s", name)
		}
	}
}

// TestDocumentedNames checks that names of the documentation and of the templates
// exist.
func TestDocumentedNames(t *testing.T) {
	apps := map[string]*bindings.App{}
	for _, app := range all.Apps() {
		apps[app.Name] = app
	}
	for _, name := range []string{
		"highlevel.contacts.upsert", "highlevel.contacts.get", "highlevel.contacts.create_task", "highlevel.contacts.create_note",
		"highlevel.conversations.send_message", "highlevel.calendars.get_appointment", "highlevel.calendars.create_appointment",
		"highlevel.opportunities.search", "qonto.clients.get", "slack.chat.post_message",
	} {
		app, operation, _ := strings.Cut(name, ".")
		if _, found := apps[app].Catalogue.Operation(operation); !found {
			t.Errorf("there is no %s", name)
		}
	}
	for _, name := range []string{
		"highlevel.contact.created", "highlevel.note.created", "highlevel.appointment.created", "highlevel.task.completed",
		"highlevel.message.received", "highlevel.invoice.paid", "highlevel.opportunity.stage_updated",
		"highlevel.app.installed", "highlevel.app.uninstalled", "qonto.client.created", "qonto.client.updated",
	} {
		app := bindings.TriggerName(name).App()
		if _, found := apps[app].Catalogue.Trigger(name); !found {
			t.Errorf("there is no trigger %s", name)
		}
	}
}
