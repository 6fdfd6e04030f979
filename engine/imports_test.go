package engine_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors are the rooms from the top down. A package may import those on lower
// floors only; packages below a listed one belong to it.
var floors = [][]string{
	{"cmd/tidewire", "cmd/catalog"},
	{"bindings/all", "bindings/bindingstest", "bindings/asana", "bindings/googlecalendar", "bindings/highlevel", "bindings/openapi", "bindings/qonto", "bindings/slack", "bindings/teams", "scripts"},
	{"engine/harness", "engine/bench"},
	{"engine"},
	{"engine/ingest", "engine/poll", "engine/schedule", "engine/subscription", "engine/control", "engine/dashboard"},
	{"engine/run"},
	{"engine/script", "engine/call"},
	{"engine/vm", "engine/connection"},
	{"engine/journal"},
	{"engine/sandbox", "engine/config"},
	{"bindings", "bindings/yamltext", "engine/filelock", "engine/file", "engine/charset"},
}

// within are the imports inside a level that README.md allows.
var within = map[string][]string{
	"cmd/catalog":           {},
	"bindings/all":          {"bindings/asana", "bindings/googlecalendar", "bindings/highlevel", "bindings/qonto", "bindings/slack", "bindings/teams"},
	"engine/journal":        {"engine/journal"},
	"bindings/highlevel":    {},
	"bindings/bindingstest": {},
}

const module = "github.com/tidewire/tidewire/"

// TestImports holds the house to its plan: imports point down, and bindings
// never import the engine.
func TestImports(t *testing.T) {
	seen := 0
	for file, imports := range imported(t, "..") {
		from := room(filepath.ToSlash(filepath.Dir(file)))
		if from == "" {
			t.Errorf("%s stands in no room of the plan", file)
			continue
		}
		for _, path := range imports {
			to := room(path)
			seen++
			switch {
			case to == "":
				t.Errorf("%s imports %s, which stands in no room of the plan", file, path)
			case to == from, slices.Contains(within[from], to):
			case strings.HasPrefix(from, "bindings") && strings.HasPrefix(to, "engine"):
				t.Errorf("%s imports %s: bindings know no engine", file, path)
			case floor(to) <= floor(from):
				t.Errorf("%s imports %s, which is not below it", file, path)
			}
		}
	}
	if seen < 50 {
		t.Fatalf("saw %d imports, expected the whole house", seen)
	}
}

// imported lists the imports within the module of every file that is no test.
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
			if inside, found := strings.CutPrefix(value, module); found {
				all[name] = append(all[name], inside)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// room finds the listed package that a path is or belongs to.
func room(path string) string {
	for p := path; p != "."; p = filepath.ToSlash(filepath.Dir(p)) {
		if floor(p) >= 0 {
			return p
		}
	}
	return ""
}

func floor(room string) int {
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, room) })
}
