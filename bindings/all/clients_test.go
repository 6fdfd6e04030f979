package all_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// TestClients: the sandbox serves the clients that the vendors publish, unmodified.
// Their names and versions are in testdata/clients/package.json; one script for
// each calls it.
func TestClients(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the vendors' clients are not installed")
	}
	folder := installClients(t)
	s, err := sandbox.New(sandbox.Config{Apps: all.Apps(), Rules: all.Rules(), Seed: 1, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// Graph's client sends no token over http.
	secure := httptest.NewTLSServer(s.Handler())
	defer secure.Close()
	certificate := filepath.Join(folder, "sandbox.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(certificate, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for app, address := range map[string]string{
		"asana": s.URL(""), "googlecalendar": s.URL(""), "highlevel": s.URL(""), "slack": s.URL(""), "teams": secure.URL,
	} {
		t.Run(app, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			command := exec.CommandContext(ctx, "node", app+".mjs", strings.TrimSuffix(address, "/"))
			command.Dir = folder
			command.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+certificate)
			out, err := command.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			t.Logf("%s", out)
		})
	}
}

// installClients installs the clients with the scripts beside them, and returns the
// folder. Without Node or a registry it skips the test.
func installClients(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the vendors' clients are not tried: there is no %s here", program)
		}
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("testdata/clients")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
	command.Dir = folder
	if out, err := command.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "" {
			t.Skipf("the vendors' clients are not tried: npm cannot install them: %v", err)
		}
		t.Fatalf("npm install: %v\n%s", err, out)
	}
	for name, version := range versions(t) {
		t.Logf("%s %s", name, version)
	}
	return folder
}

// versions returns the clients by name, each with its exact version.
func versions(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/clients/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var listed struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(text, &listed); err != nil {
		t.Fatal(err)
	}
	for name, version := range listed.Dependencies {
		if strings.Trim(version, "0123456789.") != "" {
			t.Errorf("%s: version %q, expected an exact one", name, version)
		}
	}
	return listed.Dependencies
}
