package sandbox_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

const client = "client_id=" + sandbox.ClientID + "&client_secret=" + sandbox.ClientSecret

func TestRefreshTokensAreUsedOnce(t *testing.T) {
	w := start(t, sandbox.Config{})
	first := w.Post("/highlevel/oauth/token", client+"&grant_type=refresh_token&refresh_token="+sandbox.RefreshToken).
		Is(200, "token_type", "Bearer", "expires_in", "86399", "userType", "Location")
	w.Clock.Advance(30 * time.Second) // the end of the vendor's grace period
	w.Post("/highlevel/oauth/token", client+"&grant_type=refresh_token&refresh_token="+sandbox.RefreshToken).Is(400, "error", "invalid_grant")
	second := w.Post("/highlevel/oauth/token", client+"&grant_type=refresh_token&refresh_token="+first.Get("refresh_token")).Is(200)
	for _, r := range w.Requests("highlevel") {
		if log := jsonOf(t, r); strings.Contains(log, first.Get("access_token")) || strings.Contains(log, sandbox.ClientSecret) {
			t.Errorf("the log shows a secret: %s", log)
		}
	}
	for _, token := range []string{first.Get("access_token"), second.Get("access_token")} {
		w.Call("GET /highlevel/users/?locationId="+w.Account("highlevel"), "", "Authorization", "Bearer "+token).Is(200, "users.#", "2")
	}
	w.Clock.Advance(24 * time.Hour)
	w.Call("GET /highlevel/users/?locationId=x", "", "Authorization", "Bearer "+second.Get("access_token")).Is(401)
	w.Call("GET /highlevel/users/?locationId=x", "").Is(200)
}

func TestQontoAcceptsUsedRefreshTokenForAMinute(t *testing.T) {
	w := start(t, sandbox.Config{})
	renew := func() sandboxtest.Answer {
		return w.Post("/qonto/oauth/token", client+"&grant_type=refresh_token&refresh_token="+sandbox.RefreshToken)
	}
	renew().Is(200)
	w.Clock.Advance(59 * time.Second)
	renew().Is(200)
	w.Clock.Advance(time.Second)
	renew().Is(400, "error", "invalid_grant")
}

// challenge is the challenge of verifier.
const (
	verifier  = "verifier-verifier-verifier-verifier-verifier"
	challenge = "fD3GLJ_KzCDB0w6uDOSFNNdflrHwtv8Cizh6P5pJkfQ"
)

