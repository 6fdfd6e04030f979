package main

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/source"
)

var update = flag.Bool("update", false, "write the golden files again")

// TestCatalog generates the catalogue of each file in testdata. A file has the
// documents and the app's files, and at its end the catalogue or the error.
func TestCatalog(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			head, sections := sectionsOf(t, file)
			last := &sections[len(sections)-1]
			folder := t.TempDir()
			for _, s := range sections[:len(sections)-1] {
				put(t, filepath.Join(folder, s.name), s.text)
			}
			var got string
			app, below := "highlevel", folder
			if slices.ContainsFunc(sections, func(s section) bool { return strings.HasPrefix(s.name, "v3/") }) {
				app, below = "highlevel.v3", filepath.Join(folder, "v3")
			}
			switch err := run([]string{"-app", app, "-documents", folder, "-folder", below}, io.Discard); last.name {
			case "error.txt":
				if err == nil {
					t.Fatalf("no error, expected %s", last.text)
				}
				got = strings.ReplaceAll(err.Error(), folder+"/", "") + "\n"
			case "catalogue.txt", "v3/catalogue.txt":
				if err != nil {
					t.Fatal(err)
				}
				got = text(t, filepath.Join(folder, last.name))
			default:
				t.Fatalf("the last file is %s, expected catalogue.txt or error.txt", last.name)
			}
			if *update {
				last.text = got
				for _, s := range sections {
					head += "-- " + s.name + " --\n" + s.text
				}
				put(t, file, head)
			}
			if got != last.text {
				t.Errorf("got\n%s\nexpected\n%s", got, last.text)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	_, sections := sectionsOf(t, "testdata/shape.txtar")
	folder := t.TempDir()
	for _, s := range sections {
		put(t, filepath.Join(folder, s.name), s.text)
	}
	args := []string{"-app", "highlevel", "-documents", folder, "-folder", folder, "-check"}
	if err := run(args, io.Discard); err != nil {
		t.Errorf("the catalogue of the documents: %v", err)
	}
	catalogue := filepath.Join(folder, "catalogue.txt")
	put(t, catalogue, strings.Replace(text(t, catalogue), "contacts.create", "contacts.make", 1))
	if err := run(args, io.Discard); err == nil || !strings.Contains(err.Error(), "catalogue.txt:1 differs") {
		t.Errorf("another catalogue: %v, expected the line where it differs", err)
	}
}

func TestArguments(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"-app notion", `-app "notion": expected one of asana, `},
		{"-app highlevel", "-documents is missing"},
		{"-app highlevel -documents /nowhere", "no OpenAPI document"},
	} {
		err := run(strings.Fields(test.args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("catalog %s: %v, expected %q", test.args, err, test.want)
		}
	}
}

// TestPlainOpenAPI generates the catalogue of an app with OpenAPI documents and
// no reader.
func TestPlainOpenAPI(t *testing.T) {
	documents, folder := t.TempDir(), t.TempDir()
	put(t, filepath.Join(documents, "boards.json"), `{"openapi": "3.0.0", "paths": {"/boards/{id}": {"get": {"operationId": "getBoard",
		"parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}}],
		"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Board"}}}}}}}},
		"components": {"schemas": {"Board": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}}}}`)
	if err := run([]string{"-app", "kanban", "-documents", documents, "-folder", folder}, io.Discard); err != nil {
		t.Fatal(err)
	}
	want := `operation boards.get {"id":"getBoard","method":"GET","path":"/boards/{id}","in_path":["id!: string"],"answer":"#Board"}
type Board {"fields":["id!: string"]}
`
	if got := text(t, filepath.Join(folder, "catalogue.txt")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestOperationName(t *testing.T) {
	for _, test := range []struct{ group, id, method, path, want string }{
		{"contacts", "get-contact", "GET", "/contacts/{contactId}", "get"},
		{"contacts", "get-contacts", "GET", "/contacts/", "list"},
		{"contacts", "get-all-tasks", "GET", "/contacts/{contactId}/tasks", "list_tasks"},
		{"contacts", "upsert-contact", "POST", "/contacts/upsert", "upsert"},
		{"calendars", "edit-appointment", "PUT", "/calendars/events/appointments/{eventId}", "update_appointment"},
		{"businesses", "delete-Business", "DELETE", "/businesses/{businessId}", "delete"},
		{"brand_boards", "getBrandBoardById", "GET", "/brand-boards/{id}", "get"},
		{"payments", "get-order-by-id", "GET", "/payments/orders/{orderId}", "get_order"},
		{"invoices", "get-invoice-settings", "GET", "/invoices/settings", "get_settings"},
		{"campaigns", "campaigns", "GET", "/campaigns/", "campaigns"},
		{"agents", "getAgents-deprecated", "GET", "/agents", "list_deprecated"},
	} {
		o := &source.Operation{}
		o.ID, o.Method, o.Path = test.id, test.method, test.path
		if got := operationName(test.group, o); got != test.want {
			t.Errorf("%s in %s: %q, expected %q", test.id, test.group, got, test.want)
		}
	}
}

type section struct{ name, text string }

// sectionsOf reads the sections of a file. Each begins with a line "-- name --".
func sectionsOf(t *testing.T, file string) (head string, sections []section) {
	t.Helper()
	for line := range strings.Lines(text(t, file)) {
		name, is := strings.CutPrefix(line, "-- ")
		if name, end := strings.CutSuffix(name, " --\n"); is && end {
			sections = append(sections, section{name: name})
			continue
		}
		if len(sections) == 0 {
			head += line
			continue
		}
		sections[len(sections)-1].text += line
	}
	return head, sections
}

func text(t *testing.T, file string) string {
	t.Helper()
	found, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(found)
}

func put(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
