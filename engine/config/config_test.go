package config

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

var testRules = Rules{
	ParseDuration: func(string) (time.Duration, error) { return 720 * time.Hour, nil },
	ParseLimit: func(name, text string) (int64, error) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || name == "memroy" {
			return 0, fmt.Errorf("%s cannot be %q", name, text)
		}
		return n, nil
	},
	IsSecret: func(_, credential string) bool { return credential != "client_id" },
}

// TestTable checks that each row is complete, that it has the name of its field,
// and that its default can be decoded.
func TestTable(t *testing.T) {
	filled := Settings{}
	fields := fieldsOf(reflect.ValueOf(&filled).Elem(), "")
	f := &File{rules: testRules}
	for _, r := range settings {
		if r.Kind == "" || r.Expected == "" || r.Help == "" {
			t.Errorf("%s: the row is not complete: %+v", r.Name, r.Setting)
		}
		if r.Live {
			t.Errorf("%s: the vault has settings of connections only", r.Name)
		}
		if fields[strings.ReplaceAll(r.Name, "_", "")] != r.at(&filled) {
			t.Errorf("%s: the row fills another field", r.Name)
		}
		if r.Default != "" && !f.decodeValue(r.at(&filled), quotedText(r.Default)) {
			t.Errorf("%s: the default %q cannot be read", r.Name, r.Default)
		}
	}
	if len(fields) != len(settings) {
		t.Errorf("%d fields and %d settings", len(fields), len(settings))
	}
	one := Connection{}
	fields = fieldsOf(reflect.ValueOf(&one).Elem(), "")
	delete(fields, "name")
	delete(fields, "credentials")
	for s, at := range one.Fields() {
		if s.Kind == "" || s.Expected == "" || s.Help == "" || fields[strings.ReplaceAll(s.Name, "_", "")] != at {
			t.Errorf("%s: the row is not complete, or fills another field: %+v", s.Name, s)
		}
		if _, isBool := at.(*bool); s.Live && reflect.TypeOf(at) != reflect.TypeFor[*string]() && !isBool {
			t.Errorf("%s: the vault does not store a %T", s.Name, at)
		}
	}
	if len(fields) != len(connectionSettings) {
		t.Errorf("%d fields and %d settings of a connection", len(fields), len(connectionSettings))
	}
}

// fieldsOf returns pointers to the fields of a struct, by their names in lower
// case. The fields of an anonymous struct are listed one by one.
func fieldsOf(v reflect.Value, prefix string) map[string]any {
	all := map[string]any{}
	for i := range v.NumField() {
		name := prefix + strings.ToLower(v.Type().Field(i).Name)
		if field := v.Field(i); field.Kind() == reflect.Struct && field.Type().Name() == "" {
			for inner, at := range fieldsOf(field, name+".") {
				all[inner] = at
			}
			continue
		}
		all[name] = v.Field(i).Addr().Interface()
	}
	return all
}

// TestPrint compares the reference with testdata/settings.txt; -update writes it.
func TestPrint(t *testing.T) {
	const golden = "testdata/settings.txt"
	var got strings.Builder
	if err := Print(&got); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || got.String() != string(want) {
		t.Errorf("%v; got\n%s", err, got.String())
	}
}

