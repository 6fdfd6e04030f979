package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAsanaWebhookOfProject registers a webhook for each project, by a handshake
// that sets the secret of its signatures.
func TestAsanaWebhookOfProject(t *testing.T) {
	f := newWebhookFixture(t, map[string]string{"tasks.lua": `
on("asana.task.changed", { where = { ["change.field"] = "completed" } }, function(event) state.put("done", event.data.resource.gid) end)`},
		setting("asana", autoWebhooks))
	f.await("the webhook of the project", f.liveSubscriptions(1))
	if got := f.registered("asana", "webhooks", "target"); !strings.Contains(got[0], "/hooks/asana?subscription=") {
		t.Errorf("it goes to %q", got)
	}
	task := f.change("asana", "POST", "/tasks", `{"data":{"name":"Call","projects":["1200000000000005"]}}`).Get("data.gid").Str
	f.request("asana", "PUT /tasks/"+task, `{"data":{"name":"Call Ada"}}`)
	f.request("asana", "PUT /tasks/"+task, `{"data":{"completed":true}}`)
	f.await("the run of the task that was completed", func() bool { return len(f.succeeded()) == 1 })
	must(t, os.Remove(filepath.Join(f.scripts, "tasks.lua")))
	f.await("the end of the webhook", func() bool { return len(f.registered("asana", "webhooks", "gid")) == 0 })
}

// TestGoogleChannelStartsPoll changes a calendar. Google sends a notification
// without data, after which the list is polled at once.
func TestGoogleChannelStartsPoll(t *testing.T) {
	f := newWebhookFixture(t, map[string]string{"events.lua": `
on("googlecalendar.event.created", function(event) state.put("seen", event.data.calendarId) end)`}, setting("googlecalendar", autoWebhooks))
	f.await("a channel for each calendar", f.liveSubscriptions(2))
	f.awaitPolls()
	f.request("googlecalendar", "POST /calendars/primary/events", `{"summary":"Call","start":{"date":"2027-03-02"},"end":{"date":"2027-03-03"}}`)
	f.await("the run", func() bool { return len(f.succeeded()) == 1 })
	must(t, os.Remove(filepath.Join(f.scripts, "events.lua")))
	f.await("the end of the channels", func() bool { return len(f.registered("googlecalendar", "channels", "id")) == 0 })
}
