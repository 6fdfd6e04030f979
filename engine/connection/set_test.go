package connection_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
)

func apps() []*bindings.App {
	crm := (&vendor{Server: &httptest.Server{URL: "https://crm.example"}}).app()
	token := []bindings.Auth{{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "{token}"}}
	return []*bindings.App{crm, {Name: "bank", Auth: token}, {Name: "chat", Auth: token}, {Name: "open"}}
}

// Each problem is in the error, with its place in the configuration.
func TestOpenNamesWhatIsWrong(t *testing.T) {
	token := map[string]string{"token": "t"}
	set, problems := connection.Open(connection.Config{
		Apps:     apps(),
		Accounts: map[string][]string{"bank": {"chat/x", "bank/b"}, "nobody": nil},
		Settings: []connection.Settings{
			{Name: "Crm", Credentials: token},
			{Name: "cmr", Credentials: token},
			{Name: "bank", Credentials: token, BaseURL: "http://bank.example", Account: "a1"},
			{Name: "bank", Credentials: token},
			{Name: "bank/b", Credentials: map[string]string{"tokn": "x", "token": ""}, Account: "a1"},
			{Name: "bank/c", Checks: "maybe", Webhooks: "always", Timeout: -time.Second, Poll: time.Second, Reconcile: time.Hour, Credentials: map[string]string{"token": "a\nb"}},
			{Name: "chat"}, // it is not connected yet
			{Name: "crm/a", Credentials: map[string]string{"client_secret": "x"}},
			{Name: "crm/f", Credentials: map[string]string{"client_id": "x"}, As: "compny"},
			{Name: "crm/b", Parent: "crm/z"},
			{Name: "crm/c", Parent: "bank"},
			{Name: "crm/d", Credentials: token, WebhookKeys: map[string]string{"ed2551": "x", "rsa": "x"}, Signatures: []string{"ed25519"}},
			{Name: "crm/e", Credentials: map[string]string{"client_id": "x", "client_secret": "y", "refresh_token": "z"}},
			{Name: "open", TokenURL: "not an address"},
		},
	})
	defer set.Close()
	want := []string{
		`connections.Crm: expected a name such as "highlevel" or "highlevel/paris"`,
		`connections.cmr: there is no app "cmr" (did you mean "crm"?); known are crm, bank, chat, open`,
		`connections.bank.base_url: expected https (http only on this machine), found "http://bank.example"`,
		`connections.bank: is listed twice`,
		`connections.bank/b.account: "a1" is the account of "bank" too`,
		`connections.bank/b.token: is empty`,
		`connections.bank/b.tokn: bank has no such setting (did you mean "token"?)`,
		`connections.bank/c.checks: expected "warn" or "off", found "maybe"`,
		`connections.bank/c.webhooks: expected "auto" or "manual", found "always"`,
		`connections.bank/c.timeout: expected a duration above zero`,
		`connections.bank/c.poll: expected off, or 10s at least, found 1s`,
		`connections.bank/c.poll: bank has no list that could be polled`,
		`connections.bank/c.reconcile: bank has no list in which what webhooks lost could be found`,
		`connections.bank/c.token: holds a line break`,
		`connections.crm/a.client_id: is missing; the way "oauth" needs client_id, client_secret, refresh_token`,
		`connections.crm/a.refresh_token: is missing`,
		`connections.crm/b.parent: there is no connection "crm/z"`,
		`connections.crm/c.parent: "bank" is a connection to bank, expected one to crm`,
		`connections.crm/d.webhook_keys.ed2551: crm has no such signature (did you mean "ed25519"?)`,
		`connections.crm/d.webhook_keys.rsa: expected a public key in PEM`,
		`connections.crm/d.signatures: crm has no signature "ed25519" to ask for; it has rsa`,
		`connections.crm/e: its tokens rotate and there is no data folder`,
		`connections.crm/f.as: crm has no such kind of connection (did you mean "company"?); it has company`,
		`connections.open.token_url: expected an address such as https://`,
		`accounts.bank: there is no connection "chat/x"`,
		`accounts.bank: "bank/b" is of the same app`,
		`accounts.nobody: there is no connection "nobody"`,
	}
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.Error())
	}
	for _, word := range want {
		found := false
		for _, line := range lines {
			found = found || strings.HasPrefix(line, word)
		}
		if !found {
			t.Errorf("no problem is %q", word)
		}
	}
	if len(lines) != len(want) {
		t.Errorf("got %d problems, want %d:\n%s", len(lines), len(want), strings.Join(lines, "\n"))
	}
}

