package connection_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// stored is an entry as connect saves it.
func stored(name, refresh string) connection.Entry {
	return connection.Entry{Connection: name, AuthName: "oauth", ConnectedAt: monday, Token: connection.Token{Refresh: refresh},
		Settings: &connection.Settings{Name: name, Account: "account of " + name,
			Credentials: map[string]string{"client_id": "the-id", "client_secret": "the-client-secret"}}}
}

func put(t *testing.T, data string, entries ...connection.Entry) {
	t.Helper()
	for _, entry := range entries {
		if err := vaultOf(t, data).Save(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
}

func entryOf(t *testing.T, data, name string) connection.Entry {
	t.Helper()
	entry, err := vaultOf(t, data).Load(name)
	if err != nil || entry == nil {
		t.Fatalf("the vault has %v, %v of %s", entry, err, name)
	}
	return *entry
}

// A connection that connect made needs nothing from the configuration.
func TestStoredConnection(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, stored("crm/paris", "refresh-0"))
	set := v.open(t, data, nil)
	wantHeader(t, set, "crm/paris", "Bearer access-1")
	if c, found := set.ByAccount("crm", "account of crm/paris"); !found || c.Name() != "crm/paris" {
		t.Errorf("its account leads to %v", c)
	}
}

// A setting in the configuration overrides the stored one, each by itself.
func TestConfigurationOverridesTheVault(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, stored("crm", "refresh-0"))
	set := v.open(t, data, nil, connection.Settings{Name: "crm", Account: "acme", ReadOnly: true, WebhookSecret: "hook-secret"})
	wantHeader(t, set, "crm", "Bearer access-1")
	c, _ := set.Get("crm")
	if c.Account() != "acme" || !c.ReadOnly() || c.WebhookSecret() != "hook-secret" {
		t.Errorf("got the account %q, read only %v, the secret %q", c.Account(), c.ReadOnly(), c.WebhookSecret())
	}
	// With all fields of an Auth in the configuration, the stored settings are not
	// used.
	wantHeader(t, v.open(t, data, nil, connection.Settings{Name: "crm", Credentials: map[string]string{"token": "pit-1234"}}), "crm", "Bearer pit-1234")
}

// Beside a connection that is not connected yet others work, and a call on it
// gets an error with what to do.
func TestUnconnected(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	set := v.open(t, data, nil, connection.Settings{Name: "crm", WebhookSecret: "hook-secret"},
		connection.Settings{Name: "crm/lyon", Credentials: map[string]string{"client_id": "the-id"}},
		connection.Settings{Name: "crm/paris", Account: "a", Credentials: map[string]string{"token": "pit-1234"}})
	wantHeader(t, set, "crm/paris", "Bearer pit-1234")
	for _, name := range []string{"crm", "crm/lyon"} {
		_, err := authorize(t, set, name)
		wantError(t, err, bindings.BrokenConnection, "is not connected yet; connect it with: tidewire connect "+name)
	}
	put(t, data, stored("crm", "refresh-0"))
	before := set.Recoveries()
	recovered, err := set.Reload("")
	if err != nil || fmt.Sprint(recovered) != "[crm]" || set.Recoveries() == before {
		t.Fatalf("recovered %v, %v", recovered, err)
	}
	wantHeader(t, set, "crm", "Bearer access-1")
}

