package connection_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
)

// maxInstalled is how many connections the installations of a company may make.
const maxInstalled = 3

// company opens a set with a company, and another one with a location of its own.
func company(t *testing.T, data string) *connection.Set {
	t.Helper()
	v := newVendor(t)
	v.maxInstalled = maxInstalled
	put(t, data, stored("crm/agency", "refresh-0"), stored("crm/other", "refresh-0"),
		connection.Entry{Connection: "crm/rome", ConnectedAt: monday, Settings: &connection.Settings{Name: "crm/rome", Account: "rome", Parent: "crm/other"}})
	return v.open(t, data, nil)
}

// TestInstallsAreBounded: installations make no more connections of a company than
// are allowed.
func TestInstallsAreBounded(t *testing.T) {
	set := company(t, t.TempDir())
	for _, parent := range []string{"crm/agency", "crm/other"} { // crm/other has one
		c, _ := set.Get(parent)
		for i := range 5 {
			if _, err := set.HandleInstall(t.Context(), c, fmt.Sprint(parent, i), monday); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(set.Children(parent)); got != maxInstalled {
			t.Errorf("%s has %d connections, want %d", parent, got, maxInstalled)
		}
	}
}

// TestInstallTwiceAtOnce: the vendor may send an installation twice, and one
// connection is made.
func TestInstallTwiceAtOnce(t *testing.T) {
	set := company(t, t.TempDir())
	agency, _ := set.Get("crm/agency")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := set.HandleInstall(t.Context(), agency, "paris", monday); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if names := set.Children("crm/agency"); !slices.Equal(names, []string{"crm/paris"}) {
		t.Errorf("made %v", names)
	}
}

// TestInstallOfAnotherCompany: a company's message changes no connection of
// another company, and a message for one client id none of another.
func TestInstallOfAnotherCompany(t *testing.T) {
	data := t.TempDir()
	separate := stored("crm/separate", "refresh-0")
	separate.Settings.Credentials = map[string]string{"client_id": "another-id", "client_secret": "another-secret"}
	put(t, data, separate, stored("crm/same", "refresh-0"))
	set := company(t, data)
	agency, _ := set.Get("crm/agency")
	rome, _ := set.Get("crm/rome")
	if err := set.HandleUninstall(t.Context(), rome, "rome", monday); err != nil {
		t.Fatal(err)
	}
	if _, err := set.HandleInstall(t.Context(), agency, "rome", monday.Add(1)); err != nil {
		t.Fatal(err)
	}
	if problem := rome.Problem(); problem == nil || problem.Kind != bindings.BrokenConnection {
		t.Errorf("another company made the connection usable: %v", problem)
	}
	for name, broken := range map[string]bool{"crm/separate": false, "crm/same": true} {
		c, _ := set.Get(name)
		if err := set.HandleUninstall(t.Context(), agency, c.Account(), monday.Add(1)); err != nil {
			t.Fatal(err)
		}
		if (c.Problem() != nil) != broken {
			t.Errorf("%s: the problem is %v", name, c.Problem())
		}
	}
}
