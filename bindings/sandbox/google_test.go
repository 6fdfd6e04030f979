package sandbox_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

const meeting = `{"summary":"Meeting","start":{"dateTime":"2026-03-05T10:00:00Z"},"end":{"dateTime":"2026-03-05T11:00:00Z"}}`

func TestGoogleEvents(t *testing.T) {
	w := start(t, sandbox.Config{})
	const events = "/googlecalendar/calendars/primary/events"
	made := w.call("POST "+events, meeting).is(200, "kind", "calendar#event", "status", "confirmed", "summary", "Meeting",
		"organizer.email", "ada@sandbox.example", "created", "2026-03-04T05:06:07.000Z")
	id, etag := made.get("id"), made.get("etag")
	w.call("PATCH "+events+"/"+id, `{"location":"Lille"}`, "If-Match", etag).is(200, "location", "Lille", "summary", "Meeting")
	w.call("PATCH "+events+"/"+id, `{"location":"Lyon"}`, "If-Match", etag).is(412, "error.errors.0.reason", "conditionNotMet")
	w.call("PUT "+events+"/"+id, meeting).is(200, "location", "", "summary", "Meeting")
	w.call("POST "+events+"/quickAdd?text=Lunch", "").is(200, "summary", "Lunch")
	w.call("GET "+events+"?q=lunch", "").is(200, "items.#", "1")
	w.call("GET "+events+"?timeMin=2026-03-05T00:00:00Z&orderBy=startTime", "").is(200, "items.#", "1", "items.0.id", id)
	w.call("POST "+events, `{"summary":"no time"}`).is(400, "error.errors.0.reason", "required")
	w.call("POST "+events, strings.Replace(meeting, "{", `{"id":"`+id+`",`, 1)).is(409, "error.errors.0.reason", "duplicate")
	w.call("DELETE "+events+"/"+id, "").is(204)
	w.call("DELETE "+events+"/"+id, "").is(410, "error.code", "410", "error.errors.0.reason", "deleted")
	w.call("GET "+events+"/"+id, "").is(200, "status", "cancelled")
	w.call("GET /googlecalendar/calendars/nowhere/events", "").is(404, "error.errors.0.reason", "notFound", "error.message", "Not Found")
	w.call("GET "+events, "", "Authorization", "Bearer wrong").is(401, "error.errors.0.reason", "authError")
}

func TestGoogleSyncTokens(t *testing.T) {
	w := start(t, sandbox.Config{})
	const events = "/googlecalendar/calendars/primary/events"
	for range 3 {
		w.call("POST "+events, meeting).is(200)
	}
	first := w.call("GET "+events+"?maxResults=2", "").is(200, "items.#", "2", "nextSyncToken", "")
	last := w.call("GET "+events+"?maxResults=2&pageToken="+first.get("nextPageToken"), "").is(200, "items.#", "1", "nextPageToken", "")
	since := events + "?syncToken=" + url.QueryEscape(last.get("nextSyncToken"))
	w.call("GET "+since, "").is(200, "items.#", "0")
	w.call("PATCH "+events+"/"+first.get("items.0.id"), `{"location":"Lille"}`).is(200)
	w.call("DELETE "+events+"/"+first.get("items.1.id"), "").is(204)
	// What changes while somebody goes through the pages is told the next time.
	page := w.call("GET "+since+"&maxResults=1", "").is(200, "items.#", "1", "items.0.location", "Lille")
	w.call("PATCH "+events+"/"+first.get("items.0.id"), `{"location":"Lyon"}`).is(200)
	end := w.call("GET "+since+"&maxResults=1&pageToken="+page.get("nextPageToken"), "").is(200, "items.0.status", "cancelled")
	w.call("GET "+events+"?syncToken="+end.get("nextSyncToken"), "").is(200, "items.#", "1", "items.0.location", "Lyon")
	w.call("GET "+since+"&q=x", "").is(400)
	must(t, w.Forget("googlecalendar"))
	w.call("GET "+since, "").is(410, "error.errors.0.reason", "fullSyncRequired")
	w.call("GET "+events, "").is(200, "items.#", "2")
}