// After a reload a connection without a change has its token, and the others are
// new.
func TestReload(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, stored("crm", "refresh-0"))
	set := v.open(t, data, nil)
	wantHeader(t, set, "crm", "Bearer access-1")
	put(t, data, connection.Entry{Connection: "crm/paris", AuthName: "token", ConnectedAt: monday,
		Settings: &connection.Settings{Name: "crm/paris", Credentials: map[string]string{"token": "pit-1234"}}})
	if recovered, err := set.Reload(""); err != nil || fmt.Sprint(recovered) != "[crm/paris]" {
		t.Fatalf("recovered %v, %v", recovered, err)
	}
	wantHeader(t, set, "crm", "Bearer access-1")
	wantHeader(t, set, "crm/paris", "Bearer pit-1234")
	if v.requests != 1 {
		t.Errorf("the vendor was asked %d times, want once", v.requests)
	}
	if err := vaultOf(t, data).Rename(t.Context(), "crm/paris", "crm/rome"); err != nil {
		t.Fatal(err)
	}
	if _, err := set.Reload(""); err != nil {
		t.Fatal(err)
	}
	wantHeader(t, set, "crm/paris", "Bearer pit-1234") // runs under way use its old name
	if c, _ := set.Get("crm/paris"); c.Name() != "crm/rome" {
		t.Errorf("it is called %q", c.Name())
	}
	if err := vaultOf(t, data).Remove(t.Context(), "crm/rome"); err != nil {
		t.Fatal(err)
	}
	if _, err := set.Reload(""); err != nil {
		t.Fatal(err)
	}
	if _, found := set.Get("crm/paris"); found {
		t.Error("it is there although it was removed")
	}
}

// TestReloadWithWrongSettings: an entry with settings that cannot be used makes that
// connection unusable, at a reload and at the next start, and no other.
func TestReloadWithWrongSettings(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, stored("crm", "refresh-0"))
	set := v.open(t, data, nil)
	put(t, data, connection.Entry{Connection: "crm/paris", AuthName: "token", ConnectedAt: monday,
		Settings: &connection.Settings{Name: "crm/paris", BaseURL: "http://crm.example", As: "compny", Credentials: map[string]string{"token": "pit-1234"}}},
		stored("crm/lyon", "refresh-0"))
	if recovered, err := set.Reload(""); err != nil || fmt.Sprint(recovered) != "[crm/lyon]" {
		t.Fatalf("recovered %v, %v", recovered, err)
	}
	set.Close()
	for _, one := range []*connection.Set{set, v.open(t, data, nil)} {
		wantHeader(t, one, "crm/lyon", "Bearer access-1")
		_, err := authorize(t, one, "crm/paris")
		wantError(t, err, bindings.BrokenConnection, `base_url: expected https (http only on this machine), found "http://crm.example"`, `as: crm has no such kind of connection`)
	}
}

// With a vault that cannot be opened only the connections that need it cannot be
// used; nothing is deleted, and with the right key all work again.
func TestVaultWithoutItsKey(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, stored("crm", "refresh-0"), stored("crm/lyon", "refresh-0"))
	away := data + "/vault/key.away"
	rename(t, data+"/vault/key", away)
	set := v.open(t, data, nil, connection.Settings{Name: "crm/paris", Credentials: map[string]string{"token": "pit-1234"}})
	wantHeader(t, set, "crm/paris", "Bearer pit-1234")
	for _, name := range []string{"crm", "crm/lyon"} {
		_, err := authorize(t, set, name)
		wantError(t, err, bindings.BrokenConnection, "vault/key is gone", "tidewire connect each of crm, crm/lyon")
	}
	if err := vaultOfErr(data); err == nil || !strings.Contains(err.Error(), "put the right key back") {
		t.Errorf("got %v", err)
	}
	rename(t, away, data+"/vault/key")
	if recovered, err := set.Reload(""); err != nil || fmt.Sprint(recovered) != "[crm crm/lyon]" {
		t.Fatalf("recovered %v, %v", recovered, err)
	}
	wantHeader(t, set, "crm/lyon", "Bearer access-1")
}

// Two processes on one vault refresh once, for all of their callers.
func TestOneRefreshForAllProcesses(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, stored("crm", "refresh-0"))
	sets := []*connection.Set{v.open(t, data, nil), v.open(t, data, nil)}
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() { wantHeader(t, sets[i%2], "crm", "Bearer access-1") })
	}
	all.Wait()
	if v.requests != 1 {
		t.Errorf("the vendor was asked %d times, want once", v.requests)
	}
}