// TestOnlyOneIsLeft: a call is not sent to the only connection that can be used, if
// another one whose settings are wrong, or that is gone, may be meant.
func TestOnlyOneIsLeft(t *testing.T) {
	token := map[string]string{"token": "t"}
	set, err := connection.New(connection.Config{
		Apps:          apps(),
		Accounts:      map[string][]string{"crm": {"chat/gone"}},
		KnownProblems: map[string]string{"open/paris": "found a number, expected settings by name"},
		Settings: []connection.Settings{
			{Name: "crm", Credentials: token}, {Name: "bank", Credentials: token}, {Name: "bank/pa ris", Credentials: token},
			{Name: "chat", Credentials: token}, {Name: "open"}, {Name: "cmr"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for app, want := range map[string]string{
		"bank": "bank has 2 connections (bank, bank/pa ris)",
		"open": "open has 2 connections (open, open/paris)",
		"chat": `accounts: in the configuration has "chat/gone" for "crm", and there is no such connection (chat has chat)`,
	} {
		if c, err := set.Resolve(app, "", "crm"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v, want %s", app, c, err, want)
		}
	}
	got := ""
	for _, p := range set.Problems() {
		got += p.Error() + "\n"
	}
	want := "connections.cmr: there is no app \"cmr\" (did you mean \"crm\"?); known are crm, bank, chat, open\naccounts.crm: there is no connection \"chat/gone\"\n"
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestSet(t *testing.T) {
	set := resolvable(t)
	var names []string
	for _, c := range set.All() {
		names = append(names, c.Name())
	}
	if got := strings.Join(names, " "); got != "bank bank/lyon bank/paris chat crm crm/paris open" {
		t.Errorf("got %s", got)
	}
	if got := set.OfApp("crm"); len(got) != 2 || got[1].Name() != "crm/paris" {
		t.Errorf("got %v", got)
	}
	if c, found := set.ByAccount("crm", "loc-paris"); !found || c.Name() != "crm/paris" {
		t.Errorf("got %v", c)
	}
	if c, found := set.ByAccount("bank", ""); found {
		t.Errorf("got %v for no account", c)
	}
}

func resolvable(t *testing.T) *connection.Set {
	t.Helper()
	token := map[string]string{"token": "t"}
	set, err := connection.New(connection.Config{
		Apps:     apps(),
		Accounts: map[string][]string{"crm/paris": {"bank/paris"}, "bank/lyon": {"crm/paris"}},
		Settings: []connection.Settings{
			{Name: "crm", Credentials: token}, {Name: "crm/paris", Credentials: token, Account: "loc-paris"},
			{Name: "bank", Credentials: token}, {Name: "bank/paris", Credentials: token}, {Name: "bank/lyon", Credentials: token},
			{Name: "chat", Credentials: token}, {Name: "open"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestResolve(t *testing.T) {
	set := resolvable(t)
	tests := []struct {
		app, wanted, event string
		want               string // a name, or words of the error
	}{
		{"crm", "", "crm/paris", "crm/paris"},     // the event's own app
		{"crm", "", "crm", "crm"},                 //
		{"crm", "crm", "crm/paris", "crm"},        // the name in the call comes first
		{"crm", "paris", "crm", "crm/paris"},      //
		{"crm", "crm/paris", "bank", "crm/paris"}, //
		{"bank", "", "crm/paris", "bank/paris"},   // what accounts: maps
		{"crm", "", "bank/lyon", "crm/paris"},     //
		{"crm", "", "bank/paris", "crm/paris"},    // the other way round
		{"chat", "", "crm/paris", "chat"},         // the only one
		{"chat", "", "", "chat"},                  //
		{"bank", "lyno", "", `there is no connection "bank/lyno"; did you mean "lyon"? (bank has bank, bank/lyon, bank/paris)`},
		{"bank", "crm/paris", "", `there is no connection "bank/crm/paris"`},
		{"bank", "", "", `bank has 3 connections (bank, bank/lyon, bank/paris) and nothing selects one; write { connection = "paris" }`},
		{"bank", "", "crm", `none is set for "crm"; map it under accounts:`},
		{"crm", "", "crm/gone", `the event came by connection "crm/gone", which is no longer configured`},
		{"mail", "", "crm", `no connection to mail is configured; connect it with: tidewire connect mail`},
	}
	for _, test := range tests {
		c, err := set.Resolve(test.app, test.wanted, test.event)
		switch {
		case err != nil && !strings.Contains(err.Error(), test.want):
			t.Errorf("%s %q in a run of %q: got the error %v, want %s", test.app, test.wanted, test.event, err, test.want)
		case err == nil && c.Name() != test.want:
			t.Errorf("%s %q in a run of %q: got %s, want %s", test.app, test.wanted, test.event, c.Name(), test.want)
		}
	}
}
