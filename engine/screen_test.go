package engine_test

import (
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/journal"
)

// near lets scripts post to the addresses that the sandbox gives out.
func near(c *engine.Config) { c.HTTP.AllowPrivate = true }

// only gives the one run there is, once it is in a state.
func (w *world) only(state journal.State) {
	w.t.Helper()
	w.until(func() bool {
		runs := w.runs()
		if len(runs) == 1 && runs[0].Run.State.Ended() && runs[0].Run.State != state {
			w.t.Fatalf("the run is %s: %+v; the log:\n%s", runs[0].Run.State, runs[0].Run.Problem, w.log)
		}
		return len(runs) == 1 && runs[0].Run.State == state
	})
}

func (w *world) do(what string, args map[string]any) {
	w.t.Helper()
	must(w.t, w.apps.Do(w.t.Context(), "slack", what, args))
}

// shows checks that some record of the sandbox has a field with a text.
func (w *world) shows(resource, field, want string) {
	w.t.Helper()
	var all []string
	for _, record := range w.apps.Records("slack", resource) {
		got := gjson.GetBytes(record, field).String()
		if got == want {
			return
		}
		all = append(all, got)
	}
	w.t.Errorf("no %s of %s is %q; there are %q", field, resource, want, all)
}

// A run waits for a click by what the button carries, with or without an
// approval; other clicks pass it by.
func TestARunWaitsForAClick(t *testing.T) {
	w := newWorld(t, map[string]string{"ask.lua": `local slack = require "slack"
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
  slack.chat.post_message { channel = "#sales", text = click.data.user.name .. " says " .. text.split(click.data.actions[1].value, " ")[1] }
end)`})
	w.post("/in/ask", "{}")
	w.only(journal.Waiting)
	must(t, w.apps.Emit(t.Context(), "slack.block_action.performed", map[string]any{
		"channel": map[string]any{"id": "C0SALES0001"}, "actions": []any{map[string]any{"type": "button", "value": "yes to something else"}},
	}, sandbox.EmitOptions{}))
	w.only(journal.Waiting)
	w.do("click", map[string]any{"value": "no", "user": "U0SANDBEN01"})
	w.only(journal.Succeeded)
	w.shows("messages", "text", "ben says no")
}

// A shortcut opens a modal, and the run goes on with what was entered in it.
func TestARunWaitsForAModal(t *testing.T) {
	w := newWorld(t, map[string]string{"order.lua": `local slack = require "slack"
on("slack.shortcut.used", { where = { callback_id = "order" } }, function(event)
  local opened = slack.views.open { trigger_id = event.data.trigger_id, view = {
    type = "modal", callback_id = "order", title = { type = "plain_text", text = "Order" }, submit = { type = "plain_text", text = "Send" },
    blocks = { { type = "input", block_id = "what", label = { type = "plain_text", text = "What?" },
      element = { type = "plain_text_input", action_id = "text" } } },
  } }
  local sent = wait_for("slack.view.submitted", { where = { ["view.id"] = opened.view.id } })
  slack.chat.post_message { channel = "#sales", text = "Order: " .. sent.data.view.state.values.what.text.value }
end)`})
	w.do("shortcut", map[string]any{"callback_id": "order"})
	w.only(journal.Waiting)
	w.do("submit", map[string]any{"values": map[string]any{"what": map[string]any{"text": "Two chairs"}}})
	w.only(journal.Succeeded)
	w.shows("messages", "text", "Order: Two chairs")
}

// A file is uploaded in the three steps that the vendor wants.
func TestARunUploadsAFile(t *testing.T) {
	w := newWorld(t, map[string]string{"report.lua": `local slack = require "slack"
on("in:/report", { verify = "none" }, function(event)
  local report = "name,amount\n" .. event.data.name .. ",120\n"
  local upload = slack.files.get_upload_url_external { filename = "report.csv", length = #report }
  http.post(upload.upload_url, { body = report, headers = { ["Content-Type"] = "application/octet-stream" } })
  local done = slack.files.complete_upload_external {
    files = { { id = upload.file_id, title = "Report" } }, channel_id = "C0SALES0001", initial_comment = "The report",
  }
  log.info("uploaded", { size = done.files[1].size })
end)`}, near)
	w.post("/in/report", `{"name":"Ada"}`)
	w.only(journal.Succeeded)
	w.shows("files", "title", "Report")
	w.shows("messages", "text", "The report")
	if size := w.log.await(t, 0, `"uploaded"`)["size"]; size != 20.0 {
		t.Errorf("%v bytes were uploaded", size)
	}
}

// each walks a list that the vendor writes as an object: by key and value.
func TestARunWalksAnObject(t *testing.T) {
	w := newWorld(t, map[string]string{"emoji.lua": `local slack = require "slack"
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
	w.post("/in/emoji", "{}")
	w.only(journal.Succeeded)
	const want = "ship=https://example.com/ship.png tada=https://example.com/tada.png wave=https://example.com/wave.png"
	if got := w.log.await(t, 0, `"walked"`)["all"]; got != want {
		t.Errorf("it walked %v, expected %s", got, want)
	}
}
