package connection_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// kept is what connect would have put into the vault.
func kept(name, refresh string) connection.Entry {
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

// A connection that connect made is whole by itself.
func TestKeptConnection(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, kept("crm/paris", "refresh-0"))
	set := v.open(t, data, nil)
	wantHeader(t, set, "crm/paris", "Bearer access-1")
	if c, found := set.ByAccount("crm", "account of crm/paris"); !found || c.Name() != "crm/paris" {
		t.Errorf("its account leads to %v", c)
	}
}

// What the configuration says of a connection stands over what is kept, one
// setting by one.
func TestConfigurationStandsOverTheVault(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, kept("crm", "refresh-0"))
	set := v.open(t, data, nil, connection.Settings{Name: "crm", Account: "acme", ReadOnly: true, WebhookSecret: "hook-secret"})
	wantHeader(t, set, "crm", "Bearer access-1")
	c, _ := set.Get("crm")
	if c.Account() != "acme" || !c.ReadOnly() || c.WebhookSecret() != "hook-secret" {
		t.Errorf("got the account %q, read only %v, the secret %q", c.Account(), c.ReadOnly(), c.WebhookSecret())
	}
	// A whole key in the configuration needs nothing of what is kept.
	wantHeader(t, v.open(t, data, nil, connection.Settings{Name: "crm", Credentials: map[string]string{"token": "pit-1234"}}), "crm", "Bearer pit-1234")
}

// What is not connected yet keeps nobody else from working, and says what to do.
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
	put(t, data, kept("crm", "refresh-0"))
	before := set.Recoveries()
	mended, err := set.Reload("")
	if err != nil || fmt.Sprint(mended) != "[crm]" || set.Recoveries() == before {
		t.Fatalf("mended %v, %v", mended, err)
	}
	wantHeader(t, set, "crm", "Bearer access-1")
}

// A reload leaves the token of what is as it was, and takes up the rest.
func TestReload(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, kept("crm", "refresh-0"))
	set := v.open(t, data, nil)
	wantHeader(t, set, "crm", "Bearer access-1")
	put(t, data, connection.Entry{Connection: "crm/paris", AuthName: "token", ConnectedAt: monday,
		Settings: &connection.Settings{Name: "crm/paris", Credentials: map[string]string{"token": "pit-1234"}}})
	if mended, err := set.Reload(""); err != nil || fmt.Sprint(mended) != "[crm/paris]" {
		t.Fatalf("mended %v, %v", mended, err)
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
	wantHeader(t, set, "crm/paris", "Bearer pit-1234") // runs under way know it by its old name
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

// A vault that does not open stops what needs it, and nothing else; nothing is
// wiped, and the right key brings all back.
func TestVaultWithoutItsKey(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, kept("crm", "refresh-0"), kept("crm/lyon", "refresh-0"))
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
	if mended, err := set.Reload(""); err != nil || fmt.Sprint(mended) != "[crm crm/lyon]" {
		t.Fatalf("mended %v, %v", mended, err)
	}
	wantHeader(t, set, "crm/lyon", "Bearer access-1")
}

// Two processes on one vault refresh once, whoever of their callers comes first.
func TestOneRefreshForAllProcesses(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, kept("crm", "refresh-0"))
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

// A refresh whose end nobody kept is made again at the next start: within its
// grace the vendor takes the spent token once more.
func TestRecovery(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	entry := kept("crm", "refresh-0")
	entry.Token.Access, entry.Token.Expires, entry.RefreshBegun = "access-0", monday.Add(time.Hour), monday
	put(t, data, entry)
	set := v.open(t, data, func() time.Time { return monday.Add(10 * time.Second) })
	set.ResumeRefreshes()
	set.Close()
	if v.requests != 1 {
		t.Fatalf("the vendor was asked %d times, want at once", v.requests)
	}
	wantHeader(t, set, "crm", "Bearer access-1")
	if got := entryOf(t, data, "crm"); !got.RefreshBegun.IsZero() || got.Token.Refresh != "refresh-1" || got.Settings == nil {
		t.Errorf("kept is %+v of %v", got.Token.Refresh, got.RefreshBegun)
	}
}

// After it the connection is broken, and what is kept stays as it was.
func TestRecoveryTooLate(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	v.refresh = "refresh-1" // which nobody kept
	entry := kept("crm", "refresh-0")
	entry.RefreshBegun = monday
	put(t, data, entry)
	set := v.open(t, data, nil)
	_, err := authorize(t, set, "crm")
	wantError(t, err, bindings.BrokenConnection, "invalid_grant", "a refresh begun at 2026-03-02T09:00:00Z was cut off before its answer was kept")
	if got := entryOf(t, data, "crm"); got.Token.Refresh != "refresh-0" || got.Broken == nil {
		t.Errorf("kept is %q, broken %v", got.Token.Refresh, got.Broken)
	}
	// Neither another process nor the next start asks the vendor again.
	_, err = authorize(t, v.open(t, data, nil), "crm")
	wantError(t, err, bindings.BrokenConnection, "invalid_grant")
	if v.requests != 1 {
		t.Errorf("the vendor was asked %d times, want once", v.requests)
	}
}

// Broken by the vendor's word, mended by connecting again.
func TestBreakAndMend(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, kept("crm", "refresh-0"))
	set := v.open(t, data, nil)
	wantHeader(t, set, "crm", "Bearer access-1")
	if err := set.SetBroken(t.Context(), "crm", "the app was uninstalled"); err != nil {
		t.Fatal(err)
	}
	for _, set := range []*connection.Set{set, v.open(t, data, nil)} {
		_, err := authorize(t, set, "crm")
		wantError(t, err, bindings.BrokenConnection, "the app was uninstalled; connect again: tidewire connect crm")
	}
	if mended, err := set.Reload(""); err != nil || len(mended) > 0 {
		t.Errorf("mended %v, %v by nothing", mended, err)
	}
	v.refresh = "refresh-new"
	again := kept("crm", "refresh-new")
	again.ConnectedAt = monday.Add(time.Hour)
	put(t, data, again)
	if mended, err := set.Reload(""); err != nil || fmt.Sprint(mended) != "[crm]" {
		t.Fatalf("mended %v, %v", mended, err)
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

// An access token without a refresh token stays until it is refused.
func TestTokenThatStays(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	entry := kept("crm", "")
	entry.Token = connection.Token{Access: "access-for-good", Scopes: []string{"chat:write"}}
	put(t, data, entry)
	set := v.open(t, data, nil)
	wantHeader(t, set, "crm", "Bearer access-for-good")
	c, _ := set.Get("crm")
	if c.Expire("access-for-good") || fmt.Sprint(c.Scopes()) != "[chat:write]" {
		t.Errorf("it can be renewed, or has the scopes %v", c.Scopes())
	}
}

// A client of its own right gets tokens without a person.
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

// A bot and a person of one workspace are two connections; events are the
// bot's.
func TestTwoKindsOfOneAccount(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	bot, person, copied := kept("crm/z", "refresh-0"), kept("crm/me", "refresh-0"), kept("crm/copy", "refresh-0")
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
