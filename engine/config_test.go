package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
)

// folder writes files into a new folder and returns its path.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := journaltest.Folder(t)
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoadConfigLayers(t *testing.T) {
	dir := folder(t, map[string]string{
		"tidewire.yaml": `
listen: 127.0.0.1:1
data: kept
timezone: Europe/Paris
public_url: https://hooks.example.com/
retention: { age: 10 days, count: 5000 }
accounts:
  highlevel/paris: qonto/paris
connections:
  highlevel/paris:
    account: loc1
    token: ${HL_TOKEN}
    webhook_keys: { ed25519: "file:key.pem" }
    scopes: [contacts.write]
    read_only: true
    timeout: 30s
    poll: 5m
    reconcile: 1 hour
    since: 2026-01-31
  qonto/paris:
    poll: off
    login: file:login
    secret_key: ${QONTO_KEY}
secrets:
  orders: ${ORDERS}
params:
  welcome: { channel: C1, days: 3 }
`,
		"login": "acme\n", "key.pem": "PEM",
	})
	c, err := engine.LoadConfig(config.Sources{
		Dir: dir,
		Environ: []string{"HL_TOKEN=hl", "QONTO_KEY=qk", "ORDERS=o", "HOME=/root",
			"TIDEWIRE_LISTEN=127.0.0.1:2", "TIDEWIRE_DATA=env",
			"TIDEWIRE_CONNECTIONS__HIGHLEVEL___PARIS__ACCOUNT=loc2"},
		Flags: map[string]string{"listen": "127.0.0.1:3"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	paris, bank := c.Connections[0], c.Connections[1]
	for _, x := range []struct{ what, got, want string }{
		{"listen: the flag wins", c.Listen, "127.0.0.1:3"},
		{"data: the variable wins over the file", c.Data, filepath.Join(dir, "env")},
		{"scripts: the default", c.Scripts, filepath.Join(dir, "scripts")},
		{"timezone", c.Zone.String(), "Europe/Paris"},
		{"public_url", c.PublicURL, "https://hooks.example.com"},
		{"retention", fmt.Sprint(c.Retention.Age, c.Retention.Count, c.Retention.IDs), "240h0m0s 5000 2160h0m0s"},
		{"accounts", strings.Join(c.Accounts["highlevel/paris"], ","), "qonto/paris"},
		{"name", paris.Name, "highlevel/paris"},
		{"account: the variable wins", paris.Account, "loc2"},
		{"token out of the environment", paris.Credentials["token"], "hl"},
		{"key out of a file", paris.WebhookKeys["ed25519"], "PEM"},
		{"scopes", strings.Join(paris.Scopes, ","), "contacts.write"},
		{"timeout", paris.Timeout.String(), "30s"},
		{"poll, reconcile, since", fmt.Sprint(paris.Poll, paris.Reconcile, paris.Since), "5m0s 1h0m0s 2026-01-31 00:00:00 +0000 UTC"},
		{"poll: off", fmt.Sprint(bank.Poll == config.Off), "true"},
		{"login out of a file, its end of line cut", bank.Credentials["login"], "acme"},
		{"secret", c.Secrets["orders"], "o"},
		{"params", string(c.Params["welcome"]), `{"channel":"C1","days":3}`},
	} {
		if x.got != x.want {
			t.Errorf("%s: got %q, want %q", x.what, x.got, x.want)
		}
	}
	if !paris.ReadOnly {
		t.Error("read_only: got false, want true")
	}
}

func TestLoadConfigProblems(t *testing.T) {
	for _, c := range []struct {
		name, file string
		environ    []string
		want       []string // parts of the error
	}{
		{"unknown setting", "listne: x\n", nil, []string{"tidewire.yaml:1: listne: unknown setting; did you mean listen?"}},
		{"unknown variable", "", []string{"TIDEWIRE_LISTNE=x"}, []string{"TIDEWIRE_LISTNE (listne): unknown setting; did you mean listen?"}},
		{"plain secret", "connections:\n  highlevel:\n    token: abc\n", nil,
			[]string{"tidewire.yaml:3: connections.highlevel.token: this secret is in plain text; write ${NAME}"}},
		{"missing variable", "connections:\n  highlevel:\n    token: ${NOPE}\n", nil,
			[]string{"tidewire.yaml:3: connections.highlevel.token: the environment has no variable NOPE"}},
		{"missing file", "secrets:\n  orders: file:nope\n", nil, []string{"tidewire.yaml:2: secrets.orders: ", "no such file"}},
		{"zone", "timezone: Mars/Olympus\n", nil, []string{`tidewire.yaml:1: timezone: found "Mars/Olympus", expected a name such as Europe/Paris`}},
		{"not yaml", "listen: [\n", nil, []string{"tidewire.yaml:1: not valid YAML: "}},
		{"all at once", "listne: x\ntimezone: Mars\n", nil, []string{"listne", "timezone"}},
		{"unknown in a group", "retention: { agee: 1h }\n", nil, []string{"retention.agee: unknown setting; did you mean retention.age?"}},
		{"wrong type", "in_flight: many\n", nil, []string{`tidewire.yaml:1: in_flight: found "many", expected a whole number`}},
		{"wrong type below", "http:\n  allow_private: maybe\n", nil, []string{`tidewire.yaml:2: http.allow_private: found "maybe", expected true or false`}},
		{"wrong interval", "connections:\n  qonto:\n    poll: often\n", nil,
			[]string{`tidewire.yaml:3: connections.qonto.poll: found "often", expected a length of time such as 5m, or off`}},
		{"wrong beginning", "connections:\n  qonto:\n    since: yesterday\n", nil,
			[]string{`tidewire.yaml:3: connections.qonto.since: found "yesterday", expected a date such as 2026-01-31`}},
		{"wrong length of time", "grace: soon\n", nil, []string{`tidewire.yaml:1: grace: found "soon", expected a length of time such as 20s`}},
		{"unknown setting below", "http:\n  alow: x\n", nil, []string{"tidewire.yaml:2: http.alow: unknown setting; did you mean http.allow?"}},
		{"a number as a secret", "secrets:\n  pin: 4711\n", nil, []string{"tidewire.yaml:2: secrets.pin: this secret is in plain text"}},
		{"a number as a credential", "connections:\n  highlevel:\n    token: 4711\n", nil,
			[]string{"tidewire.yaml:3: connections.highlevel.token: this secret is in plain text"}},
		{"a connection that is none", "connections:\n  highlevel: hello\n", nil,
			[]string{"tidewire.yaml:2: connections.highlevel: found text, expected settings by name"}},
		{"a setting of a connection", "connections:\n  highlevel:\n    timeout: fast\n", nil,
			[]string{`tidewire.yaml:3: connections.highlevel.timeout: found "fast", expected a length of time such as 30s`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t, map[string]string{"tidewire.yaml": c.file})
			err := configProblems(config.Sources{Dir: dir, Environ: c.environ}, nil)
			if err == nil {
				t.Fatal("got no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
			if text := strings.ReplaceAll(err.Error(), dir, ""); strings.Contains(text, "abc") || strings.Contains(text, "4711") {
				t.Errorf("the error has the secret: %v", err)
			}
		})
	}
}

// TestLoadConfigConnections checks the errors about connections, each with its
// line.
func TestLoadConfigConnections(t *testing.T) {
	dir := folder(t, map[string]string{"tidewire.yaml": `connections:
  qonto:
    login: ${X}
    acount: somebody
  notion:
    token: ${X}
accounts:
  qonto: highlevel/rome
listne: 1
`})
	_, err := engine.LoadConfig(config.Sources{Dir: dir, Environ: []string{"X=x"}}, all.Apps())
	if err == nil {
		t.Fatal("got no error")
	}
	got := strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")
	want := `tidewire.yaml:4: connections.qonto.acount: qonto has no such setting (did you mean "account"?)
tidewire.yaml:5: connections.notion: there is no app "notion"; known are ` + knownApps() + `
tidewire.yaml:8: accounts.qonto: there is no connection "highlevel/rome"
tidewire.yaml:9: listne: unknown setting; did you mean listen?`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("reading a configuration made the data folder")
	}
}

func TestLoadConfigWithoutFile(t *testing.T) {
	dir := journaltest.Folder(t)
	c, err := engine.LoadConfig(config.Sources{Dir: dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != config.DefaultListen || c.Data != filepath.Join(dir, "data") {
		t.Errorf("got %q and %q, want the defaults", c.Listen, c.Data)
	}
	if _, err := engine.LoadConfig(config.Sources{Dir: dir, File: filepath.Join(dir, "nope.yaml")}, nil); err == nil {
		t.Error("a file that was asked for and is missing: got no error")
	}
}

// configProblems joins the error of a configuration with what is wrong with its
// connections.
func configProblems(from config.Sources, apps []*bindings.App) error {
	c, err := engine.LoadConfig(from, apps)
	all := []error{err}
	for _, name := range slices.Sorted(maps.Keys(c.ConnectionProblems)) {
		all = append(all, errors.New(c.ConnectionProblems[name]))
	}
	return errors.Join(all...)
}

// knownApps returns the names of the apps that are built in, as in errors.
func knownApps() string {
	var names []string
	for _, app := range all.Apps() {
		names = append(names, app.Name)
	}
	return strings.Join(names, ", ")
}