// A refresh whose result was not saved is made again at the next start: within
// its grace the vendor accepts the spent token once more.
func TestRecovery(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	entry := stored("crm", "refresh-0")
	entry.Token.Access, entry.Token.Expires, entry.RefreshBegun = "access-0", monday.Add(time.Hour), monday
	put(t, data, entry)
	set := v.open(t, data, clock.NewManual(monday.Add(10*time.Second)))
	set.ResumeRefreshes()
	set.Close()
	if v.requests != 1 {
		t.Fatalf("the vendor was asked %d times, want at once", v.requests)
	}
	wantHeader(t, set, "crm", "Bearer access-1")
	if got := entryOf(t, data, "crm"); !got.RefreshBegun.IsZero() || got.Token.Refresh != "refresh-1" || got.Settings == nil {
		t.Errorf("stored is %+v of %v", got.Token.Refresh, got.RefreshBegun)
	}
}

// After the grace the connection is broken, and the stored token stays as it was.
func TestRecoveryTooLate(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	v.refresh = "refresh-1" // which was not saved
	entry := stored("crm", "refresh-0")
	entry.RefreshBegun = monday
	put(t, data, entry)
	set := v.open(t, data, nil)
	_, err := authorize(t, set, "crm")
	wantError(t, err, bindings.BrokenConnection, "invalid_grant", "a refresh begun at 2026-03-02T09:00:00Z was cut off before its answer was saved")
	if got := entryOf(t, data, "crm"); got.Token.Refresh != "refresh-0" || got.Broken == nil {
		t.Errorf("stored is %q, broken %v", got.Token.Refresh, got.Broken)
	}
	// Neither another process nor the next start asks the vendor again.
	_, err = authorize(t, v.open(t, data, nil), "crm")
	wantError(t, err, bindings.BrokenConnection, "invalid_grant")
	if v.requests != 1 {
		t.Errorf("the vendor was asked %d times, want once", v.requests)
	}
}

// A vendor's report sets a connection broken, and connecting again repairs it.
func TestSetAndClearBroken(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, stored("crm", "refresh-0"))
	set := v.open(t, data, nil)
	wantHeader(t, set, "crm", "Bearer access-1")
	if err := set.SetBroken(t.Context(), "crm", "the app was uninstalled"); err != nil {
		t.Fatal(err)
	}
	for _, set := range []*connection.Set{set, v.open(t, data, nil)} {
		_, err := authorize(t, set, "crm")
		wantError(t, err, bindings.BrokenConnection, "the app was uninstalled; connect again: tidewire connect crm")
	}
	if recovered, err := set.Reload(""); err != nil || len(recovered) > 0 {
		t.Errorf("recovered %v, %v without a change", recovered, err)
	}
	v.refresh = "refresh-new"
	again := stored("crm", "refresh-new")
	again.ConnectedAt = monday.Add(time.Hour)
	put(t, data, again)
	if recovered, err := set.Reload(""); err != nil || fmt.Sprint(recovered) != "[crm]" {
		t.Fatalf("recovered %v, %v", recovered, err)
	}
	wantHeader(t, set, "crm", "Bearer access-2")
	if err := set.SetBroken(t.Context(), "crm", "away"); err != nil {
		t.Fatal(err)
	}
	if err := set.ClearBroken(t.Context(), "crm"); err != nil {
		t.Fatal(err)
	}
	wantHeader(t, set, "crm", "Bearer access-2")
}