// authorizeURL is the address of the authorization page, with parameters changed.
func authorizeURL(app string, changes ...string) string {
	q := url.Values{"response_type": {"code"}, "client_id": {sandbox.ClientID}, "redirect_uri": {"http://localhost:1/back"}, "state": {"s1"}}
	for i := 0; i+1 < len(changes); i += 2 {
		if q.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return "/" + app + "/oauth/authorize?" + q.Encode()
}

// allow presses Allow, and returns the parameters of the redirect.
func allow(t *testing.T, w *sandboxtest.Server, address, form string) url.Values {
	t.Helper()
	w.Call("GET "+address, "").Is(200)
	page := w.Post(address, form)
	back, err := url.Parse(page.Header.Get("Location"))
	must(t, err)
	if page.Status != 302 || back.Host != "localhost:1" || back.Query().Get("state") != "s1" {
		t.Fatalf("status %d, to %s: %s", page.Status, back, page.Body)
	}
	return back.Query()
}

func TestAuthorizationCode(t *testing.T) {
	w := start(t, sandbox.Config{})
	address := authorizeURL("qonto", "scope", "offline_access organization.read", "code_challenge", challenge, "code_challenge_method", "S256")
	form := client + "&grant_type=authorization_code&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fback&code=" + allow(t, w, address, "decision=allow").Get("code")
	token := w.Post("/qonto/oauth/token", form+"&code_verifier="+verifier).Is(200, "scope", "offline_access organization.read")
	w.Call("GET /qonto/organization", "", "Authorization", "Bearer "+token.Get("access_token")).Is(200)
	w.Call("GET /qonto/clients", "", "Authorization", "Bearer "+token.Get("access_token")).Is(403)
	w.Post("/qonto/oauth/token", form+"&code_verifier="+verifier).Is(400, "error", "invalid_grant") // once
	if token.Get("refresh_token") == "" {
		t.Error("no refresh token although offline_access was asked for")
	}
	for name, change := range map[string]string{"another verifier": "&code_verifier=x", "no verifier": ""} {
		code := allow(t, w, address, "decision=allow").Get("code")
		got := w.Post("/qonto/oauth/token", client+"&grant_type=authorization_code&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fback&code="+code+change)
		if got.Status != 400 {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	w.Post("/qonto/oauth/revoke", client+"&token="+token.Get("refresh_token")).Is(200)
	w.Call("GET /qonto/organization", "", "Authorization", "Bearer "+token.Get("access_token")).Is(401)
	w.Post("/qonto/oauth/token", client+"&grant_type=refresh_token&refresh_token="+token.Get("refresh_token")).Is(400)
}

func TestConsentRefuses(t *testing.T) {
	w := start(t, sandbox.Config{})
	for _, test := range []struct{ name, address, form, want string }{
		{"denied", authorizeURL("highlevel", "scope", "contacts.readonly"), "decision=deny", "access_denied"},
		{"unknown scope", authorizeURL("highlevel", "scope", "contacts.everything"), "decision=allow", "invalid_scope"},
		{"no scope", authorizeURL("highlevel"), "decision=allow", "invalid_scope"},
		{"a challenge of another method", authorizeURL("qonto", "scope", "client.read", "code_challenge", "x", "code_challenge_method", "plain"), "decision=allow", "invalid_request"},
		{"a challenge that the vendor does not support", authorizeURL("highlevel", "scope", "contacts.readonly", "code_challenge", "x", "code_challenge_method", "S256"), "decision=allow", "invalid_request"},
		{"another response", authorizeURL("highlevel", "scope", "contacts.readonly", "response_type", "token"), "decision=allow", "unsupported_response_type"},
	} {
		page := w.Post(test.address, test.form)
		back, err := url.Parse(page.Header.Get("Location"))
		must(t, err)
		if got := back.Query().Get("error"); got != test.want {
			t.Errorf("%s: %d, error %q, want %q", test.name, page.Status, got, test.want)
		}
	}
	for _, address := range []string{authorizeURL("highlevel", "client_id", "other"), authorizeURL("highlevel", "redirect_uri", ""), authorizeURL("slack", "scope", "chat:write")} {
		w.Call("GET "+address, "").Is(400)
	}
}

// TestConsentWithoutChallenge: a client that sends no code challenge gets tokens too;
// with a challenge it needs the verifier.
func TestConsentWithoutChallenge(t *testing.T) {
	w := start(t, sandbox.Config{})
	form := client + "&grant_type=authorization_code&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fback&code="
	for _, app := range []string{"qonto", "asana", "googlecalendar", "teams"} {
		scope := map[string]string{"qonto": "client.read", "asana": "tasks:read", "googlecalendar": "https://www.googleapis.com/auth/calendar", "teams": "User.Read"}[app]
		code := allow(t, w, authorizeURL(app, "scope", scope), "decision=allow").Get("code")
		w.Post("/"+app+"/oauth/token", form+code).Is(200)
		code = allow(t, w, authorizeURL(app, "scope", scope, "code_challenge", "x", "code_challenge_method", "S256"), "decision=allow").Get("code")
		w.Post("/"+app+"/oauth/token", form+code).Is(400)
	}
}

func TestConsentOfACompany(t *testing.T) {
	w := start(t, sandbox.Config{})
	code := allow(t, w, authorizeURL("highlevel", "scope", "contacts.readonly companies.readonly oauth.write"), "decision=allow&account=sandboxCompany000001").Get("code")
	form := client + "&grant_type=authorization_code&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fback&code=" + code
	w.Post("/highlevel/oauth/token", form+"&user_type=Company").Is(200, "userType", "Company", "companyId", "sandboxCompany000001", "locationId", "")
}

func TestConsentOfAPerson(t *testing.T) {
	w := start(t, sandbox.Config{})
	address := authorizeURL("slack", "user_scope", "chat:write,users:read", "redirect_uri", "https://localhost:1/back")
	form := client + "&grant_type=authorization_code&redirect_uri=https%3A%2F%2Flocalhost%3A1%2Fback&code=" + allow(t, w, address, "decision=allow").Get("code")
	got := w.Post("/slack/oauth/token", form).Is(200, "ok", "true", "access_token", "", "authed_user.scope", "chat:write,users:read", "team.id", w.Account("slack"))
	if got.Get("authed_user.access_token") == "" {
		t.Errorf("got %s", got.Body)
	}
}

func TestWrongClientGetsNoToken(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.Post("/slack/oauth/token", "client_id=x&client_secret=y&grant_type=client_credentials").Is(200, "ok", "false", "error", "bad_client_secret")
	w.Post("/qonto/oauth/token", "client_id=x&client_secret=y&grant_type=client_credentials").Is(401, "error", "invalid_client")
	w.Post("/qonto/oauth/token", client+"&grant_type=password").Is(400, "error", "unsupported_grant_type")
}

func TestRevokeEndsOAuthTokens(t *testing.T) {
	w := start(t, sandbox.Config{TokenLifetime: time.Minute})
	first := w.Post("/highlevel/oauth/token", client+"&grant_type=refresh_token&refresh_token="+sandbox.RefreshToken).Is(200, "expires_in", "60")
	must(t, w.Revoke("highlevel"))
	w.Call("GET /highlevel/users/?locationId=x", "", "Authorization", "Bearer "+first.Get("access_token")).Is(401)
	w.Post("/highlevel/oauth/token", client+"&grant_type=refresh_token&refresh_token="+first.Get("refresh_token")).Is(400)
	w.Call("GET /highlevel/users/?locationId=x", "").Is(200)
}

func TestExchangeCompanyTokenForLocationToken(t *testing.T) {
	w := start(t, sandbox.Config{})
	token := w.Post("/highlevel/oauth/locationToken", "companyId=c1&locationId=loc9").Is(200, "locationId", "loc9").Get("access_token")
	w.Call("POST /highlevel/contacts/", `{"locationId":"loc9","email":"a@b.c"}`, "Authorization", "Bearer "+token).Is(201)
	w.Call("POST /highlevel/oauth/locationToken", "companyId=c1&locationId=loc9", "Authorization", "Bearer "+token,
		"Content-Type", "application/x-www-form-urlencoded").Is(422)
}

func TestExpireEndsTokensNow(t *testing.T) {
	w := start(t, sandbox.Config{})
	token := w.Post("/qonto/oauth/token", client+"&grant_type=client_credentials").Is(200).Get("access_token")
	w.Expire("qonto")
	w.Call("GET /qonto/organization", "", "Authorization", "Bearer "+token).Is(401)
}

func TestConfiguredTokensReplaceDefault(t *testing.T) {
	w := start(t, sandbox.Config{Tokens: map[string][]string{"qonto": {"mine"}}})
	w.Call("GET /qonto/organization", "", "Authorization", "Bearer mine").Is(200)
	w.Call("GET /qonto/organization", "").Is(401)
}
