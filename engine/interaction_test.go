package engine_test

import (
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/journal"
)

// allowPrivate lets scripts post to the sandbox's addresses, which are private.
func allowPrivate(c *engine.Config) { c.HTTP.AllowPrivate = true }

// awaitOnlyRun waits until the only run is in a state.
func (f *fixture) awaitOnlyRun(state journal.State) {
	f.t.Helper()
	f.until(func() bool {
		runs := f.runs()
		if len(runs) == 1 && runs[0].Run.State.Ended() && runs[0].Run.State != state {
			f.t.Fatalf("the run is %s: %+v; the log:\n%s", runs[0].Run.State, runs[0].Run.Problem, f.log)
		}
		return len(runs) == 1 && runs[0].Run.State == state
	})
}

// slackAction makes an action of a person in the sandbox's Slack.
func (f *fixture) slackAction(what string, args map[string]any) {
	f.t.Helper()
	must(f.t, f.apps.Do(f.t.Context(), "slack", what, args))
}

// expectRecord expects a record in the sandbox's Slack that has a text in a field.
func (f *fixture) expectRecord(resource, field, want string) {
	f.t.Helper()
	var all []string
	for _, record := range f.apps.Records("slack", resource) {
		got := gjson.GetBytes(record, field).String()
		if got == want {
			return
		}
		all = append(all, got)
	}
	f.t.Errorf("no %s of %s is %q; there are %q", field, resource, want, all)
}

// TestRunWaitsForClick waits for a click by the button's value. Clicks with other
// values do not wake the run.
func TestRunWaitsForClick(t *testing.T) {
	f := newFixture(t, map[string]string{"ask.lua": `local slack = require "slack"
on("in:/ask", { verify = "none" }, function()
  local token = uuid()
  local function button(label)
    return { type = "button", text = { type = "plain_text", text = label }, value = label .. " " .. token }
  end
  slack.chat.post_message { channel = "#sales", text = "Ship it?", blocks = {
    { type = "actions", elements = { button "yes", button "no" } },
  } }
  local click, late = wait_for("slack.block_action.performed", {
    where = { ["actions.0.value"] = { "yes " .. token, "no " .. token } }, timeout = "1 hour",
  })
  slack.chat.post_message { channel = "#sales", text = click.data.user.name .. " chose " .. text.split(click.data.actions[1].value, " ")[1] }
end)`})
	f.post("/in/ask", "{}")
	f.awaitOnlyRun(journal.Waiting)
	must(t, f.apps.Emit(t.Context(), "slack.block_action.performed", map[string]any{
		"channel": map[string]any{"id": "C0SALES0001"}, "actions": []any{map[string]any{"type": "button", "value": "yes to something else"}},
	}, sandbox.EmitOptions{}))
	f.awaitOnlyRun(journal.Waiting)
	f.slackAction("click", map[string]any{"value": "no", "user": "U0SANDBEN01"})
	f.awaitOnlyRun(journal.Succeeded)
	f.expectRecord("messages", "text", "ben chose no")
}

// TestRunWaitsForModal opens a modal, and the run continues with what was entered
// in it.
func TestRunWaitsForModal(t *testing.T) {
	f := newFixture(t, map[string]string{"order.lua": `local slack = require "slack"
on("slack.shortcut.used", { where = { callback_id = "order" } }, function(event)
  local opened = slack.views.open { trigger_id = event.data.trigger_id, view = {
    type = "modal", callback_id = "order", title = { type = "plain_text", text = "Order" }, submit = { type = "plain_text", text = "Send" },
    blocks = { { type = "input", block_id = "what", label = { type = "plain_text", text = "What?" },
      element = { type = "plain_text_input", action_id = "text" } } },
  } }
  local sent = wait_for("slack.view.submitted", { where = { ["view.id"] = opened.view.id } })
  slack.chat.post_message { channel = "#sales", text = "Order: " .. sent.data.view.state.values.what.text.value }
end)`})
	f.slackAction("shortcut", map[string]any{"callback_id": "order"})
	f.awaitOnlyRun(journal.Waiting)
	f.slackAction("submit", map[string]any{"values": map[string]any{"what": map[string]any{"text": "Two chairs"}}})
	f.awaitOnlyRun(journal.Succeeded)
	f.expectRecord("messages", "text", "Order: Two chairs")
}

// TestRunUploadsFile uploads a file in the vendor's three steps.
func TestRunUploadsFile(t *testing.T) {
	f := newFixture(t, map[string]string{"report.lua": `local slack = require "slack"
on("in:/report", { verify = "none" }, function(event)
  local report = "name,amount\n" .. event.data.name .. ",120\n"
  local upload = slack.files.get_upload_url_external { filename = "report.csv", length = #report }
  http.post(upload.upload_url, { body = report, headers = { ["Content-Type"] = "application/octet-stream" } })
  local done = slack.files.complete_upload_external {
    files = { { id = upload.file_id, title = "Report" } }, channel_id = "C0SALES0001", initial_comment = "The report",
  }
  log.info("uploaded", { size = done.files[1].size })
end)`}, allowPrivate)
	f.post("/in/report", `{"name":"Ada"}`)
	f.awaitOnlyRun(journal.Succeeded)
	f.expectRecord("files", "title", "Report")
	f.expectRecord("messages", "text", "The report")
	if size := f.log.await(t, 0, `"uploaded"`)["size"]; size != 20.0 {
		t.Errorf("%v bytes were uploaded", size)
	}
}

// TestEachOverObject calls each on a list that the vendor returns as an object, and
// gets its keys and values.
func TestEachOverObject(t *testing.T) {
	f := newFixture(t, map[string]string{"emoji.lua": `local slack = require "slack"
on("in:/emoji", { verify = "none" }, function()
  for _, name in ipairs { "ship", "tada", "wave" } do
    slack.admin_emoji.add { name = name, url = "https://example.com/" .. name .. ".png" }
  end
  local all = {}
  for emoji in each(slack.admin_emoji.list, { limit = 2 }) do
    all[#all + 1] = emoji.key .. "=" .. emoji.value.url
  end
  log.info("walked", { all = table.concat(all, " ") })
end)`}, unlimited)
	f.post("/in/emoji", "{}")
	f.awaitOnlyRun(journal.Succeeded)
	const want = "ship=https://example.com/ship.png tada=https://example.com/tada.png wave=https://example.com/wave.png"
	if got := f.log.await(t, 0, `"walked"`)["all"]; got != want {
		t.Errorf("it walked %v, expected %s", got, want)
	}
}
