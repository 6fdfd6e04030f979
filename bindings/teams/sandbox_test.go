package teams_test

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
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
	"github.com/tidewire/tidewire/bindings/teams"
)

const (
	teamsLeads = "/teams/teams/5a0d7e2c-0000-4000-8000-0000005a1e50/channels/19:5a0d7e2c000000000000000000000002@thread.tacv2"
	teamsDeals = "/teams/chats/19:5a0d7e2c000000000000000000000003@thread.v2"
)

func start(t *testing.T) *sandboxtest.Server {
	return sandboxtest.StartApp(t, teams.App(), teams.Rules(), sandbox.Config{})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSandboxMessages(t *testing.T) {
	w := start(t)
	id := w.Call("POST "+teamsLeads+"/messages", `{"body":{"content":"Hello"}}`).
		Is(201, "body.content", "Hello", "body.contentType", "text", "messageType", "message", "from.user.displayName", "Ada Sandbox",
			"channelIdentity.channelId", "19:5a0d7e2c000000000000000000000002@thread.tacv2").Get("id")
	w.Call("POST "+teamsLeads+"/messages/"+id+"/replies", `{"body":{"content":"Reply"}}`).Is(201, "replyToId", id)
	w.Call("POST "+teamsLeads+"/messages", `{}`).Is(400, "error.code", "BadRequest", "error.innerError.request-id", "sandbox")
	w.Call("PATCH "+teamsLeads+"/messages/"+id, `{"body":{"content":"Hi"}}`).Is(204)
	w.Call("POST "+teamsLeads+"/messages/"+id+"/setReaction", `{"reactionType":"like"}`).Is(204)
	w.Call("GET "+teamsLeads+"/messages/"+id, "").Is(200, "body.content", "Hi", "reactions.#.reactionType", `["like"]`)
	w.Call("POST "+teamsLeads+"/messages/"+id+"/softDelete", "").Is(204)
	if at := w.Call("GET "+teamsLeads+"/messages/"+id, "").Get("deletedDateTime"); at == "" {
		t.Error("a deleted message has no deletedDateTime")
	}
	w.Call("POST "+teamsLeads+"/messages/"+id+"/undoSoftDelete", "").Is(204)
	w.Call("GET "+teamsLeads+"/messages/"+id, "").Is(200, "deletedDateTime", "")
	w.Call("GET "+teamsLeads+"/messages/"+id+"/replies", "").Is(200, "value.#", "1")
	w.Call("GET "+teamsLeads+"/messages", "").Is(200, "value.#.body.content", `["Hi"]`)
	w.Call("GET "+teamsLeads+"/messages/404", "").Is(404, "error.code", "NotFound")
	w.Call("GET "+teamsLeads+"/messages", "", "Authorization", "Bearer nope").Is(401, "error.code", "InvalidAuthenticationToken")
}

// TestSandboxListsAndChanges: the newest first, three a page by whole addresses,
// filtered and ordered as OData does, and the changes since a time.
func TestSandboxListsAndChanges(t *testing.T) {
	w := start(t)
	for i := range 7 {
		w.Clock.Advance(time.Minute)
		w.Call("POST "+teamsDeals+"/messages", fmt.Sprintf(`{"body":{"content":"%d"}}`, i)).Is(201)
	}
	page := w.Call("GET "+teamsDeals+"/messages?$top=3", "").Is(200, "value.#.body.content", `["6","5","4"]`)
	page = w.Follow(page, `@odata\.nextLink`).Is(200, "value.#.body.content", `["3","2","1"]`)
	w.Follow(page, `@odata\.nextLink`).Is(200, "value.#.body.content", `["0"]`, `@odata\.nextLink`, "")

	since := url.QueryEscape("lastModifiedDateTime gt " + w.Clock.Now().Add(-2*time.Minute-time.Second).Format(time.RFC3339))
	order := url.QueryEscape("createdDateTime asc")
	w.Call("GET "+teamsDeals+"/messages?$filter="+since+"&$orderby="+order, "").Is(200, "value.#.body.content", `["4","5","6"]`)
	w.Call("GET /teams/teams?$filter="+url.QueryEscape("displayName eq 'Sales' and startswith(description,'who')"), "").Is(200, "value.#", "1")
	w.Call("GET /teams/teams?$filter="+url.QueryEscape("displayName has 'x'"), "").Is(400, "error.code", "BadRequest")

	page = w.Call("GET "+teamsDeals+"/messages/delta()?$top=5", "").Is(200, "value.#", "5")
	page = w.Follow(page, `@odata\.nextLink`).Is(200, "value.#", "2")
	quiet := w.Follow(page, `@odata\.deltaLink`).Is(200, "value.#", "0")
	w.Call("PATCH "+teamsDeals+"/messages/"+page.Get("value.0.id"), `{"body":{"content":"changed"}}`).Is(204)
	w.Call("POST "+teamsDeals+"/messages", `{"body":{"content":"new"}}`).Is(201)
	w.Follow(quiet, `@odata\.deltaLink`).Is(200, "value.#.body.content", `["changed","new"]`)
}

func TestSandboxPlaces(t *testing.T) {
	w := start(t)
	w.Call("GET /teams/me", "").Is(200, "displayName", "Ada Sandbox")
	team := w.Call("GET /teams/me/joinedTeams", "").Is(200, "value.#.displayName", `["Sales"]`).Get("value.0.id")
	w.Call("GET /teams/teams/"+team+"/channels", "").Is(200, "value.#.displayName", `["General","Leads"]`)
	w.Call("POST /teams/teams/"+team+"/channels", `{"displayName":"Deals"}`).Is(201, "displayName", "Deals")
	w.Call("GET /teams/teams/"+team+"/members", "").Is(200, "value.#", "2")
	w.Call("POST /teams/teams/"+team+"/archive", "").Is(202)
	w.Call("GET /teams/teams/"+team, "").Is(200, "isArchived", "true")
	under := w.Call("POST /teams/teams", `{"displayName":"New"}`).Is(202)
	made := w.Call("GET /teams/me/joinedTeams", "").Is(200, "value.#.displayName", `["Sales","New"]`).Get("value.1.id")
	if at := under.Header.Get("Content-Location"); under.Body != "" || at != "/teams('"+made+"')" {
		t.Errorf("got %s at %s", under.Body, at)
	}
	chat := w.Call("POST /teams/chats", `{"chatType":"oneOnOne","members":[{"@odata.type":"#microsoft.graph.aadUserConversationMember","user@odata.bind":"https://graph.microsoft.com/v1.0/users('u4')"}]}`).
		Is(201, "chatType", "oneOnOne").Get("id")
	w.Call("GET /teams/chats/"+chat+"/members", "").Is(200, "value.#.userId", `["u4"]`)
}

func TestSandboxCards(t *testing.T) {
	w := start(t)
	const address = "POST /teams/workflows/invoke?sig=" + sandbox.Token
	card := func(text string) string {
		return `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","version":"1.4","body":[{"type":"TextBlock","text":"` + text + `"}]}}]}`
	}
	if posted := w.Call(address, card("Hello"), "Authorization", "").Is(202); posted.Body != "" {
		t.Errorf("got %s", posted.Body)
	}
	w.Call(address, card(strings.Repeat("x", 28<<10)), "Authorization", "").Is(413, "error.code", "RequestEntityTooLarge")
	w.Call(address, `{"type":"message"}`, "Authorization", "").Is(400, "error.message", "attachments should not be empty")
	w.Call("POST /teams/workflows/invoke?sig=nope", card("Hello")).Is(401)
	if cards := w.Records("teams", "cards"); len(cards) != 1 || sandboxtest.Value(string(cards[0]), "attachments.0.content.body.0.text") != "Hello" {
		t.Errorf("posted were %s", cards)
	}
	for _, r := range w.Requests("teams") {
		if strings.Contains(r.Query, "sig") {
			t.Errorf("the log shows %q", r.Query)
		}
	}
}

// TestSandboxNotifications: the address is checked; changes in one channel are
// reported with their path and the subscription's secret, and no others.
func TestSandboxNotifications(t *testing.T) {
	w := start(t)
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
	register := func(resource string, lasts time.Duration, more string) sandboxtest.Answer {
		return w.Call("POST /teams/subscriptions", fmt.Sprintf(`{"changeType":"created,updated,deleted","notificationUrl":%q,"resource":%q,"expirationDateTime":%q,"clientState":"shown"%s}`,
			server.URL, resource, w.Clock.Now().Add(lasts).Format(time.RFC3339), more))
	}
	resource := strings.TrimPrefix(teamsLeads, "/teams") + "/messages"
	register(resource, 2*time.Hour, "").Is(400, "error.code", "BadRequest")
	id := register(resource, 70*time.Hour, `,"lifecycleNotificationUrl":"`+server.URL+`"`).Is(201, "clientState", "shown").Get("id")
	w.Call("GET /teams/subscriptions", "").Is(200, "value.#", "1", "value.0.clientState", "")

	message := w.Call("POST "+teamsLeads+"/messages", `{"body":{"content":"Hello"}}`).Get("id")
	w.Call("POST "+teamsDeals+"/messages", `{"body":{"content":"elsewhere"}}`).Is(201)
	must(t, w.Idle(t.Context()))
	w.Call("POST "+teamsLeads+"/messages/"+message+"/softDelete", "").Is(204)
	must(t, w.Idle(t.Context()))
	at := "teams('5a0d7e2c-0000-4000-8000-0000005a1e50')/channels('19:5a0d7e2c000000000000000000000002@thread.tacv2')/messages('" + message + "')"
	want := []string{
		"created " + at + " #Microsoft.Graph.chatMessage shown true false\n",
		"deleted " + at + " #Microsoft.Graph.chatMessage shown true false\n",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	w.Call("PATCH /teams/subscriptions/"+id, `{"expirationDateTime":"`+w.Clock.Now().Add(80*time.Hour).Format(time.RFC3339)+`"}`).Is(400)
	w.Call("DELETE /teams/subscriptions/"+id, "").Is(204)
	w.Call("POST "+teamsLeads+"/messages", `{"body":{"content":"unheard"}}`).Is(201)
	must(t, w.Idle(t.Context()))
	if len(got) != 2 {
		t.Errorf("notified after its end: %q", got[2:])
	}
}
