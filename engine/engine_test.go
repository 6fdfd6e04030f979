package engine_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
)

// smallConfig returns a configuration with one script and no connection.
func smallConfig(t testing.TB) engine.Config {
	t.Helper()
	dir := journaltest.Folder(t)
	must(t, os.Mkdir(filepath.Join(dir, "scripts"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "scripts", "hello.lua"), []byte(`every("1h", function() end)`), 0o644))
	return engine.Config{Apps: all.Apps(), Listen: "127.0.0.1:0", Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data")}
}

// TestShutdownReleasesEverything starts and stops engines on one folder. After the
// end, no goroutine runs and nothing listens.
func TestShutdownReleasesEverything(t *testing.T) {
	before := goleak.IgnoreCurrent()
	config := smallConfig(t)
	var address string
	for range 3 {
		e, err := engine.New(t.Context(), config)
		must(t, err)
		address = strings.TrimPrefix(e.URL(), "http://")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		<-e.Ready()
		stop()
		must(t, <-ended)
	}
	goleak.VerifyNone(t, before)
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Errorf("something listens on %s after the end", address)
	}
	if left, _ := filepath.Glob(filepath.Join(config.Data, "*.sock")); len(left) > 0 {
		t.Errorf("the end left %v", left)
	}
}

// TestCloseWithoutRun closes engines that were not run.
func TestCloseWithoutRun(t *testing.T) {
	before := goleak.IgnoreCurrent()
	config := smallConfig(t)
	for range 2 {
		e, err := engine.New(t.Context(), config)
		must(t, err)
		must(t, e.Close())
	}
	goleak.VerifyNone(t, before)
}

// TestCannotStart checks the errors of New, and that New then leaves nothing open:
// with the correct configuration, the next engine starts.
func TestCannotStart(t *testing.T) {
	used, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer used.Close()
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o644))
	for _, c := range []struct {
		name   string
		change func(*engine.Config)
		want   string
	}{
		{"the port is taken", func(c *engine.Config) { c.Listen = used.Addr().String() },
			"listen for webhooks: listen tcp " + used.Addr().String() + ": bind: address already in use; --listen or listen: in tidewire.yaml names another address"},
		{"an address that is none", func(c *engine.Config) { c.Listen = "here" }, "listen for webhooks: listen tcp: address here: missing port"},
		{"no scripts folder", func(c *engine.Config) { c.Scripts = file + "s" }, `load the scripts: the scripts folder "` + file + `s" does not exist; make it, or name another`},
		{"the scripts folder is a file", func(c *engine.Config) { c.Scripts = file }, "load the scripts: "},
		{"the data folder is a file", func(c *engine.Config) { c.Data = file }, "make the data folder: mkdir " + file + ": not a directory"},
		{"accounts of one app", func(c *engine.Config) {
			c.Connections = []connection.Settings{{Name: "slack"}, {Name: "slack/b"}}
			c.Accounts = map[string][]string{"slack": {"slack/b"}}
		}, "the connections cannot be used:\naccounts.slack: \"slack/b\" is of the same app"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			good := smallConfig(t)
			bad := good
			c.change(&bad)
			_, err := engine.New(t.Context(), bad)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			goleak.VerifyNone(t, before)
			e, err := engine.New(t.Context(), good)
			must(t, err)
			must(t, e.Close())
		})
	}
}

// TestOneWrongConnection: the engine starts with a connection that cannot be used,
// whose settings are in the vault or in the configuration. Runs of others go on,
// and doctor has the reason.
func TestOneWrongConnection(t *testing.T) {
	f := newFixture(t, map[string]string{"post.lua": `
local slack = require "slack"
on("in:/post", { verify = "none" }, function(event) slack.chat.post_message { channel = "C0GENERAL01", text = "hello" } end)`},
		func(c *engine.Config) {
			vault, err := connection.OpenVault(connection.VaultConfig{Folder: c.Data})
			must(t, err)
			must(t, vault.Save(t.Context(), connection.Entry{Connection: "asana/paris", AuthName: "token",
				Settings: &connection.Settings{Name: "asana/paris", BaseURL: "http://asana.example", Credentials: map[string]string{"token": "x"}}}))
			c.Connections = append(c.Connections, connection.Settings{Name: "teams/paris", Poll: time.Second})
			c.ConnectionProblems = map[string]string{"qonto/paris": "tidewire.yaml:3: connections.qonto/paris: found a number"}
		})
	f.post("/in/post", `{}`)
	f.settle()
	if runs := f.runs(); len(runs) != 1 || runs[0].Run.State != journal.Succeeded {
		t.Errorf("got %v", runs)
	}
	found, err := f.journal.Doctor(t.Context())
	must(t, err)
	var got []string
	for _, one := range found {
		got = append(got, one.Kind+": "+one.Text+"; "+one.Do)
	}
	want := []string{
		`connection: connection "asana/paris" cannot be used: base_url: expected https (http only on this machine), found "http://asana.example"; tidewire connect asana/paris`,
		`connection: connection "qonto/paris" cannot be used: tidewire.yaml:3: connections.qonto/paris: found a number; correct it in the configuration and start the engine again`,
		`connection: connection "teams/paris" cannot be used: poll: expected off, or 10s at least, found 1s; correct it in the configuration and start the engine again`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSecondEngine starts a second engine on a data folder. It is refused, and the
// first one is not affected.
func TestSecondEngine(t *testing.T) {
	config := smallConfig(t)
	first, err := engine.New(t.Context(), config)
	must(t, err)
	before := goleak.IgnoreCurrent()
	_, err = engine.New(t.Context(), config)
	if err == nil || !strings.HasPrefix(err.Error(), "another engine (process ") ||
		!strings.HasSuffix(err.Error(), ") runs on the data folder "+config.Data+"; stop it, or name another folder with --data-dir") {
		t.Errorf("got %v", err)
	}
	goleak.VerifyNone(t, before)
	if _, err := os.Stat(filepath.Join(config.Data, "control.sock")); err != nil {
		t.Errorf("the second engine took the first one's socket: %v", err)
	}
	must(t, first.Close())
}
