package sandbox_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

const client = "client_id=" + sandbox.ClientID + "&client_secret=" + sandbox.ClientSecret

func TestRefreshTokensAreUsedOnce(t *testing.T) {
	w := start(t, sandbox.Config{})
	first := w.post("/highlevel/oauth/token", client+"&grant_type=refresh_token&refresh_token="+sandbox.RefreshToken).
		is(200, "token_type", "Bearer", "expires_in", "86399", "userType", "Location")
	w.clock.pass(30 * time.Second) // the vendor's grace
	w.post("/highlevel/oauth/token", client+"&grant_type=refresh_token&refresh_token="+sandbox.RefreshToken).is(400, "error", "invalid_grant")
	second := w.post("/highlevel/oauth/token", client+"&grant_type=refresh_token&refresh_token="+first.get("refresh_token")).is(200)
	for _, r := range w.Requests("highlevel") {
		if log := jsonOf(t, r); strings.Contains(log, first.get("access_token")) || strings.Contains(log, sandbox.ClientSecret) {
			t.Errorf("the log shows a secret: %s", log)
		}
	}
	for _, token := range []string{first.get("access_token"), second.get("access_token")} {
		w.call("GET /highlevel/users/?locationId="+w.Account("highlevel"), "", "Authorization", "Bearer "+token).is(200, "users.#", "2")
	}
	w.clock.pass(24 * time.Hour)
	w.call("GET /highlevel/users/?locationId=x", "", "Authorization", "Bearer "+second.get("access_token")).is(401)
	w.call("GET /highlevel/users/?locationId=x", "").is(200)
}

func TestQontoLetsAUsedRefreshTokenLiveForAMinute(t *testing.T) {
	w := start(t, sandbox.Config{})
	renew := func() answer {
		return w.post("/qonto/oauth/token", client+"&grant_type=refresh_token&refresh_token="+sandbox.RefreshToken)
	}
	renew().is(200)
	w.clock.pass(59 * time.Second)
	renew().is(200)
	w.clock.pass(time.Second)
	renew().is(400, "error", "invalid_grant")
}

// challenge is that of the verifier "verifier-verifier-verifier-verifier-verifier".
const (
	verifier  = "verifier-verifier-verifier-verifier-verifier"
	challenge = "fD3GLJ_KzCDB0w6uDOSFNNdflrHwtv8Cizh6P5pJkfQ"
)