// A vendor that nests its answer, has addresses by tenant, and wants the
// client in a header.
func TestTokenAnswers(t *testing.T) {
	v := newVendor(t)
	app := v.app()
	app.Auth[1].Optional, app.Auth[1].Plain, app.Auth[1].Defaults = []string{"tenant"}, []string{"tenant"}, map[string]string{"tenant": "oauth"}
	o := app.Auth[1].OAuth
	o.TokenURL, o.TokenAuth, o.Expired = v.URL+"/{tenant}/token", bindings.InHeader, []string{"token_expired"}
	app.Variants = append(app.Variants, bindings.Variant{Name: "user", Within: "authed_user"})
	v.answer = func(w http.ResponseWriter, r *http.Request) {
		if id, secret, _ := r.BasicAuth(); id != "the-id" || secret != "the-client-secret" || r.PostForm.Has("client_secret") {
			t.Errorf("the client is %q in the header and %v in the form", id, r.PostForm)
		}
		fmt.Fprint(w, `{"ok":true,"access_token":"of the bot","authed_user":{"access_token":"of the user","refresh_token":"refresh-9","scope":"a,b","expires_in":60}}`)
	}
	settings := oauth("refresh-0")
	settings.As = "user"
	set, err := connection.New(connection.Config{Apps: []*bindings.App{app}, Settings: []connection.Settings{settings}, Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	wantHeader(t, set, "crm", "Bearer of the user")
	c, _ := set.Get("crm")
	if fmt.Sprint(c.Scopes()) != "[a b]" || !c.Expired("token_expired") || c.Expired("other") {
		t.Errorf("got the scopes %v", c.Scopes())
	}
}

// An access token without a refresh token is used until it is refused.
func TestTokenWithoutRefresh(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	entry := stored("crm", "")
	entry.Token = connection.Token{Access: "access-for-good", Scopes: []string{"chat:write"}}
	put(t, data, entry)
	set := v.open(t, data, nil)
	wantHeader(t, set, "crm", "Bearer access-for-good")
	c, _ := set.Get("crm")
	if c.Expire("access-for-good") || fmt.Sprint(c.Scopes()) != "[chat:write]" {
		t.Errorf("it can be renewed, or has the scopes %v", c.Scopes())
	}
}

// With client credentials tokens are requested without a person.
func TestClientCredentials(t *testing.T) {
	v := newVendor(t)
	app := v.app()
	app.Auth[1].OAuth.ClientCredentials = true
	app.Auth[1].OAuth.Scopes.Default = []string{".default"}
	var form string
	v.answer = func(w http.ResponseWriter, r *http.Request) {
		form = r.PostForm.Encode()
		fmt.Fprint(w, `{"access_token":"of the client","expires_in":60}`)
	}
	settings := oauth("")
	delete(settings.Credentials, "refresh_token")
	set, err := connection.New(connection.Config{Apps: []*bindings.App{app}, Settings: []connection.Settings{settings}, Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	wantHeader(t, set, "crm", "Bearer of the client")
	if want := "client_id=the-id&client_secret=the-client-secret&grant_type=client_credentials&scope=.default&user_type=Location"; form != want {
		t.Errorf("asked with %s", form)
	}
}

// A bot and a person of one workspace are two connections; events go to the
// bot's.
func TestTwoKindsOfOneAccount(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	bot, person, copied := stored("crm/z", "refresh-0"), stored("crm/me", "refresh-0"), stored("crm/copy", "refresh-0")
	for _, entry := range []*connection.Entry{&bot, &person, &copied} {
		entry.Settings.Account = "acme"
	}
	person.Settings.As = "company"
	put(t, data, bot, person)
	set := v.open(t, data, nil)
	if c, found := set.ByAccount("crm", "acme"); !found || c.Name() != "crm/z" {
		t.Errorf("its events go to %v", c)
	}
	put(t, data, copied)
	if _, err := set.Reload(""); err != nil {
		t.Fatal(err)
	}
	_, err := authorize(t, set, "crm/z")
	wantError(t, err, bindings.BrokenConnection, `crm/copy has its location "acme" too; remove one of them`)
	if c, _ := set.ByAccount("crm", "acme"); c.Name() != "crm/copy" {
		t.Errorf("its events go to %v", c)
	}
}
