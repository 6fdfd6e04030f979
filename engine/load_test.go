package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine"
)

// folder writes files into a new folder and gives its name.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
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
  qonto/paris:
    login: file:login
    secret_key: ${QONTO_KEY}
secrets:
  orders: ${ORDERS}
params:
  welcome: { channel: C1, days: 3 }
`,
		"login": "acme\n", "key.pem": "PEM",
	})
	c, err := engine.LoadConfig(engine.Sources{
		Dir: dir,
		Environ: []string{"HL_TOKEN=hl", "QONTO_KEY=qk", "ORDERS=o", "HOME=/root",
			"TIDEWIRE_LISTEN=127.0.0.1:2", "TIDEWIRE_DATA=env",
			"TIDEWIRE_CONNECTIONS__HIGHLEVEL___PARIS__ACCOUNT=loc2"},
		Flags: map[string]any{"listen": "127.0.0.1:3"},
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
		{"accounts", strings.Join(c.Accounts["highlevel/paris"], ","), "qonto/paris"},
		{"name", paris.Name, "highlevel/paris"},
		{"account: the variable wins", paris.Account, "loc2"},
		{"token out of the environment", paris.Credentials["token"], "hl"},
		{"key out of a file", paris.WebhookKeys["ed25519"], "PEM"},
		{"scopes", strings.Join(paris.Scopes, ","), "contacts.write"},
		{"timeout", paris.Timeout.String(), "30s"},
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
			[]string{"tidewire.yaml:3: connections.highlevel.token: a secret stands here in plain text; write ${NAME}"}},
		{"missing variable", "connections:\n  highlevel:\n    token: ${NOPE}\n", nil,
			[]string{"tidewire.yaml:3: connections.highlevel.token: the environment has no variable NOPE"}},
		{"missing file", "secrets:\n  orders: file:nope\n", nil, []string{"tidewire.yaml:2: secrets.orders: ", "no such file"}},
		{"zone", "timezone: Mars/Olympus\n", nil, []string{`tidewire.yaml:1: timezone: found "Mars/Olympus", expected a name such as Europe/Paris`}},
		{"not yaml", "listen: [\n", nil, []string{"tidewire.yaml: yaml:"}},
		{"all at once", "listne: x\ntimezone: Mars\n", nil, []string{"listne", "timezone"}},
		{"wrong type", "in_flight: many\n", nil, []string{"in_flight"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t, map[string]string{"tidewire.yaml": c.file})
			_, err := engine.LoadConfig(engine.Sources{Dir: dir, Environ: c.environ}, nil)
			if err == nil {
				t.Fatal("got no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "abc") {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

func TestLoadConfigWithoutFile(t *testing.T) {
	dir := t.TempDir()
	c, err := engine.LoadConfig(engine.Sources{Dir: dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != engine.DefaultListen || c.Data != filepath.Join(dir, "data") {
		t.Errorf("got %q and %q, want the defaults", c.Listen, c.Data)
	}
	if _, err := engine.LoadConfig(engine.Sources{Dir: dir, File: filepath.Join(dir, "nope.yaml")}, nil); err == nil {
		t.Error("a file that was asked for and is missing: got no error")
	}
}
