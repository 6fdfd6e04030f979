package engine_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/all"
)

// levels are the packages from the top down. A package may import those on
// lower levels only; packages below a listed one belong to it, but for engine,
// whose packages are listed each. An app is any folder of bindings that is not
// listed.
var levels = [][]string{
	{"cmd/tidewire", "cmd/catalog"},
	{"bindings/all", "bindings/bindingstest", "bindings/openapi", "an app", "an app's document", "scripts"},
	{"engine/bench"},
	{"bindings/sandbox", "bindings/source"},
	{"engine"},
	{"engine/backup", "engine/connect", "engine/doctor", "engine/retention"},
	{"engine/ingest", "engine/poll", "engine/schedule", "engine/subscription", "engine/control", "engine/dashboard"},
	{"engine/run"},
	{"engine/script", "engine/call"},
	{"engine/vm", "engine/connection"},
	{"engine/journal"},
	{"engine/config"},
	{"bindings", "bindings/jsonpointer", "bindings/yamltext", "engine/clock", "engine/filelock", "engine/file", "engine/charset", "engine/ownership", "engine/panics"},
}

// within are the imports inside a level that README.md allows.
var within = map[string][]string{
	"bindings/all":      {"an app"},
	"an app's document": {"bindings/openapi"},
}

// thirdParty are the modules of others that these packages may import; a
// package that is not listed may import any.
var thirdParty = map[string][]string{
	"bindings":              {},
	"bindings/all":          {},
	"bindings/bindingstest": {},
	"bindings/jsonpointer":  {},
	"bindings/sandbox":      {},
	"bindings/source":       {},
	"an app":                {},
	"bindings/openapi":      {"go.yaml.in/yaml/v3"},
	"bindings/yamltext":     {"go.yaml.in/yaml/v3"},
	"an app's document":     {},
}

// onlyFor are the packages that no others import.
var onlyFor = map[string][]string{
	"engine/journal/ledger":   {"engine/journal/dispatch", "engine/journal/sqlite"},
	"engine/journal/dispatch": {"engine/journal/sqlite"},
}

const module = "github.com/tidewire/tidewire/"

// TestImports holds the levels of README.md: imports point down, bindings never
// import the engine, and the packages that need no module of others have none.
func TestImports(t *testing.T) {
	seen := 0
	for file, imports := range imported(t, "..") {
		folder := path.Dir(filepath.ToSlash(file))
		from := listed(folder)
		if from == "" {
			t.Errorf("%s is in no package of README.md's levels", file)
			continue
		}
		for _, imported := range imports {
			inside, ours := strings.CutPrefix(imported, module)
			if !ours {
				if allowed, limited := thirdParty[from]; limited && !slices.Contains(allowed, imported) {
					t.Errorf("%s imports %s; %s may import of others: %q", file, imported, from, allowed)
				}
				continue
			}
			seen++
			if users, limited := onlyFor[inside]; limited && !slices.Contains(users, folder) {
				t.Errorf("%s imports %s, which is for %q only", file, inside, users)
			}
			switch to := listed(inside); {
			case to == "":
				t.Errorf("%s imports %s, which is in no package of README.md's levels", file, inside)
			case to == from && samePackage(from, folder, inside), slices.Contains(within[from], to):
			case strings.HasPrefix(folder, "bindings") && strings.HasPrefix(to, "engine"):
				t.Errorf("%s imports %s: bindings never import the engine", file, inside)
			case level(to) <= level(from):
				t.Errorf("%s imports %s, which is not on a lower level", file, inside)
			}
		}
	}
	if seen < 50 {
		t.Fatalf("saw %d imports, expected those of the whole module", seen)
	}
}

// TestLevels holds what TestImports goes by.
func TestLevels(t *testing.T) {
	for path, want := range map[string]string{
		"bindings": "bindings", "bindings/slack": "an app", "bindings/qonto/document": "an app's document", "bindings/openapi": "bindings/openapi",
		"bindings/sandbox/sandboxtest": "bindings/sandbox", "bindings/newcomer": "an app", "bindings/newcomer/inner": "an app",
		"engine/journal/sqlite": "engine/journal", "engine/vm": "engine/vm", "engine": "engine", "engine/newcomer": "", "engine/clock/clocktest": "engine/clock", "scripts": "scripts", "other": "",
	} {
		if got := listed(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

// TestEngineNamesNoVendor: no file of the engine is named after an app, tests
// included.
func TestEngineNamesNoVendor(t *testing.T) {
	vendors := map[string]bool{}
	for _, app := range all.Apps() {
		vendors[app.Name] = true
		vendors[strings.ToLower(strings.Fields(app.Title)[0])] = true
	}
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		seen++
		for _, word := range strings.FieldsFunc(strings.ToLower(d.Name()), func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
			if vendors[word] {
				t.Errorf("%s is named after a vendor; name it after what it does, or move it to the app's folder", path)
			}
		}
		return nil
	})
	if err != nil || seen < 100 {
		t.Errorf("saw %d files, %v", seen, err)
	}
}

// imported lists the imports of every file that is no test, those of the
// standard library aside.
func imported(t *testing.T, root string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() != ".." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			value, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if host, _, _ := strings.Cut(value, "/"); strings.Contains(host, ".") {
				all[name] = append(all[name], value)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// listed finds the listed package that a path is or belongs to.
func listed(folder string) string {
	for p := folder; p != "."; p = path.Dir(p) {
		if level(p) >= 0 && (p == folder || p != "bindings" && p != "engine") {
			return p
		}
	}
	parts := strings.Split(folder, "/")
	switch {
	case parts[0] != "bindings":
		return ""
	case len(parts) > 2 && parts[2] == "document":
		return "an app's document"
	}
	return "an app"
}

// samePackage reports whether a folder may import another of the same listed
// package: one app may not import another.
func samePackage(listed, folder, other string) bool {
	if !strings.HasPrefix(listed, "an app") {
		return true
	}
	return strings.Split(folder, "/")[1] == strings.Split(other, "/")[1]
}

func level(name string) int {
	return slices.IndexFunc(levels, func(l []string) bool { return slices.Contains(l, name) })
}