// TestSources checks which source overrides which, and the place in errors.
func TestSources(t *testing.T) {
	for name, c := range map[string]struct {
		file    string
		environ []string
		flags   map[string]string
		want    string // of a few settings, or the error
	}{
		"flags over variables":                      {"data: a", []string{"TIDEWIRE_DATA=b"}, map[string]string{"data": "c"}, "/d/c 1000"},
		"variables over the file":                   {"data: a\nflood: 1", []string{"TIDEWIRE_DATA=b", "TIDEWIRE_FLOOD=2"}, nil, "/d/b 2"},
		"an empty variable":                         {"data: a", []string{"TIDEWIRE_DATA="}, nil, "/d/a 1000"},
		"a variable over nothing":                   {"flood:", []string{"TIDEWIRE_FLOOD=3"}, nil, "/d/data 3"},
		"other variables":                           {"", []string{"TIDE=x", "TIDEWIRE_=x", "OTHER"}, nil, "/d/data 1000"},
		"a number in a variable":                    {"flood: 1", []string{"TIDEWIRE_FLOOD=010"}, nil, `TIDEWIRE_FLOOD (flood): found "010", expected a whole number, 0 for no bound`},
		"deeper variables win":                      {"", []string{"TIDEWIRE_HTTP__ALLOW=a", "TIDEWIRE_HTTP=b"}, nil, "/d/data 1000"},
		"a flag that is no setting":                 {"", nil, map[string]string{"x": "y"}, "x: unknown setting"},
		"a reference to a variable that is not set": {"data: ${NONE}", []string{"TIDEWIRE_DATA=b"}, nil, "f.yaml:1: data: the environment has no variable NONE"},
		"secrets in a variable":                     {"", []string{"TIDEWIRE_SECRETS__A=x"}, nil, "/d/data 1000"},
		"the same of a connection":                  {"connections:\n  a:\n    token: ${T}", []string{"T=t", "TIDEWIRE_CONNECTIONS__A___B__POLL=never"}, nil, "/d/data 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := parse("f.yaml", []byte(c.file), Sources{Dir: "/d", Environ: c.environ, Flags: c.flags})
			if err != nil {
				t.Fatal(err)
			}
			f.fill(testRules)
			got := fmt.Sprint(f.Settings.Data, " ", f.Settings.Flood)
			if err := Join(f.Problems); err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestDataFolder checks that the folder is found although references to secrets
// cannot be resolved.
// TestLimits reads the limits of scripts.
func TestLimits(t *testing.T) {
	read := func(text string) *File {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Read(Sources{Dir: dir}, testRules)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := read("limits:\n  default: { memory: 10, steps: 7 }\n  ceiling: { memory: 20 }\n  scripts:\n    big: { default: { memory: 90 }, ceiling: { memory: 100 } }\n    none:\n")
	if len(f.Problems) > 0 {
		t.Fatal(Join(f.Problems))
	}
	for script, want := range map[string]Limits{
		"small": {map[string]int64{"memory": 10, "steps": 7}, map[string]int64{"memory": 20}},
		"big":   {map[string]int64{"memory": 90, "steps": 7}, map[string]int64{"memory": 100}},
	} {
		if got := f.Settings.OfScript(script); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: found %v, expected %v", script, got, want)
		}
	}
	for text, want := range map[string]string{
		"limits:\n  default:\n    memory: much":                                               `:3: limits.default.memory: memory cannot be "much"`,
		"limits:\n  default: [1]":                                                             `:2: limits.default: found a list, expected limits by name, such as memory: 256 MiB`,
		"limits:\n  default:\n    memory: { a: 1 }":                                           `:3: limits.default.memory: found settings, expected a number or a text such as 64 MiB or 5s`,
		"limits:\n  default: { memory: 9 }\n  ceiling: { memory: 8 }":                         `:2: limits.default.memory: the default is above the ceiling of this limit`,
		"limits:\n  ceiling: { memory: 8 }\n  scripts:\n    a:\n      default: { memory: 9 }": `:5: limits.scripts.a.default.memory: the default is above the ceiling of this limit`,
		"limits:\n  scripts:\n    a: { defualt: { memory: 9 } }":                              `:3: limits.scripts.a.defualt: unknown setting; did you mean limits.scripts.a.default?`,
		"limits:\n  scripts:\n    a: 5":                                                       `:3: limits.scripts.a: found a number, expected default and ceiling`,
		"limits:\n  memory: 5":                                                                `:2: limits.memory: unknown setting; the settings are limits.ceiling, limits.default, limits.scripts`,
	} {
		if err := Join(read(text).Problems); err == nil || !strings.HasSuffix(err.Error(), FileName+want) {
			t.Errorf("%q:\nfound    %v\nexpected %s", text, err, want)
		}
	}
}

func TestDataFolder(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"secrets:\n  a: ${NONE}":     filepath.Join(dir, "data"),
		"data: here\nin_flight: 010": filepath.Join(dir, "here"),
		"data: ${HERE}":              filepath.Join(dir, "there"),
		"data: ${NONE}":              "the environment has no variable NONE",
		"data:\n":                    filepath.Join(dir, "data"),
		"data: /x":                   "/x",
		"data: a\ndata: b":           "is here a second time",
		"listen: [":                  FileName + ":1: not valid YAML: ",
		"connections: { a: { token: in the open } }": filepath.Join(dir, "data"),
	} {
		if err := os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := DataFolder(Sources{Dir: dir, Environ: []string{"HERE=there"}})
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// TestDataFolderWithoutFile checks that a file which cannot be read leaves the folder
// of flags and variables, and else the default.
func TestDataFolderWithoutFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte("data: here\nlisten: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sources Sources
		want    string
	}{
		{Sources{Dir: dir}, filepath.Join(dir, "data")},
		{Sources{Dir: dir, Environ: []string{"TIDEWIRE_DATA=there"}}, filepath.Join(dir, "there")},
		{Sources{Dir: dir, Flags: map[string]string{"data": "/flag"}}, "/flag"},
	} {
		if got, err := DataFolder(c.sources); got != c.want || err == nil || !strings.Contains(err.Error(), "not valid YAML") {
			t.Errorf("%+v: got %s, %v, want %s and an error", c.sources, got, err, c.want)
		}
	}
}

// TestReadableFiles refuses the file of the vault's key if others can read it, and warns
// of the files of other secrets: mounted ones often are so.
func TestReadableFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes")
	}
	dir := t.TempDir()
	for name, mode := range map[string]fs.FileMode{"open": 0o644, "closed": 0o600} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("k\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	f, err := parse("f.yaml", []byte("vault_key: file:open\nsecrets: { a: file:open, b: file:closed }\n"+
		"timezone: file:open\nconnections: { shop: { token: file:open, webhook_secret: file:closed } }\n"), Sources{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	f.fill(testRules)
	key := filepath.Join(dir, "open")
	want := "f.yaml:1: vault_key: the vault's key " + key + " can be read or written by others (mode 0644); run: chmod 600 " + key
	if got := Join(f.Problems); got == nil || !strings.HasPrefix(got.Error(), want) || f.Settings.Secrets["a"] != "k" {
		t.Errorf("got %v and %q", got, f.Settings.Secrets)
	}
	if got := strings.Join(f.Warnings, "\n"); len(f.Warnings) != 2 || !strings.Contains(got, "the secret secrets.a is read from the file "+key+", which other users can read") ||
		!strings.Contains(got, "connections.shop.token") {
		t.Errorf("the warnings are %q", f.Warnings)
	}
}

// TestStoredConnection checks the form in which the vault stores a connection.
func TestStoredConnection(t *testing.T) {
	one := Connection{Name: "a", Account: "01", As: "company", Parent: "p", BaseURL: "b", AuthorizeURL: "u", TokenURL: "t", RevokeURL: "r",
		Credentials: map[string]string{"token": "x"}, WebhookSecret: "w", ReadOnly: true, Poll: time.Minute}
	const want = `{"account":"01","as":"company","authorize_url":"u","base_url":"b","credentials":{"token":"x"},"parent":"p",` +
		`"read_only":true,"revoke_url":"r","token_url":"t","webhook_secret":"w"}`
	text, err := json.Marshal((*StoredConnection)(&one))
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v", text, err)
	}
	var again StoredConnection
	if err := json.Unmarshal([]byte(strings.Replace(want, "{", `{"later":1,`, 1)), &again); err != nil {
		t.Fatal(err)
	}
	one.Name, one.Poll = "", 0
	if !reflect.DeepEqual(Connection(again), one) {
		t.Errorf("got %#v", again)
	}
	if text, err = json.Marshal(&StoredConnection{}); string(text) != "{}" || err != nil {
		t.Errorf("an empty one: got %s, %v", text, err)
	}
}

// FuzzConfig checks that every file is read or is an error, and that an account
// without quotes is the text as it is written.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		"listen: a\nconnections: { a/b: { account: 01, poll: 5m, scopes: [a] } }\n", "params: { a: { b: 0612, c: [1.5, 1e3, ~] } }",
		"a: &a { <<: *a }", "x: &x [*x, *x]", "---\n---\n", "http: { allow: 'a,b' }\nsecrets: { a: '${HOME}' }", "\xef\xbb\xbfflood: 0x1", "? [a]\n: b", "!!binary aGk=: !x y",
		"accounts: { a: [b, ~] }\nretention: { age: 20 }", "timezone: ../etc\nsince: 2026-01-31", "data: file:../x\nvault_key: keyring",
	} {
		f.Add(text, "0123")
	}
	f.Fuzz(func(t *testing.T, text, account string) {
		if strings.Contains(text, "file:") { // reads files of this machine
			return
		}
		if read, err := parse("f", []byte(text), Sources{}); err == nil {
			read.fill(testRules)
			Join(read.Problems)
			for script, params := range read.Settings.Params {
				if !json.Valid(params) {
					t.Errorf("params of %q are %q", script, params)
				}
			}
		}
		read, err := parse("f", []byte("connections: { a: { account: "+account+" } }"), Sources{})
		if err != nil {
			return
		}
		read.fill(testRules)
		if len(read.Problems) > 0 || len(read.Settings.Connections) != 1 {
			return
		}
		got := read.Settings.Connections[0].Account
		if plain := strings.Trim(account, " "); len(plain) > 0 && strings.Trim(plain, "0123456789abcdefxoABCDEFXOT_+.-:") == "" && got != plain {
			t.Errorf("account: %s is read as %q", account, got)
		}
	})
}
