package bindings_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

func TestNearest(t *testing.T) {
	contacts := []string{"create", "create_task", "delete", "get", "list", "update", "upsert", "upsert_tags"}
	fields := []string{"companyName", "contactId", "email", "filter[email]", "locationId", "phone"}
	tests := []struct {
		name       string
		candidates []string
		want       string
	}{
		{"upsret", contacts, "upsert"}, // two letters swapped
		{"upser", contacts, "upsert"},  // a letter is missing
		{"creat_task", contacts, "create_task"},
		{"task_create", contacts, "create_task"},
		{"createTask", contacts, "create_task"},
		{"contactID", fields, "contactId"},
		{"contact_id", fields, "contactId"},
		{"e-mail", fields, "email"},
		{"filter_email", fields, "filter[email]"},
		{"invoice", contacts, ""},
		{"x", contacts, ""},
		{"", contacts, ""},
		{"__", contacts, ""},
		{"email", nil, ""},
	}
	for _, test := range tests {
		if got := bindings.Nearest(test.name, test.candidates); got != test.want {
			t.Errorf("Nearest(%q) = %q, want %q", test.name, got, test.want)
		}
	}
}

func FuzzNearest(f *testing.F) {
	f.Add("contactID", "contactId")
	f.Fuzz(func(t *testing.T, name, candidate string) {
		got := bindings.Nearest(name, []string{candidate, "other"})
		if got != "" && got != candidate && got != "other" {
			t.Fatalf("Nearest gave %q, which is no candidate", got)
		}
	})
}
