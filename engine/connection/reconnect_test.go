package connection_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
)

// TestReconnect: the answer to a refresh was lost longer ago than the vendor's
// grace. HighLevel issues new tokens to a client that has lost the last ones, but
// not where the customer removed the app.
func TestReconnect(t *testing.T) {
	for _, test := range []struct {
		name    string
		revoked bool
	}{{"lost", false}, {"taken away", true}} {
		t.Run(test.name, func(t *testing.T) {
			clock := clock.NewManual(monday)
			apps, err := sandbox.New(sandbox.Config{Apps: all.Apps(), Rules: all.Rules(), Now: clock.Now, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			if err := apps.Start(context.WithoutCancel(t.Context()), "127.0.0.1:0"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = apps.Close() })
			data := t.TempDir()
			entry := connection.Entry{Connection: "highlevel", AuthName: "oauth", ConnectedAt: clock.Now(), Token: connection.Token{Refresh: sandbox.RefreshToken},
				Settings: &connection.Settings{Name: "highlevel", Account: apps.Account("highlevel"), BaseURL: apps.URL("highlevel"), TokenURL: apps.TokenURL("highlevel"),
					Credentials: map[string]string{"client_id": sandbox.ClientID, "client_secret": sandbox.ClientSecret}}}
			open := func() *connection.Set {
				set, err := connection.New(connection.Config{Apps: all.Apps(), Folder: data, Clock: clock,
					HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(set.Close)
				return set
			}
			put(t, data, entry)
			if _, err := authorize(t, open(), "highlevel"); err != nil {
				t.Fatal(err)
			}
			entry.RefreshBegun = clock.Now() // as if its result had not been saved
			put(t, data, entry)
			clock.Advance(time.Hour)
			if test.revoked {
				if err := apps.Revoke("highlevel"); err != nil {
					t.Fatal(err)
				}
			}
			header, err := authorize(t, open(), "highlevel")
			if test.revoked {
				wantError(t, err, bindings.BrokenConnection, "invalid_grant", "was cut off before its answer was saved, longer ago than the 30s for which")
				return
			}
			if err != nil || header == "" {
				t.Fatalf("got %q, %v", header, err)
			}
			if saved := entryOf(t, data, "highlevel"); !saved.RefreshBegun.IsZero() || slices.Contains([]string{"", sandbox.RefreshToken}, saved.Token.Refresh) {
				t.Errorf("saved is a refresh begun at %v", saved.RefreshBegun)
			}
		})
	}
}