func TestGoogleCalendars(t *testing.T) {
	w := start(t, sandbox.Config{})
	const list = "/googlecalendar/users/me/calendarList"
	token := w.call("GET "+list, "").is(200, "items.#", "2", "items.0.primary", "true").get("nextSyncToken")
	id := w.call("POST /googlecalendar/calendars", `{"summary":"Trips"}`).is(200, "kind", "calendar#calendar").get("id")
	w.call("GET "+list+"?syncToken="+token, "").is(200, "items.#", "1", "items.0.id", id, "items.0.accessRole", "owner")
	w.call("DELETE /googlecalendar/calendars/"+id, "").is(204)
	w.call("GET "+list+"?syncToken="+token, "").is(200, "items.#", "1", "items.0.deleted", "true")
	w.call("GET "+list+"/"+id, "").is(404)

	rule := `{"role":"reader","scope":{"type":"user","value":"ben@sandbox.example"}}`
	const team = "/googlecalendar/calendars/c_0sandboxteam@group.calendar.google.com/acl"
	for _, acl := range []string{"/googlecalendar/calendars/primary/acl", team} {
		w.call("POST "+acl, rule).is(200, "id", "user:ben@sandbox.example")
		w.call("PATCH "+acl+"/user:ben@sandbox.example", `{"role":"writer"}`).is(200, "role", "writer")
	}
	w.call("DELETE "+team+"/user:ben@sandbox.example", "").is(204)
	w.call("GET "+team, "").is(200, "items.#", "0")
	w.call("GET "+team+"?showDeleted=true", "").is(200, "items.0.role", "none")
	w.call("GET /googlecalendar/calendars/primary/acl", "").is(200, "items.0.role", "writer")
}

func TestGoogleFreeBusy(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.call("POST /googlecalendar/calendars/primary/events", meeting).is(200)
	w.call("POST /googlecalendar/freeBusy", `{"timeMin":"2026-03-05T10:30:00Z","timeMax":"2026-03-05T12:00:00Z","items":[{"id":"primary"},{"id":"nobody"}]}`).
		is(200, "calendars.primary.busy.#", "1", "calendars.primary.busy.0.start", "2026-03-05T10:00:00.000Z", "calendars.nobody.errors.0.reason", "notFound")
	w.call("POST /googlecalendar/freeBusy", `{"timeMin":"2026-03-05T11:00:00Z","timeMax":"2026-03-05T12:00:00Z","items":[{"id":"primary"}]}`).
		is(200, "calendars.primary.busy.#", "0")
}

func TestGoogleChannels(t *testing.T) {
	w, r := start(t, sandbox.Config{}), receive(t)
	channel := `{"id":"chan-1","type":"web_hook","address":"` + r.URL + `","token":"shh"}`
	made := w.call("POST /googlecalendar/calendars/primary/events/watch", channel).is(200, "kind", "api#channel", "id", "chan-1", "expiration", "1773205567000", "address", "")
	w.call("POST /googlecalendar/calendars/primary/events/watch", channel).is(400, "error.errors.0.reason", "channelIdNotUnique")
	w.call("POST /googlecalendar/calendars/primary/events", meeting).is(200)
	w.call("POST /googlecalendar/calendars/c_0sandboxteam@group.calendar.google.com/events", meeting).is(200)
	must(t, w.Idle(t.Context()))
	got := r.hooks()
	if len(got) != 2 {
		t.Fatalf("%d messages, expected that it is open and that something changed", len(got))
	}
	for i, state := range []string{"sync", "exists"} {
		h := got[i].header
		if h.Get("X-Goog-Resource-State") != state || h.Get("X-Goog-Channel-Token") != "shh" || h.Get("X-Goog-Channel-ID") != "chan-1" ||
			h.Get("X-Goog-Resource-ID") != made.get("resourceId") || got[i].body != "" {
			t.Errorf("message %d: %v %q", i, h, got[i].body)
		}
	}
	w.call("POST /googlecalendar/channels/stop", `{"id":"chan-1","resourceId":"other"}`).is(404)
	w.call("POST /googlecalendar/channels/stop", `{"id":"chan-1","resourceId":"`+made.get("resourceId")+`"}`).is(204)
	w.call("POST /googlecalendar/calendars/primary/events", meeting).is(200)
	must(t, w.Idle(t.Context()))
	if n := len(r.hooks()); n != 2 {
		t.Errorf("%d messages after the end of the channel", n-2)
	}

	// A channel ends by itself.
	w.call("POST /googlecalendar/calendars/primary/events/watch", strings.Replace(channel, "chan-1", "chan-2", 1)).is(200)
	w.clock.pass(8 * 24 * time.Hour)
	w.call("POST /googlecalendar/calendars/primary/events", meeting).is(200)
	must(t, w.Idle(t.Context()))
	if n := len(r.hooks()); n != 3 {
		t.Errorf("%d messages over the second channel, expected only that it is open", n-2)
	}
}
