package googlecalendar_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/googlecalendar"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

func start(t *testing.T) *sandboxtest.Server {
	return sandboxtest.StartApp(t, googlecalendar.App(), googlecalendar.Rules(), sandbox.Config{})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const meeting = `{"summary":"Meeting","start":{"dateTime":"2026-03-05T10:00:00Z"},"end":{"dateTime":"2026-03-05T11:00:00Z"}}`

func TestEvents(t *testing.T) {
	w := start(t)
	const events = "/googlecalendar/calendars/primary/events"
	made := w.Call("POST "+events, meeting).Is(200, "kind", "calendar#event", "status", "confirmed", "summary", "Meeting",
		"organizer.email", "ada@sandbox.example", "created", "2026-03-04T05:06:07.000Z")
	id, etag := made.Get("id"), made.Get("etag")
	w.Call("PATCH "+events+"/"+id, `{"location":"Lille"}`, "If-Match", etag).Is(200, "location", "Lille", "summary", "Meeting")
	w.Call("PATCH "+events+"/"+id, `{"location":"Lyon"}`, "If-Match", etag).Is(412, "error.errors.0.reason", "conditionNotMet")
	w.Call("PUT "+events+"/"+id, meeting).Is(200, "location", "", "summary", "Meeting")
	w.Call("POST "+events+"/quickAdd?text=Lunch", "").Is(200, "summary", "Lunch")
	w.Call("GET "+events+"?q=lunch", "").Is(200, "items.#", "1")
	w.Call("GET "+events+"?timeMin=2026-03-05T00:00:00Z&orderBy=startTime", "").Is(200, "items.#", "1", "items.0.id", id)
	w.Call("POST "+events, `{"summary":"no time"}`).Is(400, "error.errors.0.reason", "required")
	w.Call("POST "+events, strings.Replace(meeting, "{", `{"id":"`+id+`",`, 1)).Is(409, "error.errors.0.reason", "duplicate")
	w.Call("DELETE "+events+"/"+id, "").Is(204)
	w.Call("DELETE "+events+"/"+id, "").Is(410, "error.code", "410", "error.errors.0.reason", "deleted")
	w.Call("GET "+events+"/"+id, "").Is(200, "status", "cancelled")
	w.Call("GET /googlecalendar/calendars/nowhere/events", "").Is(404, "error.errors.0.reason", "notFound", "error.message", "Not Found")
	w.Call("GET "+events, "", "Authorization", "Bearer wrong").Is(401, "error.errors.0.reason", "authError")
}

func TestSyncTokens(t *testing.T) {
	w := start(t)
	const events = "/googlecalendar/calendars/primary/events"
	for range 3 {
		w.Call("POST "+events, meeting).Is(200)
	}
	first := w.Call("GET "+events+"?maxResults=2", "").Is(200, "items.#", "2", "nextSyncToken", "")
	last := w.Call("GET "+events+"?maxResults=2&pageToken="+first.Get("nextPageToken"), "").Is(200, "items.#", "1", "nextPageToken", "")
	since := events + "?syncToken=" + url.QueryEscape(last.Get("nextSyncToken"))
	w.Call("GET "+since, "").Is(200, "items.#", "0")
	w.Call("PATCH "+events+"/"+first.Get("items.0.id"), `{"location":"Lille"}`).Is(200)
	w.Call("DELETE "+events+"/"+first.Get("items.1.id"), "").Is(204)
	// A change between two pages is listed in the next synchronisation.
	page := w.Call("GET "+since+"&maxResults=1", "").Is(200, "items.#", "1", "items.0.location", "Lille")
	w.Call("PATCH "+events+"/"+first.Get("items.0.id"), `{"location":"Lyon"}`).Is(200)
	end := w.Call("GET "+since+"&maxResults=1&pageToken="+page.Get("nextPageToken"), "").Is(200, "items.0.status", "cancelled")
	w.Call("GET "+events+"?syncToken="+end.Get("nextSyncToken"), "").Is(200, "items.#", "1", "items.0.location", "Lyon")
	w.Call("GET "+since+"&q=x", "").Is(400)
	must(t, w.InvalidateSyncTokens("googlecalendar"))
	w.Call("GET "+since, "").Is(410, "error.errors.0.reason", "fullSyncRequired")
	w.Call("GET "+events, "").Is(200, "items.#", "2")
}

func TestCalendars(t *testing.T) {
	w := start(t)
	const list = "/googlecalendar/users/me/calendarList"
	token := w.Call("GET "+list, "").Is(200, "items.#", "2", "items.0.primary", "true").Get("nextSyncToken")
	id := w.Call("POST /googlecalendar/calendars", `{"summary":"Trips"}`).Is(200, "kind", "calendar#calendar").Get("id")
	w.Call("GET "+list+"?syncToken="+token, "").Is(200, "items.#", "1", "items.0.id", id, "items.0.accessRole", "owner")
	w.Call("DELETE /googlecalendar/calendars/"+id, "").Is(204)
	w.Call("GET "+list+"?syncToken="+token, "").Is(200, "items.#", "1", "items.0.deleted", "true")
	w.Call("GET "+list+"/"+id, "").Is(404)

	rule := `{"role":"reader","scope":{"type":"user","value":"ben@sandbox.example"}}`
	const team = "/googlecalendar/calendars/c_0sandboxteam@group.calendar.google.com/acl"
	for _, acl := range []string{"/googlecalendar/calendars/primary/acl", team} {
		w.Call("POST "+acl, rule).Is(200, "id", "user:ben@sandbox.example")
		w.Call("PATCH "+acl+"/user:ben@sandbox.example", `{"role":"writer"}`).Is(200, "role", "writer")
	}
	w.Call("DELETE "+team+"/user:ben@sandbox.example", "").Is(204)
	w.Call("GET "+team, "").Is(200, "items.#", "0")
	w.Call("GET "+team+"?showDeleted=true", "").Is(200, "items.0.role", "none")
	w.Call("GET /googlecalendar/calendars/primary/acl", "").Is(200, "items.0.role", "writer")
}

func TestFreeBusy(t *testing.T) {
	w := start(t)
	w.Call("POST /googlecalendar/calendars/primary/events", meeting).Is(200)
	w.Call("POST /googlecalendar/freeBusy", `{"timeMin":"2026-03-05T10:30:00Z","timeMax":"2026-03-05T12:00:00Z","items":[{"id":"primary"},{"id":"nobody"}]}`).
		Is(200, "calendars.primary.busy.#", "1", "calendars.primary.busy.0.start", "2026-03-05T10:00:00.000Z", "calendars.nobody.errors.0.reason", "notFound")
	w.Call("POST /googlecalendar/freeBusy", `{"timeMin":"2026-03-05T11:00:00Z","timeMax":"2026-03-05T12:00:00Z","items":[{"id":"primary"}]}`).
		Is(200, "calendars.primary.busy.#", "0")
}

func TestChannels(t *testing.T) {
	w, r := start(t), sandboxtest.Receive(t)
	channel := `{"id":"chan-1","type":"web_hook","address":"` + r.URL + `","token":"shh"}`
	made := w.Call("POST /googlecalendar/calendars/primary/events/watch", channel).Is(200, "kind", "api#channel", "id", "chan-1", "expiration", "1773205567000", "address", "")
	w.Call("POST /googlecalendar/calendars/primary/events/watch", channel).Is(400, "error.errors.0.reason", "channelIdNotUnique")
	w.Call("POST /googlecalendar/calendars/primary/events", meeting).Is(200)
	w.Call("POST /googlecalendar/calendars/c_0sandboxteam@group.calendar.google.com/events", meeting).Is(200)
	must(t, w.Idle(t.Context()))
	got := r.Webhooks()
	if len(got) != 2 {
		t.Fatalf("%d messages, expected that it is open and that something changed", len(got))
	}
	for i, state := range []string{"sync", "exists"} {
		h := got[i].Header
		if h.Get("X-Goog-Resource-State") != state || h.Get("X-Goog-Channel-Token") != "shh" || h.Get("X-Goog-Channel-ID") != "chan-1" ||
			h.Get("X-Goog-Resource-ID") != made.Get("resourceId") || got[i].Body != "" {
			t.Errorf("message %d: %v %q", i, h, got[i].Body)
		}
	}
	w.Call("POST /googlecalendar/channels/stop", `{"id":"chan-1","resourceId":"other"}`).Is(404)
	w.Call("POST /googlecalendar/channels/stop", made.Body).Is(204) // the whole channel, as it was read
	w.Call("POST /googlecalendar/calendars/primary/events", meeting).Is(200)
	must(t, w.Idle(t.Context()))
	if n := len(r.Webhooks()); n != 2 {
		t.Errorf("%d messages after the end of the channel", n-2)
	}

	// A channel expires.
	w.Call("POST /googlecalendar/calendars/primary/events/watch", strings.Replace(channel, "chan-1", "chan-2", 1)).Is(200)
	w.Clock.Advance(8 * 24 * time.Hour)
	w.Call("POST /googlecalendar/calendars/primary/events", meeting).Is(200)
	must(t, w.Idle(t.Context()))
	if n := len(r.Webhooks()); n != 3 {
		t.Errorf("%d messages over the second channel, expected only that it is open", n-2)
	}
}
