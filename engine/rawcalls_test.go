package engine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rawCalls are what only listed files and folders use. The reason is beside each.
var rawCalls = []struct {
	what  string // for messages
	uses  *regexp.Regexp
	where map[string]string
}{
	{"resty", regexp.MustCompile(`^resty\.`), map[string]string{
		"engine/call": "the only HTTP out",
	}},
	{"outgoing HTTP", regexp.MustCompile(`^http\.(Client|Transport|DefaultClient|DefaultTransport|NewRequest|NewRequestWithContext|Get|Head|Post|PostForm)$`), map[string]string{
		"engine/call":              "the only HTTP out",
		"engine/connection":        "requests for tokens, by the client of call",
		"engine/control/client.go": "commands to the engine's socket",
		"bindings/sandbox":         "sends webhooks, as the vendors do",
		"cmd/tidewire/demo.go":     "makes the change that the demo begins with",
	}},
	{"the machine's clock", regexp.MustCompile(`^time\.(Now|Since|Until|After|AfterFunc|Sleep|Tick|NewTicker|NewTimer)$`), map[string]string{
		"bindings/sandbox/sandbox.go":             "the default of its clock",
		"cmd/tidewire":                            "a command's times are those of its reader",
		"engine/bench":                            "measures",
		"engine/call/roundtrip.go":                "a time limit of a request",
		"engine/clock/clock.go":                   "is that clock",
		"engine/filelock":                         "a lock is tried again",
		"engine/journal/datafile/folder_linux.go": "compares with times of files",
		"engine/journal/datafile/guard.go":        "how long a comparison of files counts",
		"engine/journal/datafile/record.go":       "how often the lock file is written",
		"engine/journal/journaltest":              "bounds how long tests wait",
		"engine/run/runner.go":                    "the time that runs have to end in",
		"engine/script/stamp.go":                  "compares with times of files",
		"engine/script/watch.go":                  "reads the folder again",
		"engine/script/watcher.go":                "collects changes of files",
		"engine/vm/meter.go":                      "measures executed time",
	}},
}

// TestRawCalls holds the machine's clock and outgoing requests to the listed
// places.
func TestRawCalls(t *testing.T) {
	used := map[string]bool{}
	eachFile(t, func(name string, file *ast.File) {
		imported := map[string]string{} // by the name in the file
		for _, spec := range file.Imports {
			value, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			base := path.Base(strings.TrimSuffix(value, "/v2"))
			imported[base] = base
			if spec.Name != nil {
				imported[spec.Name.Name] = base
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			selector, isSelector := n.(*ast.SelectorExpr)
			if !isSelector {
				return true
			}
			of, isName := selector.X.(*ast.Ident)
			if !isName || imported[of.Name] == "" {
				return true
			}
			called := imported[of.Name] + "." + selector.Sel.Name
			for _, raw := range rawCalls {
				if !raw.uses.MatchString(called) {
					continue
				}
				place := name
				for place != "." && raw.where[place] == "" {
					place = path.Dir(place)
				}
				if used[raw.what+" "+place] = true; place == "." {
					t.Errorf("%s uses %s, which is %s; only these may: %q", name, called, raw.what, slices.Sorted(maps.Keys(raw.where)))
				}
			}
			return true
		})
	})
	for _, raw := range rawCalls {
		for place := range raw.where {
			if !used[raw.what+" "+place] {
				t.Errorf("%s is listed for %s, which it does not use", place, raw.what)
			}
		}
	}
}

// eachFile parses each Go file of the module that is no test.
func eachFile(t *testing.T, do func(name string, file *ast.File)) {
	t.Helper()
	files := 0
	err := filepath.WalkDir("..", func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() != ".." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(at, ".go") || strings.HasSuffix(at, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), at, nil, 0)
		if err != nil {
			return err
		}
		name, err := filepath.Rel("..", at)
		files++
		do(filepath.ToSlash(name), file)
		return err
	})
	if err != nil || files < 200 {
		t.Fatalf("read %d files, %v", files, err)
	}
}

// TestPackageTree holds the tree of packages in README.md to the folders.
func TestPackageTree(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tree, _ := strings.Cut(string(text), "## Packages\n\n```\n")
	tree, _, _ = strings.Cut(tree, "```")
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)(?:^|\s)([a-z0-9/]+)/(?:\s|$)`).FindAllStringSubmatch(strings.ReplaceAll(tree, " ", "  "), -1) {
		if !strings.HasPrefix(m[1], "testdata") {
			listed[path.Base(m[1])] = true
		}
	}
	there := map[string]bool{}
	eachFile(t, func(name string, _ *ast.File) { there[path.Base(path.Dir(name))] = true })
	for name := range there {
		if !listed[name] {
			t.Errorf("the tree of packages in README.md lacks %s/", name)
		}
	}
	for name := range listed {
		if !there[name] {
			t.Errorf("the tree of packages in README.md has %s/, which no folder with Go files is named", name)
		}
	}
}
