package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/ingest"
)

// TestMisconfigured: a webhook that may be for a connection with wrong settings is
// sent again, and those for others are accepted.
func TestMisconfigured(t *testing.T) {
	r := newReceiver(t, func(c *ingest.Config) {
		set, err := connection.New(connection.Config{Apps: c.Apps, Folder: t.TempDir(), Settings: []connection.Settings{
			{Name: "bank", Credentials: map[string]string{"token": "secret-token"}, WebhookSecret: "bank-secret"},
			{Name: "bank/lyon", Account: "lyon", BaseURL: "http://bank.example", WebhookSecret: " ", Credentials: map[string]string{"token": "secret-token"}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		c.Connections = set
	})
	const client = `{"id":"e1","type":"v1/clients","data":{"event":"created","id":"cl1"}}`
	for _, test := range []struct {
		path, secret string
		want         int
	}{
		{"/hooks/bank/lyon", "lyon-secret", 503},
		{"/hooks/bank", "lyon-secret", 503},
		{"/hooks/bank/bank", "bank-secret", 503}, // there is none, which the sender does not find out
		{"/hooks/bank", "bank-secret", 200},
	} {
		if status, _, _ := r.post(t, test.path, client, signed(t, r.apps[1], 0, test.secret, now)); status != test.want {
			t.Errorf("%s with %s: got %d, want %d", test.path, test.secret, status, test.want)
		}
	}
}

// of returns an option that replaces the connections. Each is completed with a
// token and, for bank, a secret.
func of(t *testing.T, apps []*bindings.App, settings ...connection.Settings) func(*ingest.Config) {
	t.Helper()
	set, err := connection.New(connection.Config{Apps: apps, Settings: settings, Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *ingest.Config) { c.Connections = set }
}

// crmConnections are a location, and a company with one location of its own. They
// are of the app app1.
func crmConnections() []connection.Settings {
	ours := map[string]string{"token": "secret-token", "client_id": "app1-suffix"}
	return []connection.Settings{
		{Name: "crm/paris", Account: "paris", Credentials: ours},
		{Name: "crm/agency", Account: "comp1", As: "company", Credentials: ours},
		{Name: "crm/oslo", Account: "oslo", Parent: "crm/agency"},
	}
}

// TestAccounts: the vendor signs the webhooks of all apps and of all accounts with
// one key, so that a webhook counts only for the connection of each account in it.
func TestAccounts(t *testing.T) {
	sign := signed(t, apps(t)[0], 0, privateKey(t), now)
	for _, c := range []struct {
		name, body string
		paths      []string // each is a name behind /hooks/crm
		status     int
		reason     string // of a refusal
		from       string // the connection of the event
		install    string // the account of the change of an installation
	}{
		{name: "its account", body: `{"type":"ContactCreate","locationId":"paris"}`, paths: []string{"", "/paris"}, status: 200, from: "crm/paris"},
		{name: "an account of nobody", body: `{"type":"ContactCreate","locationId":"rome"}`, paths: []string{"", "/paris", "/agency", "/oslo"}, status: 404, reason: "account"},
		{name: "the account of another connection", body: `{"type":"ContactCreate","locationId":"paris"}`, paths: []string{"/agency", "/oslo"}, status: 404, reason: "account"},
		{name: "a second account, of nobody", body: `{"type":"ContactCreate","locationId":"paris","altId":"rome"}`, paths: []string{"", "/paris"}, status: 404, reason: "account"},
		{name: "a first account, of nobody", body: `{"type":"ContactCreate","locationId":"rome","altId":"paris"}`, paths: []string{"", "/paris"}, status: 404, reason: "account"},
		{name: "no account", body: `{"type":"ContactCreate"}`, paths: []string{"/paris", "/agency", "/oslo"}, status: 422, reason: "account"},
		{name: "a child of the company", body: `{"type":"ContactCreate","locationId":"oslo"}`, paths: []string{"/agency"}, status: 200, from: "crm/agency"},
		{name: "a child, for itself", body: `{"type":"ContactCreate","locationId":"oslo","companyId":"comp1"}`, paths: []string{"", "/oslo"}, status: 200, from: "crm/oslo"},
		{name: "a child, of another company", body: `{"type":"ContactCreate","locationId":"oslo","companyId":"comp2"}`, paths: []string{"", "/oslo", "/agency"}, status: 404, reason: "account"},
		{name: "a location that the vendor places below the company", body: `{"type":"ContactCreate","locationId":"rome","companyId":"comp1"}`, paths: []string{"", "/agency"}, status: 200, from: "crm/agency"},
		{name: "the company alone, for one of its locations", body: `{"type":"ContactCreate","companyId":"comp1"}`, paths: []string{"/oslo", "/paris"}, status: 404, reason: "account"},

		{name: "our app", body: `{"type":"ContactCreate","locationId":"paris","appId":"app1"}`, paths: []string{"", "/paris"}, status: 200, from: "crm/paris"},
		{name: "another app", body: `{"type":"ContactCreate","locationId":"paris","appId":"app2"}`, paths: []string{"", "/paris"}, status: 403, reason: "app"},
		{name: "our app by a parent's client", body: `{"type":"ContactCreate","locationId":"oslo","appId":"app2"}`, paths: []string{"", "/oslo"}, status: 403, reason: "app"},

		{name: "an installation", body: `{"type":"INSTALL","appId":"app1","locationId":"rome","companyId":"comp1"}`, paths: []string{"", "/agency"}, status: 200, from: "crm/agency", install: "rome"},
		{name: "an installation of another app", body: `{"type":"INSTALL","appId":"app2","locationId":"rome","companyId":"comp1"}`, paths: []string{"", "/agency"}, status: 403, reason: "app"},
		{name: "an installation of no app", body: `{"type":"INSTALL","locationId":"rome","companyId":"comp1"}`, paths: []string{"", "/agency"}, status: 403, reason: "app"},
		{name: "an installation by another company", body: `{"type":"INSTALL","appId":"app1","locationId":"rome","companyId":"comp2"}`, paths: []string{"", "/agency", "/paris"}, status: 404, reason: "account"},
		{name: "a removal", body: `{"type":"UNINSTALL","appId":"app1","locationId":"paris"}`, paths: []string{"", "/paris"}, status: 200, from: "crm/paris", install: "paris"},
		{name: "a removal of another app", body: `{"type":"UNINSTALL","appId":"app2","locationId":"paris"}`, paths: []string{"", "/paris"}, status: 403, reason: "app"},
		{name: "a removal by another account", body: `{"type":"UNINSTALL","appId":"app1","locationId":"rome","companyId":"comp2"}`, paths: []string{"", "/paris", "/agency"}, status: 404, reason: "account"},
	} {
		for _, path := range c.paths {
			t.Run(c.name+" at /hooks/crm"+path, func(t *testing.T) {
				var installs []ingest.InstallEvent
				r := newReceiver(t, of(t, apps(t), crmConnections()...), func(config *ingest.Config) {
					config.InstallChanged = func(_ context.Context, e ingest.InstallEvent) error {
						installs = append(installs, e)
						return nil
					}
				})
				status, answer, _ := r.post(t, "/hooks/crm"+path, c.body, sign)
				if status != c.status || !strings.Contains(answer, c.reason) {
					t.Fatalf("got %d %s, want %d and %q", status, answer, c.status, c.reason)
				}
				if (len(r.stored) > 0) != (c.from != "") || (len(installs) > 0) != (c.install != "") {
					t.Fatalf("stored %v, installations %v", r.stored, installs)
				}
				for _, event := range r.stored {
					if event.Connection != c.from {
						t.Errorf("the event is of %q, want %q", event.Connection, c.from)
					}
				}
				for _, e := range installs {
					if e.Account != c.install || e.Connection.Name() != c.from {
						t.Errorf("the installation is of %q by %v", e.Account, e.Connection)
					}
				}
			})
		}
	}
}

// TestUnknownAccount: a connection without an account accepts no webhook of a
// vendor that signs for all with one key, and makes its account of none.
func TestUnknownAccount(t *testing.T) {
	sign := signed(t, apps(t)[0], 0, privateKey(t), now)
	for _, body := range []string{
		`{"type":"ContactCreate","locationId":"rome"}`,
		`{"type":"ContactCreate"}`,
		`{"type":"UNINSTALL","appId":"app1","locationId":"rome","companyId":"comp2"}`,
		`{"type":"INSTALL","appId":"app1","locationId":"rome","companyId":"comp2"}`,
	} {
		for _, path := range []string{"/hooks/crm", "/hooks/crm/new"} {
			r := newReceiver(t, of(t, apps(t), connection.Settings{Name: "crm/new", Credentials: map[string]string{"token": "secret-token", "client_id": "app1-x"}}),
				func(c *ingest.Config) {
					c.InstallChanged = func(context.Context, ingest.InstallEvent) error {
						t.Errorf("%s at %s changed an installation", body, path)
						return nil
					}
				})
			status, answer, header := r.post(t, path, body, sign)
			if status != http.StatusTooManyRequests || !strings.Contains(answer, "its location is not known") || header.Get("Retry-After") == "" || len(r.stored) > 0 {
				t.Errorf("%s at %s: got %d %s, and %d events are stored", body, path, status, answer, len(r.stored))
			}
		}
	}
	// A key of the connection proves for whom a webhook is.
	r := newReceiver(t)
	if status, answer, _ := r.post(t, "/hooks/bank", `{"id":"e1","type":"v1/clients"}`, signed(t, apps(t)[1], 0, "bank-secret", now)); status != 200 {
		t.Errorf("a connection with a key of its own: got %d %s", status, answer)
	}
}

// TestAccountsOfEveryApp sends the webhook of another account to each app that has
// accounts in its webhooks, at both addresses, signed as the vendor signs.
func TestAccountsOfEveryApp(t *testing.T) {
	tested := 0
	for _, app := range all.Apps() {
		if app.Webhook == nil || len(app.Account.Paths) == 0 {
			continue
		}
		tested++
		t.Run(app.Name, func(t *testing.T) {
			settings := connection.Settings{Name: app.Name + "/ours", Account: "ours", WebhookSecret: "webhook-secret", Credentials: map[string]string{}}
			way := app.Auth[len(app.Auth)-1]
			for _, field := range way.Fields {
				settings.Credentials[field] = "a-credential"
			}
			for _, address := range way.Addresses {
				settings.Credentials[address] = "https://vendor.example/x"
			}
			var sign func([]byte) http.Header
			if app.Webhook.Token == nil {
				key := "webhook-secret"
				if signature := app.Webhook.Signatures[0]; signature.Key != "" {
					key, settings.WebhookKeys = privateKey(t), map[string]string{signature.Name: publicKey(t)}
				}
				sign = signed(t, app, 0, key, now)
			}
			for account, want := range map[string]bool{"ours": true, "theirs": false, "": !app.Webhook.SharesKey()} {
				for _, path := range []string{"/hooks/" + app.Name, "/hooks/" + app.Name + "/ours"} {
					r := newReceiver(t, func(c *ingest.Config) { c.Apps = []*bindings.App{app} }, of(t, []*bindings.App{app}, settings))
					status, answer, _ := r.post(t, path, accountBody(app, account), sign)
					if want != (len(r.stored) == 1) || want != (status == 200) {
						t.Errorf("account %q at %s: got %d %s, and %d events are stored", account, path, status, answer, len(r.stored))
					}
				}
			}
		})
	}
	if tested < 4 {
		t.Errorf("tested %d apps", tested)
	}
}

// TestSharedChannel: an event of a channel that two workspaces share names both,
// and is for the one that installed the app.
func TestSharedChannel(t *testing.T) {
	i := slices.IndexFunc(all.Apps(), func(app *bindings.App) bool { return app.Name == "slack" })
	slack := all.Apps()[i]
	r := newReceiver(t, func(c *ingest.Config) { c.Apps = []*bindings.App{slack} }, of(t, []*bindings.App{slack},
		connection.Settings{Name: "slack/ours", Account: "T1", WebhookSecret: "webhook-secret", Credentials: map[string]string{"token": "a-credential"}}))
	for body, want := range map[string]int{
		`{"team_id":"T9","authorizations":[{"team_id":"T1"}],"event":{"type":"message"}}`: 200,
		`{"team_id":"T1","authorizations":[{"team_id":"T9"}],"event":{"type":"message"}}`: 404,
		`{"team_id":"T1","authorizations":[{"team_id":null}],"event":{"type":"message"}}`: 200,
	} {
		if status, answer, _ := r.post(t, "/hooks/slack/ours", body, signed(t, slack, 0, "webhook-secret", now)); status != want {
			t.Errorf("%s: got %d %s, want %d", body, status, answer, want)
		}
	}
}

// TestUnverifiedSenders: what answers a webhook that is not verified does
// not depend on whether its connection or account exists. A verified one gets 404.
func TestUnverifiedSenders(t *testing.T) {
	r := newReceiver(t)
	crm, bank := r.apps[0], r.apps[1]
	const contact, client = `{"type":"ContactCreate","locationId":"%s","webhookId":"w1","timestamp":"2026-03-01T12:00:00Z","appId":"app1"}`, `{"id":"e1","type":"v1/clients","account":"%s"}`
	for _, c := range []struct {
		name           string
		known, unknown string // the path, and the body
		sign           func([]byte) http.Header
	}{
		{"the name, a key of the vendor's", "/hooks/crm/agency " + contact, "/hooks/crm/rome " + contact, func([]byte) http.Header { return http.Header{"X-Crm-Signature": {"AAAA"}} }},
		{"the account, a key of the vendor's", "/hooks/crm " + fmt.Sprintf(contact, "loc1"), "/hooks/crm " + fmt.Sprintf(contact, "loc9"), func([]byte) http.Header { return http.Header{"X-Crm-Signature": {"AAAA"}} }},
		{"the name, a key of its own", "/hooks/bank/lyon " + client, "/hooks/bank/rome " + client, signed(t, bank, 0, "guess", now)},
		{"the account, a key of its own", "/hooks/chat " + `{"team_id":"T1"}`, "/hooks/chat " + `{"team_id":"T9"}`, signed(t, chat(t), 0, "guess", now)},
		{"no signature", "/hooks/bank/lyon " + client, "/hooks/bank/rome " + client, nil},
	} {
		var got []string
		for _, one := range []string{c.known, c.unknown} {
			path, body, _ := strings.Cut(one, " ")
			status, answer, _ := r.post(t, path, body, c.sign)
			got = append(got, fmt.Sprint(status, " ", answer))
		}
		if got[0] != got[1] || !strings.HasPrefix(got[0], "401 ") {
			t.Errorf("%s: known %s, unknown %s", c.name, got[0], got[1])
		}
	}
	if status, answer, _ := r.post(t, "/hooks/crm/rome", fmt.Sprintf(contact, "loc1"), signed(t, crm, 0, privateKey(t), now)); status != 404 {
		t.Errorf("a verified sender, an unknown name: got %d %s", status, answer)
	}
}

// TestTokensAreNotStored: no event has the tokens in a webhook, and none is accepted
// that was signed more than five minutes ago.
func TestTokensAreNotStored(t *testing.T) {
	i := slices.IndexFunc(all.Apps(), func(app *bindings.App) bool { return app.Name == "slack" })
	slack := all.Apps()[i]
	r := newReceiver(t, func(c *ingest.Config) { c.Apps = []*bindings.App{slack} }, of(t, []*bindings.App{slack},
		connection.Settings{Name: "slack/ours", Account: "T1", WebhookSecret: "webhook-secret", Credentials: map[string]string{"token": "a-credential"}}))
	body := `{"token":"xapp-1","team_id":"T1","event_id":"E1","event":{"type":"function_executed","bot_access_token":"xwfp-1","token":"xapp-1","inputs":{"note":"a token"}}}`
	if status, answer, _ := r.post(t, "/hooks/slack/ours", body, signed(t, slack, 0, "webhook-secret", now.Add(-4*time.Minute))); status != 200 {
		t.Fatalf("got %d %s", status, answer)
	}
	for _, event := range r.stored {
		if want := `{"type":"function_executed","inputs":{"note":"a token"}}`; string(event.Data) != want {
			t.Errorf("stored %s, want %s", event.Data, want)
		}
	}
	body = `{"token":"xapp-1","team_id":"T1","event_id":"E2","type":"app_rate_limited"}`
	if status, answer, _ := r.post(t, "/hooks/slack/ours", body, signed(t, slack, 0, "webhook-secret", now.Add(-6*time.Minute))); status != 401 {
		t.Errorf("after six minutes: got %d %s", status, answer)
	}
}

// accountBody returns a body of an app's webhook with an account, without one if
// that is empty.
func accountBody(app *bindings.App, account string) string {
	object := map[string]any{}
	for _, path := range app.Account.Paths {
		if account != "" && !strings.ContainsAny(path, ".") {
			object[path] = account
			break
		}
	}
	if token := app.Webhook.Token; token != nil {
		object[token.Path] = "webhook-secret"
	}
	text, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	if app.Webhook.Batch != "" {
		return fmt.Sprintf(`{%q:[%s]}`, app.Webhook.Batch, text)
	}
	return string(text)
}
