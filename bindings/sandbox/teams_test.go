package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

const (
	teamsLeads = "/teams/teams/5a0d7e2c-0000-4000-8000-0000005a1e50/channels/19:5a0d7e2c000000000000000000000002@thread.tacv2"
	teamsDeals = "/teams/chats/19:5a0d7e2c000000000000000000000003@thread.v2"
)

func TestTeamsMessages(t *testing.T) {
	w := start(t, sandbox.Config{})
	id := w.call("POST "+teamsLeads+"/messages", `{"body":{"content":"Hello"}}`).
		is(201, "body.content", "Hello", "body.contentType", "text", "messageType", "message", "from.user.displayName", "Ada Sandbox",
			"channelIdentity.channelId", "19:5a0d7e2c000000000000000000000002@thread.tacv2").get("id")
	w.call("POST "+teamsLeads+"/messages/"+id+"/replies", `{"body":{"content":"Reply"}}`).is(201, "replyToId", id)
	w.call("POST "+teamsLeads+"/messages", `{}`).is(400, "error.code", "BadRequest", "error.innerError.request-id", "sandbox")
	w.call("PATCH "+teamsLeads+"/messages/"+id, `{"body":{"content":"Hi"}}`).is(204)
	w.call("POST "+teamsLeads+"/messages/"+id+"/setReaction", `{"reactionType":"like"}`).is(204)
	w.call("GET "+teamsLeads+"/messages/"+id, "").is(200, "body.content", "Hi", "reactions.#.reactionType", `["like"]`)
	w.call("POST "+teamsLeads+"/messages/"+id+"/softDelete", "").is(204)
	if at := w.call("GET "+teamsLeads+"/messages/"+id, "").get("deletedDateTime"); at == "" {
		t.Error("a deleted message has no deletedDateTime")
	}
	w.call("POST "+teamsLeads+"/messages/"+id+"/undoSoftDelete", "").is(204)
	w.call("GET "+teamsLeads+"/messages/"+id, "").is(200, "deletedDateTime", "")
	w.call("GET "+teamsLeads+"/messages/"+id+"/replies", "").is(200, "value.#", "1")
	w.call("GET "+teamsLeads+"/messages", "").is(200, "value.#.body.content", `["Hi"]`)
	w.call("GET "+teamsLeads+"/messages/404", "").is(404, "error.code", "NotFound")
	w.call("GET "+teamsLeads+"/messages", "", "Authorization", "Bearer nope").is(401, "error.code", "InvalidAuthenticationToken")
}

// TestTeamsListsAndChanges: the newest first, three a page by whole addresses,
// filtered and ordered as OData does, and what changed since.
func TestTeamsListsAndChanges(t *testing.T) {
	w := start(t, sandbox.Config{})
	for i := range 7 {
		w.clock.pass(time.Minute)
		w.call("POST "+teamsDeals+"/messages", fmt.Sprintf(`{"body":{"content":"%d"}}`, i)).is(201)
	}
	page := w.call("GET "+teamsDeals+"/messages?$top=3", "").is(200, "value.#.body.content", `["6","5","4"]`)
	page = w.follow(page, "nextLink").is(200, "value.#.body.content", `["3","2","1"]`)
	w.follow(page, "nextLink").is(200, "value.#.body.content", `["0"]`, `\@odata\.nextLink`, "")

	since := url.QueryEscape("lastModifiedDateTime gt " + w.clock.now().Add(-2*time.Minute-time.Second).Format(time.RFC3339))
	order := url.QueryEscape("createdDateTime asc")
	w.call("GET "+teamsDeals+"/messages?$filter="+since+"&$orderby="+order, "").is(200, "value.#.body.content", `["4","5","6"]`)
	w.call("GET /teams/teams?$filter="+url.QueryEscape("displayName eq 'Sales' and startswith(description,'who')"), "").is(200, "value.#", "1")
	w.call("GET /teams/teams?$filter="+url.QueryEscape("displayName has 'x'"), "").is(400, "error.code", "BadRequest")

	page = w.call("GET "+teamsDeals+"/messages/delta()?$top=5", "").is(200, "value.#", "5")
	page = w.follow(page, "nextLink").is(200, "value.#", "2")
	quiet := w.follow(page, "deltaLink").is(200, "value.#", "0")
	w.call("PATCH "+teamsDeals+"/messages/"+page.get("value.0.id"), `{"body":{"content":"changed"}}`).is(204)
	w.call("POST "+teamsDeals+"/messages", `{"body":{"content":"new"}}`).is(201)
	w.follow(quiet, "deltaLink").is(200, "value.#.body.content", `["changed","new"]`)
}

// follow goes to an address that an answer gives.
func (w world) follow(from answer, link string) answer {
	w.t.Helper()
	address := from.get(`\@odata\.` + link)
	base := strings.TrimSuffix(w.URL("x"), "/x")
	path, found := strings.CutPrefix(address, base)
	if !found {
		w.t.Fatalf("no %s below %s: %s", link, base, from.body)
	}
	return w.call("GET "+path, "")
}

