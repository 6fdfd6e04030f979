package engine_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
)

// TestRespond sends requests to hooks that answer their senders.
func TestRespond(t *testing.T) {
	f := newFixture(t, map[string]string{"in.lua": `
local function answers(path, fn) on("in:/" .. path, { verify = "none", respond = true, within = "30s", id = { query = "id" }, methods = { "GET", "POST" } }, fn) end
answers("page", function(event)
  respond { status = 201, headers = { ["Content-Type"] = "text/html", ["X-Kind"] = "page" }, body = "<p>" .. event.query.id .. "</p>" }
  state.add("pages", 1)
end)
answers("json", function() respond { body = { text = "done", list = json.array {} } } end)
answers("plain", function() respond { body = "done" } end)
answers("empty", function() respond { status = 204 } end)
answers("moved", function() respond { status = 303, headers = { Location = "https://example.com/thanks" } } end)
answers("fails", function() error("a detail") end)
answers("parks", function() wait "1 hour" respond { body = "late" } end)
answers("silent", function() end)
answers("twice", function()
  respond { body = "one" }
  log.info("got", { error = tostring(select(2, pcall(respond, { body = "two" }))) })
end)
answers("wrong", function()
  for _, answer in ipairs { { status = 99 }, { headers = { ["Set-Cookie"] = "a=b" } }, { headers = { ["a b"] = "c" } }, { headers = { A = "b\nc" } }, { headers = { A = string.rep("b", 5000) } }, { body = string.rep("x", 1024 * 1024 + 1) } } do
    log.info("wrong", { error = tostring(select(2, pcall(respond, answer))) })
  end
  respond { body = "right" }
end)
on("in:/other", { verify = "none" }, function() log.info("got", { error = tostring(select(2, pcall(respond, { body = "x" }))) }) end)
on("in:/page", { verify = "none", name = "beside", id = { query = "id" }, methods = { "GET", "POST" } }, function() end)
`})
	get := func(path string) (*http.Response, string) {
		t.Helper()
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		answer, err := client.Get(f.engine.URL() + path)
		must(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		must(t, err)
		client.CloseIdleConnections()
		return answer, string(body)
	}
	for _, c := range []struct {
		path   string
		status int
		body   string // the answer, or a part of it
		header [2]string
	}{
		{"/in/page?id=1", 201, "<p>1</p>", [2]string{"X-Kind", "page"}},
		{"/in/json?id=1", 200, `{"text":"done","list":[]}`, [2]string{"Content-Type", "application/json"}},
		{"/in/plain?id=1", 200, "done", [2]string{"Content-Type", "text/plain; charset=utf-8"}},
		{"/in/empty?id=1", 204, "", [2]string{"Content-Type", "text/plain; charset=utf-8"}},
		{"/in/moved?id=1", 303, "", [2]string{"Location", "https://example.com/thanks"}},
		{"/in/fails?id=1", 500, "the request could not be handled\n", [2]string{"Content-Type", "text/plain; charset=utf-8"}},
		{"/in/parks?id=1", 202, `"outcome":"accepted"`, [2]string{"Content-Type", "application/json"}},
		{"/in/silent?id=1", 202, `"outcome":"accepted"`, [2]string{"Content-Type", "application/json"}},
		{"/in/twice?id=1", 200, "one", [2]string{"Content-Type", "text/plain; charset=utf-8"}},
		{"/in/wrong?id=1", 200, "right", [2]string{"Content-Type", "text/plain; charset=utf-8"}},
	} {
		t.Run(c.path, func(t *testing.T) {
			answer, body := get(c.path)
			if answer.StatusCode != c.status || body != c.body && !(c.status == 202 && strings.Contains(body, c.body)) || answer.Header.Get(c.header[0]) != c.header[1] {
				t.Fatalf("got %d %s %v, want %d %s %v", answer.StatusCode, body, answer.Header, c.status, c.body, c.header)
			}
			if answer.Header.Get("X-Content-Type-Options") != "nosniff" || answer.Header.Get("Content-Security-Policy") != "sandbox allow-forms" {
				t.Errorf("the answer has %v", answer.Header)
			}
			if c.status == 500 || c.status == 202 {
				return
			}
			f.until(func() bool { runs := f.runs(); return runs[len(runs)-1].Run.State == journal.Succeeded })
			before := len(f.runs())
			answer, again := get(c.path)
			if answer.StatusCode != c.status || again != body || answer.Header.Get(c.header[0]) != c.header[1] || len(f.runs()) != before {
				t.Errorf("again: got %d %s, want the stored answer and no run", answer.StatusCode, again)
			}
		})
	}
	if status, answer := f.post("/in/other", "{}"); status != 200 || !strings.Contains(answer, "accepted") {
		t.Errorf("a hook that does not answer: got %d %s", status, answer)
	}
	f.until(func() bool { return strings.Contains(f.log.String(), "only a hook with respond = true") })
	for _, want := range []string{"answered before", "expected 200 to 599, found 99", "Set-Cookie cannot be set", `\"a b\" is no name of a header`, "control character", "the value of A has 5000 bytes", "at most 1048576 can be sent"} {
		if !strings.Contains(f.log.String(), want) {
			t.Errorf("the log does not have %s", want)
		}
	}
}

// TestRespondAtOnce sends requests whose run waits in its lane, and some that the
// hook that answers does not take. The senders do not wait.
func TestRespondAtOnce(t *testing.T) {
	f := newFixture(t, map[string]string{"in.lua": `
on("in:/lane", { verify = "none", respond = true, within = "1m", lane = "id" }, function() require("asana").users.get { user_gid = "me" } end)
on("in:/where", { verify = "none", respond = true, within = "1m", where = { kind = "a" } }, function() respond { body = "a" } end)
on("in:/where", { verify = "none", name = "beside" }, function() end)
`}, func(c *engine.Config) {
		c.Connections = slices.DeleteFunc(c.Connections, func(s connection.Settings) bool { return s.Name == "asana" })
	})
	began := time.Now()
	for _, c := range []struct {
		path, body string
		status     int
	}{{"/in/lane", `{"id":1}`, 202}, {"/in/lane", `{"id":1}`, 202}, {"/in/where", `{"kind":"b"}`, 200}, {"/in/where", `{"kind":"a"}`, 200}} {
		if status, answer := f.post(c.path, c.body); status != c.status {
			t.Errorf("%s %s: got %d %s, want %d", c.path, c.body, status, answer, c.status)
		}
	}
	if took := time.Since(began); took > 50*time.Second {
		t.Errorf("the senders waited %s", took)
	}
}

// TestRespondToApp answers a vendor that shows the answer to a person: the options of
// a menu, the errors of a modal, the reply to a command.
func TestRespondToApp(t *testing.T) {
	f := newFixture(t, map[string]string{"chat.lua": `
local function command(name, fn) on("slack.slash_command.invoked", { name = name, where = { command = name }, respond = true }, fn) end
command("/order", function(event) respond { body = { response_type = "in_channel", text = "ordered " .. event.data.text } } end)
command("/wait", function() wait "1 hour" respond { body = "late" } end)
command("/silent", function() end)
command("/fail", function() error("a detail") end)
on("slack.view.submitted", { respond = true }, function(event)
  respond { body = { response_action = "errors", errors = { email = event.data.view.callback_id } } }
end)
on("slack.block_suggestion.requested", { respond = true }, function(event)
  local options = {}
  for _, name in ipairs { "Ada", "Ben" } do
    if text.slug(name):find(event.data.value, 1, true) then
      table.insert(options, { text = { type = "plain_text", text = name }, value = name })
    end
  end
  respond { body = { options = json.array(options) } }
end)
on("slack.shortcut.used", function() end)
`})
	for _, c := range []struct {
		trigger string
		data    map[string]any
		status  int
		answer  string
	}{
		{"slack.slash_command.invoked", map[string]any{"command": "/order", "text": "tea"}, 200, `{"response_type":"in_channel","text":"ordered tea"}`},
		{"slack.slash_command.invoked", map[string]any{"command": "/wait"}, 200, ""},
		{"slack.slash_command.invoked", map[string]any{"command": "/silent"}, 200, ""},
		{"slack.slash_command.invoked", map[string]any{"command": "/unknown"}, 200, ""},
		{"slack.slash_command.invoked", map[string]any{"command": "/fail"}, 500, "the request could not be handled\n"},
		{"slack.view.submitted", map[string]any{"view": map[string]any{"id": "V1", "callback_id": "order"}}, 200, `{"response_action":"errors","errors":{"email":"order"}}`},
		{"slack.block_suggestion.requested", map[string]any{"action_id": "who", "value": "be"}, 200, `{"options":[{"text":{"type":"plain_text","text":"Ben"},"value":"Ben"}]}`},
		{"slack.block_suggestion.requested", map[string]any{"action_id": "who", "value": "x"}, 200, `{"options":[]}`},
		{"slack.shortcut.used", map[string]any{"callback_id": "order"}, 200, ""},
	} {
		err := f.apps.Emit(t.Context(), c.trigger, c.data, sandbox.EmitOptions{})
		sent := f.apps.Deliveries()
		if last := sent[len(sent)-1]; last.Status != c.status || last.Answer != c.answer || (err == nil) != (c.status == 200) {
			t.Errorf("%s %v: got %d %s (%v), want %d %s", c.trigger, c.data, last.Status, last.Answer, err, c.status, c.answer)
		}
	}
}
