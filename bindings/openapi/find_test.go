package openapi_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/openapi"
)

// TestAppFileFind reads how calls are found from an app file.
func TestAppFileFind(t *testing.T) {
	const catalogue = `operation notes.create {"id":"c","method":"POST","path":"/notes"}
operation notes.list {"id":"l","method":"GET","path":"/notes","pages":{"items":"notes"}}
`
	const file = `base_url: https://notes.example
auth:
  - { name: token, fields: [token], header: Authorization, format: "Bearer {token}" }
operations:
  notes.create:
    own_key: { args: { ref: "{key}" } }
    find:
      - { key: true, operation: notes.list, match: { ref: "{key}" }, answer: { note: "{found}" }, lag: 5s, work: 2m }
`
	load := func(text string) (*bindings.App, error) {
		folder := t.TempDir()
		for name, content := range map[string]string{"notes.app.yaml": text, "notes.catalogue.txt": catalogue} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		apps, err := openapi.Load(folder)
		if err != nil {
			return nil, err
		}
		return apps[0], nil
	}
	app, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := app.Operation("notes.create")
	if o.OwnKey == nil || o.OwnKey.Args["ref"] != "{key}" || len(o.Find) != 1 || o.Find[0].Lag != bindings.Duration(5*time.Second) ||
		o.Find[0].Work != bindings.Duration(2*time.Minute) || o.Find[0].Match["ref"] != "{key}" {
		t.Errorf("own key %+v, find %+v", o.OwnKey, o.Find)
	}
	for _, test := range []struct{ old, changed, want string }{
		{"operation: notes.list", "operation: notes.lists", `operations.notes.create: find.0: there is no operation "notes.lists"`},
		{"lag: 5s", "lag: soon", `notes.app.yaml:8: operations.notes.create.find.0.lag: found "soon", expected a length of time`},
		{"match:", "matches:", `notes.app.yaml:8: operations.notes.create.find.0.matches: unknown word; did you mean match?`},
	} {
		if _, err := load(strings.Replace(file, test.old, test.changed, 1)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, expected %q", test.changed, err, test.want)
		}
	}
}
