package highlevel_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// Both editions of HighLevel have the same records; each answers as its own
// version writes them.
func TestEditionsShareTheirRecords(t *testing.T) {
	w := start(t, sandbox.Config{Strict: true})
	v3 := []string{"Version", "v3"}

	made := w.Call("POST /highlevel/contacts/", `{"locationId":"loc1","email":"ada@example.com","firstName":"Ada",
		"dndSettings":{"SMS":{"status":"active"}}}`).Is(201, "contact.email", "ada@example.com").Get("contact.id")
	w.Call("GET /highlevel/contacts/"+made, "", v3...).Is(200, "contact.id", made, "contact.firstName", "Ada",
		"contact.dndSettings.sms.status", "active", "contact.dndSettings.SMS.status", "")
	w.Call("POST /highlevel/contacts/search", `{"locationId":"loc1","pageLimit":5,"query":"ada"}`, v3...).Is(200, "contacts.#.id", `["`+made+`"]`)

	other := w.Call("POST /highlevel/contacts/upsert", `{"locationId":"loc1","email":"ben@example.com","dndSettings":{"call":{"status":"inactive"}}}`, v3...).
		Is(200, "new", "true").Get("contact.id")
	w.Call("GET /highlevel/contacts/"+other, "").Is(200, "contact.email", "ben@example.com", "contact.dndSettings.Call.status", "inactive")
	w.Call("POST /highlevel/contacts/upsert", `{"locationId":"loc1","email":"ben@example.com"}`).Is(200, "new", "false", "contact.id", other)
	w.Call("DELETE /highlevel/contacts/"+other, "", v3...).Is(200, "succeeded", "true")
	w.Call("GET /highlevel/contacts/"+other, "").Is(404)

	// One version's pipeline_id is pipelineId in the other.
	deal := w.Call("POST /highlevel/opportunities/", `{"locationId":"loc1","pipelineId":"p1","name":"Deal","status":"open","contactId":"`+made+`"}`, v3...).
		Is(201).Get("opportunity.id")
	w.Call("GET /highlevel/opportunities/search?location_id=loc1&pipeline_id=p1", "").Is(200, "opportunities.#.id", `["`+deal+`"]`)
	w.Call("GET /highlevel/opportunities/search?locationId=loc1&pipelineId=p2", "", v3...).Is(200, "opportunities.#", "0")
	w.Call("GET /highlevel/opportunities/search?locationId=loc1&pipelineId=p1", "", v3...).Is(200, "opportunities.#.id", `["`+deal+`"]`)
}

// Each version has its own endpoints; an endpoint of the other is refused as
// one with the wrong version.
func TestEditionsHaveTheirOwnEndpoints(t *testing.T) {
	w := start(t, sandbox.Config{Strict: true})
	w.Call("GET /highlevel/contacts/?locationId=loc1", "").Is(200)
	w.Call("GET /highlevel/contacts/?locationId=loc1", "", "Version", "v3").Is(401)
	w.Call("GET /highlevel/calendars/services/locations?locationId=loc1", "", "Version", "v3").Is(200)
	w.Call("GET /highlevel/calendars/services/locations?locationId=loc1", "").Is(401)
	w.Call("GET /highlevel/calendars/services/locations?locationId=loc1", "", "Version", "v4").Is(401, "message",
		"header Version is invalid: expected v3, found v4")

	// The path with a literal is in the older version, the one with a parameter in v3.
	w.Call("GET /highlevel/social-media-posting/oauth/google/start?locationId=loc1&userId=u1", "").Is(200)
	w.Call("GET /highlevel/social-media-posting/oauth/google/start?locationId=loc1&userId=u1", "", "Version", "v3").Is(200)
	got := map[string]int{}
	for _, r := range w.Requests("highlevel") {
		got[r.Operation]++
	}
	if got["social_media_posting.start_google_oauth"] != 1 || got["v3.social_media_posting.start_oauth"] != 1 {
		t.Errorf("the operations asked for are %v", got)
	}
}

// HighLevel's ads have one version number in both editions. The fields of the
// request decide which of the two operations it is.
func TestEditionsOfOneVersion(t *testing.T) {
	w := start(t, sandbox.Config{Strict: true})
	w.Call("GET /highlevel/ad-publishing/facebook/me?locationId=loc1", "").Is(200)
	w.Call("GET /highlevel/ad-publishing/facebook/me?locationId=loc1&isDraft=true", "").Is(200)
	requests := w.Requests("highlevel")
	first, second := requests[0].Operation, requests[1].Operation
	if first != "ad_manager.get_facebook_current_user" || second != "v3."+first {
		t.Errorf("the operations asked for are %s, %s", first, second)
	}
	w.Call("GET /highlevel/ad-publishing/facebook/me?locationId=loc1&isDrafty=true", "").Is(422, "message.0", "property isDrafty should not exist")
}

// v3 writes the answers of the authorisation server in its own spelling.
func TestTokensOfAnEdition(t *testing.T) {
	w := start(t, sandbox.Config{})
	form := "client_id=" + sandbox.ClientID + "&client_secret=" + sandbox.ClientSecret + "&grant_type=refresh_token&refresh_token=" + sandbox.RefreshToken
	next := w.Post("/highlevel/oauth/token", form).Is(200).Get("refresh_token")
	spelled := strings.NewReplacer("client_id", "clientId", "client_secret", "clientSecret", "grant_type", "grantType", "refresh_token=", "refreshToken=").
		Replace(strings.Replace(form, sandbox.RefreshToken, next, 1))
	got := w.Call("POST /highlevel/oauth/token", spelled, "Version", "v3", "Content-Type", "application/x-www-form-urlencoded").
		Is(200, "access_token", "", "tokenType", "Bearer")
	w.Call("POST /highlevel/contacts/search", `{"locationId":"`+w.Account("highlevel")+`"}`, "Version", "v3", "Authorization", "Bearer "+got.Get("accessToken")).Is(200)
}

// A location's token is valid for that location only.
func TestTokenOfALocation(t *testing.T) {
	w := start(t, sandbox.Config{})
	paris := w.Call("POST /highlevel/contacts/", `{"locationId":"paris","email":"ada@example.com"}`).Is(201).Get("contact.id")
	got := w.Post("/highlevel/oauth/locationToken", "companyId=c1&locationId=oslo").Is(200)
	oslo := []string{"Authorization", "Bearer " + got.Get("access_token")}
	w.Call("POST /highlevel/contacts/", `{"locationId":"paris"}`, oslo...).Is(403, "message", "The token does not have access to this location.")
	w.Call("GET /highlevel/contacts/"+paris, "", oslo...).Is(404)
	w.Call("PUT /highlevel/contacts/"+paris, `{"firstName":"Eve"}`, oslo...).Is(404)
	w.Call("GET /highlevel/contacts/"+paris+"/notes", "", oslo...).Is(404)
	w.Call("DELETE /highlevel/contacts/"+paris, "", oslo...).Is(404)
	w.Call("POST /highlevel/contacts/search", `{"locationId":"oslo"}`, oslo...).Is(200, "contacts.#", "0")
	w.Call("GET /highlevel/contacts/"+paris, "").Is(200, "contact.email", "ada@example.com")
}