func TestTeamsPlaces(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.call("GET /teams/me", "").is(200, "displayName", "Ada Sandbox")
	team := w.call("GET /teams/me/joinedTeams", "").is(200, "value.#.displayName", `["Sales"]`).get("value.0.id")
	w.call("GET /teams/teams/"+team+"/channels", "").is(200, "value.#.displayName", `["General","Leads"]`)
	w.call("POST /teams/teams/"+team+"/channels", `{"displayName":"Deals"}`).is(201, "displayName", "Deals")
	w.call("GET /teams/teams/"+team+"/members", "").is(200, "value.#", "2")
	w.call("POST /teams/teams/"+team+"/archive", "").is(202)
	w.call("GET /teams/teams/"+team, "").is(200, "isArchived", "true")
	under := w.call("POST /teams/teams", `{"displayName":"New"}`).is(202)
	made := w.call("GET /teams/me/joinedTeams", "").is(200, "value.#.displayName", `["Sales","New"]`).get("value.1.id")
	if at := under.header.Get("Content-Location"); under.body != "" || at != "/teams('"+made+"')" {
		t.Errorf("got %s at %s", under.body, at)
	}
	chat := w.call("POST /teams/chats", `{"chatType":"oneOnOne","members":[{"@odata.type":"#microsoft.graph.aadUserConversationMember","user@odata.bind":"https://graph.microsoft.com/v1.0/users('u4')"}]}`).
		is(201, "chatType", "oneOnOne").get("id")
	w.call("GET /teams/chats/"+chat+"/members", "").is(200, "value.#.userId", `["u4"]`)
}

func TestTeamsCards(t *testing.T) {
	w := start(t, sandbox.Config{})
	const address = "POST /teams/workflows/invoke?sig=" + sandbox.Token
	card := func(text string) string {
		return `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","version":"1.4","body":[{"type":"TextBlock","text":"` + text + `"}]}}]}`
	}
	if posted := w.call(address, card("Hello"), "Authorization", "").is(202); posted.body != "" {
		t.Errorf("got %s", posted.body)
	}
	w.call(address, card(strings.Repeat("x", 28<<10)), "Authorization", "").is(413, "error.code", "RequestEntityTooLarge")
	w.call(address, `{"type":"message"}`, "Authorization", "").is(400, "error.message", "attachments should not be empty")
	w.call("POST /teams/workflows/invoke?sig=nope", card("Hello")).is(401)
	if cards := records(w, "teams", "cards"); len(cards) != 1 || cards[0].Get("attachments.0.content.body.0.text").String() != "Hello" {
		t.Errorf("posted were %v", cards)
	}
	for _, r := range w.Requests("teams") {
		if strings.Contains(r.Query, "sig") {
			t.Errorf("the log shows %q", r.Query)
		}
	}
}

// TestTeamsNotifications: the address is checked, what happens in one channel
// is told with its place and the subscription's secret, and nothing else.
func TestTeamsNotifications(t *testing.T) {
	w := start(t, sandbox.Config{})
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token := r.URL.Query().Get("validationToken"); token != "" {
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, token)
			return
		}
		body, _ := io.ReadAll(r.Body)
		for _, n := range gjson.GetBytes(body, "value").Array() {
			got = append(got, fmt.Sprintln(n.Get("changeType"), n.Get("resource"), n.Get(`resourceData.\@odata\.type`), n.Get("clientState"), n.Get("tenantId").String() != "", n.Get("resourceData.body").Exists()))
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(server.Close)
	register := func(resource string, lasts time.Duration, more string) answer {
		return w.call("POST /teams/subscriptions", fmt.Sprintf(`{"changeType":"created,updated,deleted","notificationUrl":%q,"resource":%q,"expirationDateTime":%q,"clientState":"shown"%s}`,
			server.URL, resource, w.clock.now().Add(lasts).Format(time.RFC3339), more))
	}
	resource := strings.TrimPrefix(teamsLeads, "/teams") + "/messages"
	register(resource, 2*time.Hour, "").is(400, "error.code", "BadRequest")
	id := register(resource, 70*time.Hour, `,"lifecycleNotificationUrl":"`+server.URL+`"`).is(201, "clientState", "shown").get("id")
	w.call("GET /teams/subscriptions", "").is(200, "value.#", "1", "value.0.clientState", "")

	message := w.call("POST "+teamsLeads+"/messages", `{"body":{"content":"Hello"}}`).get("id")
	w.call("POST "+teamsDeals+"/messages", `{"body":{"content":"elsewhere"}}`).is(201)
	must(t, w.Idle(t.Context()))
	w.call("POST "+teamsLeads+"/messages/"+message+"/softDelete", "").is(204)
	must(t, w.Idle(t.Context()))
	at := "teams('5a0d7e2c-0000-4000-8000-0000005a1e50')/channels('19:5a0d7e2c000000000000000000000002@thread.tacv2')/messages('" + message + "')"
	want := []string{
		"created " + at + " #Microsoft.Graph.chatMessage shown true false\n",
		"deleted " + at + " #Microsoft.Graph.chatMessage shown true false\n",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	w.call("PATCH /teams/subscriptions/"+id, `{"expirationDateTime":"`+w.clock.now().Add(80*time.Hour).Format(time.RFC3339)+`"}`).is(400)
	w.call("DELETE /teams/subscriptions/"+id, "").is(204)
	w.call("POST "+teamsLeads+"/messages", `{"body":{"content":"unheard"}}`).is(201)
	must(t, w.Idle(t.Context()))
	if len(got) != 2 {
		t.Errorf("told after its end: %q", got[2:])
	}
}