// ask is the address at which a person is asked, with parameters changed.
func (w world) ask(app string, changes ...string) string {
	q := url.Values{"response_type": {"code"}, "client_id": {sandbox.ClientID}, "redirect_uri": {"http://localhost:1/back"}, "state": {"s1"}}
	for i := 0; i+1 < len(changes); i += 2 {
		if q.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return "/" + app + "/oauth/authorize?" + q.Encode()
}

// agree has a person press Allow, and gives what the browser is sent back with.
func (w world) agree(address, form string) url.Values {
	w.t.Helper()
	w.call("GET "+address, "").is(200)
	page := w.post(address, form)
	back, err := url.Parse(page.header.Get("Location"))
	must(w.t, err)
	if page.status != 302 || back.Host != "localhost:1" || back.Query().Get("state") != "s1" {
		w.t.Fatalf("status %d, to %s: %s", page.status, back, page.body)
	}
	return back.Query()
}

func TestAuthorizationCode(t *testing.T) {
	w := start(t, sandbox.Config{})
	address := w.ask("qonto", "scope", "offline_access organization.read", "code_challenge", challenge, "code_challenge_method", "S256")
	form := client + "&grant_type=authorization_code&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fback&code=" + w.agree(address, "decision=allow").Get("code")
	token := w.post("/qonto/oauth/token", form+"&code_verifier="+verifier).is(200, "scope", "offline_access organization.read")
	w.call("GET /qonto/organization", "", "Authorization", "Bearer "+token.get("access_token")).is(200)
	w.call("GET /qonto/clients", "", "Authorization", "Bearer "+token.get("access_token")).is(403)
	w.post("/qonto/oauth/token", form+"&code_verifier="+verifier).is(400, "error", "invalid_grant") // once
	if token.get("refresh_token") == "" {
		t.Error("no refresh token although offline_access was asked for")
	}
	for name, change := range map[string]string{"another verifier": "&code_verifier=x", "no verifier": ""} {
		code := w.agree(address, "decision=allow").Get("code")
		got := w.post("/qonto/oauth/token", client+"&grant_type=authorization_code&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fback&code="+code+change)
		if got.status != 400 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	w.post("/qonto/oauth/revoke", client+"&token="+token.get("refresh_token")).is(200)
	w.call("GET /qonto/organization", "", "Authorization", "Bearer "+token.get("access_token")).is(401)
	w.post("/qonto/oauth/token", client+"&grant_type=refresh_token&refresh_token="+token.get("refresh_token")).is(400)
}

func TestConsentRefuses(t *testing.T) {
	w := start(t, sandbox.Config{})
	for _, test := range []struct{ name, address, form, want string }{
		{"denied", w.ask("highlevel", "scope", "contacts.readonly"), "decision=deny", "access_denied"},
		{"unknown scope", w.ask("highlevel", "scope", "contacts.everything"), "decision=allow", "invalid_scope"},
		{"no scope", w.ask("highlevel"), "decision=allow", "invalid_scope"},
		{"no challenge", w.ask("qonto", "scope", "client.read"), "decision=allow", "invalid_request"},
		{"a challenge that the vendor does not know", w.ask("highlevel", "scope", "contacts.readonly", "code_challenge", "x", "code_challenge_method", "S256"), "decision=allow", "invalid_request"},
		{"another response", w.ask("highlevel", "scope", "contacts.readonly", "response_type", "token"), "decision=allow", "unsupported_response_type"},
	} {
		page := w.post(test.address, test.form)
		back, err := url.Parse(page.header.Get("Location"))
		must(t, err)
		if got := back.Query().Get("error"); got != test.want {
			t.Errorf("%s: %d, error %q, want %q", test.name, page.status, got, test.want)
		}
	}
	for _, address := range []string{w.ask("highlevel", "client_id", "other"), w.ask("highlevel", "redirect_uri", ""), w.ask("slack", "scope", "chat:write")} {
		w.call("GET "+address, "").is(400)
	}
}

func TestConsentOfACompany(t *testing.T) {
	w := start(t, sandbox.Config{})
	code := w.agree(w.ask("highlevel", "scope", "contacts.readonly companies.readonly oauth.write"), "decision=allow&account=sandboxCompany000001").Get("code")
	form := client + "&grant_type=authorization_code&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fback&code=" + code
	w.post("/highlevel/oauth/token", form+"&user_type=Company").is(200, "userType", "Company", "companyId", "sandboxCompany000001", "locationId", "")
}

func TestConsentOfAPerson(t *testing.T) {
	w := start(t, sandbox.Config{})
	address := w.ask("slack", "user_scope", "chat:write,users:read", "redirect_uri", "https://localhost:1/back")
	form := client + "&grant_type=authorization_code&redirect_uri=https%3A%2F%2Flocalhost%3A1%2Fback&code=" + w.agree(address, "decision=allow").Get("code")
	got := w.post("/slack/oauth/token", form).is(200, "ok", "true", "access_token", "", "authed_user.scope", "chat:write,users:read", "team.id", w.Account("slack"))
	if got.get("authed_user.access_token") == "" {
		t.Errorf("got %s", got.body)
	}
}

func TestWrongClientGetsNoToken(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.post("/slack/oauth/token", "client_id=x&client_secret=y&grant_type=client_credentials").is(200, "ok", "false", "error", "bad_client_secret")
	w.post("/qonto/oauth/token", "client_id=x&client_secret=y&grant_type=client_credentials").is(401, "error", "invalid_client")
	w.post("/qonto/oauth/token", client+"&grant_type=password").is(400, "error", "unsupported_grant_type")
}

func TestRevokeEndsWhatOAuthGave(t *testing.T) {
	w := start(t, sandbox.Config{TokenLife: time.Minute})
	first := w.post("/highlevel/oauth/token", client+"&grant_type=refresh_token&refresh_token="+sandbox.RefreshToken).is(200, "expires_in", "60")
	must(t, w.Revoke("highlevel"))
	w.call("GET /highlevel/users/?locationId=x", "", "Authorization", "Bearer "+first.get("access_token")).is(401)
	w.post("/highlevel/oauth/token", client+"&grant_type=refresh_token&refresh_token="+first.get("refresh_token")).is(400)
	w.call("GET /highlevel/users/?locationId=x", "").is(200)
}

func TestCompanyTokenIsExchangedForALocations(t *testing.T) {
	w := start(t, sandbox.Config{})
	token := w.post("/highlevel/oauth/locationToken", "companyId=c1&locationId=loc9").is(200, "locationId", "loc9").get("access_token")
	w.call("POST /highlevel/contacts/", `{"locationId":"loc9","email":"a@b.c"}`, "Authorization", "Bearer "+token).is(201)
	w.call("POST /highlevel/oauth/locationToken", "companyId=c1&locationId=loc9", "Authorization", "Bearer "+token,
		"Content-Type", "application/x-www-form-urlencoded").is(422)
}

func TestExpireEndsTokensNow(t *testing.T) {
	w := start(t, sandbox.Config{})
	token := w.post("/qonto/oauth/token", client+"&grant_type=client_credentials").is(200).get("access_token")
	w.Expire("qonto")
	w.call("GET /qonto/organization", "", "Authorization", "Bearer "+token).is(401)
}

func TestConfiguredTokensReplaceTheUsualOne(t *testing.T) {
	w := start(t, sandbox.Config{Tokens: map[string][]string{"qonto": {"mine"}}})
	w.call("GET /qonto/organization", "", "Authorization", "Bearer mine").is(200)
	w.call("GET /qonto/organization", "").is(401)
}
