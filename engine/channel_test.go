package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Asana confirms an address by a handshake, signs with the secret of it, and
// has a webhook for each project.
func TestAsanaTellsOfItsProjects(t *testing.T) {
	w := newHooked(t, map[string]string{"tasks.lua": `
on("asana.task.changed", { where = { ["change.field"] = "completed" } }, function(event) state.put("done", event.data.resource.gid) end)`},
		setting("asana", auto))
	w.come("the webhook of the project", w.live(1))
	if got := w.hooks("asana", "webhooks", "target"); !strings.Contains(got[0], "/hooks/asana?subscription=") {
		t.Errorf("it goes to %q", got)
	}
	task := w.change("asana", "POST", "/tasks", `{"data":{"name":"Call","projects":["1200000000000005"]}}`).Get("data.gid").Str
	w.somebody("asana", "PUT /tasks/"+task, `{"data":{"name":"Call Ada"}}`)
	w.somebody("asana", "PUT /tasks/"+task, `{"data":{"completed":true}}`)
	w.come("the run of the task that was completed", func() bool { return len(w.succeeded()) == 1 })
	must(t, os.Remove(filepath.Join(w.scripts, "tasks.lua")))
	w.come("the end of the webhook", func() bool { return len(w.hooks("asana", "webhooks", "gid")) == 0 })
}

// Google says over a channel that a calendar changed, and its list is looked at
// at once.
func TestGoogleSaysThatACalendarChanged(t *testing.T) {
	w := newHooked(t, map[string]string{"events.lua": `
on("googlecalendar.event.created", function(event) state.put("seen", event.data.calendarId) end)`}, setting("googlecalendar", auto))
	w.come("a channel for each calendar", w.live(2))
	w.looked()
	w.somebody("googlecalendar", "POST /calendars/primary/events", `{"summary":"Call","start":{"date":"2027-03-02"},"end":{"date":"2027-03-03"}}`)
	w.come("the run", func() bool { return len(w.succeeded()) == 1 })
	must(t, os.Remove(filepath.Join(w.scripts, "events.lua")))
	w.come("the end of the channels", func() bool { return len(w.hooks("googlecalendar", "channels", "id")) == 0 })
}
