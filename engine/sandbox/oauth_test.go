package sandbox_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/sandbox"
)

const client = "client_id=" + sandbox.ClientID + "&client_secret=" + sandbox.ClientSecret

func TestRefreshTokensAreUsedOnce(t *testing.T) {
	w := start(t, sandbox.Config{})
	first := w.post("/highlevel/oauth/token", client+"&grant_type=refresh_token&refresh_token="+sandbox.RefreshToken).
		is(200, "token_type", "Bearer", "expires_in", "86399", "userType", "Location")
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

func TestAuthorizationCode(t *testing.T) {
	w := start(t, sandbox.Config{})
	page := w.call("GET /qonto/oauth/authorize?response_type=code&state=s1&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fback", "")
	back, err := url.Parse(page.header.Get("Location"))
	must(t, err)
	if page.status != 302 || back.Query().Get("state") != "s1" {
		t.Fatalf("status %d, to %s", page.status, back)
	}
	form := client + "&grant_type=authorization_code&code=" + back.Query().Get("code")
	token := w.post("/qonto/oauth/token", form).is(200).get("access_token")
	w.call("GET /qonto/organization", "", "Authorization", "Bearer "+token).is(200)
	w.post("/qonto/oauth/token", form).is(400, "error", "invalid_grant")
}

func TestWrongClientGetsNoToken(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.post("/slack/oauth/token", "client_id=x&client_secret=y&grant_type=client_credentials").is(401, "error", "invalid_client")
	w.post("/slack/oauth/token", client+"&grant_type=password").is(400, "error", "unsupported_grant_type")
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
