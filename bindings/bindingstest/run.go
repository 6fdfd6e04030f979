package bindingstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

// Documents is the environment variable with the path of a folder of the vendors'
// documents, which has a folder for each app. If it is set, Run also generates
// the catalogue and compares it with the embedded one.
const Documents = "TIDEWIRE_DOCUMENTS"

// reporter is the part of testing.T that most checks need.
type reporter interface {
	Error(args ...any)
	Errorf(format string, args ...any)
}

// Run tests an app, in whose folder the test runs.
func Run(t *testing.T, app *bindings.App) {
	t.Run("app", func(t *testing.T) { testApp(t, app) })
	t.Run("auth", func(t *testing.T) { testAuth(t, app) })
	for _, name := range app.Modules() {
		c, _ := app.Module(name)
		t.Run(name, func(t *testing.T) { runCatalogue(t, app, name, c) })
	}
	if t.Failed() {
		t.Fatal("the other tests need the catalogue")
	}
	t.Run("editions", func(t *testing.T) { testEditions(t, app) })
	t.Run("triggers", func(t *testing.T) { testTriggers(t, app) })
	t.Run("polls", func(t *testing.T) { testPolls(t, app) })
	t.Run("echo", func(t *testing.T) { testEcho(t, app) })
	t.Run("webhook", func(t *testing.T) { testWebhook(t, app) })
	if t.Failed() && *update {
		t.Fatal("the golden files are not written: the app has errors, and scripts depend on the names in these files")
	}
	for _, name := range app.Modules() {
		c, _ := app.Module(name)
		t.Run(name+" golden", func(t *testing.T) { testGolden(t, c) })
	}
}

// runCatalogue tests the catalogue of an app or of an edition.
func runCatalogue(t *testing.T, app *bindings.App, name string, c *bindings.Catalogue) {
	t.Run("catalogue", func(t *testing.T) { testCatalogue(t, c) })
	if t.Failed() {
		t.Fatal("the other tests need it")
	}
	t.Run("operations", func(t *testing.T) { testOperations(t, app, c) })
	t.Run("pages", func(t *testing.T) { testPages(t, c) })
	t.Run("read back", func(t *testing.T) { testReadBack(t, c) })
	t.Run("subscriptions", func(t *testing.T) { testSubscriptions(t, app) })
	t.Run("documents", func(t *testing.T) { testDocuments(t, app.Name, name, c.Edition()) })
}

var appName = regexp.MustCompile(`^[a-z]+$`)

func testApp(t reporter, app *bindings.App) {
	if !appName.MatchString(app.Name) || keywords[app.Name] {
		t.Errorf("name %q: expected lower-case letters and no keyword of Lua", app.Name)
	}
	if app.Title == "" {
		t.Error("Title is empty")
	}
	for what, address := range map[string]string{"BaseURL": app.BaseURL, "Docs": app.Docs} {
		if !strings.HasPrefix(address, "https://") {
			t.Errorf("%s %q: expected https", what, address)
		}
	}
	if strings.HasSuffix(app.BaseURL, "/") {
		t.Errorf("BaseURL %q ends with a slash; paths begin with one", app.BaseURL)
	}
	if app.Account.Noun == "" {
		t.Error("Account.Noun is empty")
	}
	if (app.KeyHeader == "") != (app.KeyTTL == 0) {
		t.Errorf("KeyHeader %q and KeyTTL %v go together", app.KeyHeader, app.KeyTTL)
	}
	testLimits(t, app.Limits)
}

func testLimits(t reporter, limits []bindings.Limit) {
	for _, limit := range limits {
		if limit.Requests <= 0 || limit.Per <= 0 {
			t.Errorf("limit %q: %d requests per %v", limit.Name, limit.Requests, limit.Per)
		}
		switch limit.Scope {
		case bindings.PerConnection, bindings.PerOperation, bindings.PerHost:
		default:
			t.Errorf("limit %q: unknown scope %q", limit.Name, limit.Scope)
		}
	}
}

// testDocuments generates the catalogue from the vendor's documents and compares
// it.
func testDocuments(t *testing.T, app, name, edition string) {
	folder := os.Getenv(Documents)
	if folder == "" {
		t.Skipf("%s names no folder with the vendors' documents", Documents)
	}
	out, err := exec.Command("go", "run", "github.com/tidewire/tidewire/cmd/catalog",
		"-app", name, "-documents", documentsOf(folder, app), "-folder", filepath.Join(".", edition), "-check").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// documentsOf returns the folder of an app's documents. Its name can have hyphens
// that the app's name does not have: google-calendar.
func documentsOf(folder, app string) string {
	entries, _ := os.ReadDir(folder) // cmd/catalog reports a folder that cannot be read
	for _, entry := range entries {
		if strings.ReplaceAll(entry.Name(), "-", "") == app {
			return filepath.Join(folder, entry.Name())
		}
	}
	return filepath.Join(folder, app)
}
