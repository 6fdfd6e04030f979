package engine_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/connection"
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
		{"a wrong connection", func(c *engine.Config) { c.Connections = []connection.Settings{{Name: "notion"}} },
			"the connections cannot be used:\nconnections.notion: there is no app \"notion\"; known are " + knownApps()},
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
