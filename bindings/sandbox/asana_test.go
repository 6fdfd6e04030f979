package sandbox_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

const (
	asanaProject = "1200000000000005"
	asanaDone    = "1200000000000007"
)

func TestAsanaTasks(t *testing.T) {
	w := start(t, sandbox.Config{})
	made := w.call("POST /asana/tasks", `{"data":{"name":"Call","assignee":"me","projects":["`+asanaProject+`"]}}`).
		is(201, "data.resource_type", "task", "data.completed", "false", "data.assignee.name", "Ada Sand", "data.projects.0.name", "Launch",
			"data.memberships.0.section.name", "To do", "data.workspace.name", "Sandbox", "data.created_at", "2026-03-04T05:06:07.000Z")
	task := "/asana/tasks/" + made.get("data.gid")
	w.call("PUT "+task, `{"data":{"completed":true}}`).is(200, "data.completed", "true", "data.completed_by.name", "Ada Sand")
	w.call("GET "+task+"?opt_fields=name,assignee.email,memberships.section.name", "").
		is(200, "data.name", "Call", "data.assignee.email", "ada@sandbox.example", "data.assignee.name", "", "data.memberships.0.section.name", "To do", "data.completed", "")
	w.call("POST /asana/sections/"+asanaDone+"/addTask", `{"data":{"task":"`+made.get("data.gid")+`"}}`).is(200)
	w.call("GET /asana/sections/"+asanaDone+"/tasks", "").is(200, "data.#", "1", "data.0.name", "Call", "data.0.completed", "")
	w.call("GET /asana/projects/"+asanaProject+"/tasks?opt_fields=completed", "").is(200, "data.#", "1", "data.0.completed", "true", "data.0.name", "")
	w.call("POST "+task+"/addTag", `{"data":{"tag":"1200000000000008"}}`).is(200)
	w.call("GET "+task+"/tags", "").is(200, "data.0.name", "urgent")
	w.call("GET /asana/tags/1200000000000008/tasks", "").is(200, "data.#", "1")
	w.call("POST "+task+"/subtasks", `{"data":{"name":"Dial"}}`).is(201, "data.parent.name", "Call")
	w.call("GET "+task+"/subtasks", "").is(200, "data.#", "1", "data.0.name", "Dial")
	w.call("POST "+task+"/stories", `{"data":{"text":"Nobody there"}}`).is(201, "data.resource_subtype", "comment_added", "data.target.name", "Call")
	w.call("GET "+task+"/stories", "").is(200, "data.#", "2", "data.0.text", "Ada Sand marked complete")
	w.call("POST "+task+"/removeProject", `{"data":{"project":"`+asanaProject+`"}}`).is(200)
	w.call("GET "+task, "").is(200, "data.projects.#", "0", "data.memberships.#", "0")
	w.call("DELETE "+task, "").is(200, "data.gid", "")
	w.call("GET "+task, "").is(404, "errors.0.message", "task with id "+made.get("data.gid")+" not found")
}

func TestAsanaListsArePaged(t *testing.T) {
	w := start(t, sandbox.Config{})
	for _, name := range []string{"a", "b", "c"} {
		w.call("POST /asana/tasks", `{"data":{"name":"`+name+`","projects":["`+asanaProject+`"]}}`).is(201)
	}
	first := w.call("GET /asana/tasks?project="+asanaProject+"&limit=2", "").is(200, "data.#", "2")
	w.call("GET /asana/tasks?project="+asanaProject+"&limit=2&offset="+first.get("next_page.offset"), "").is(200, "data.#", "1", "data.0.name", "c", "next_page.offset", "")
	w.call("GET /asana/tasks?project=1", "").is(200, "data.#", "0")
}

func TestAsanaErrors(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.call("POST /asana/tasks", `{"data":{"completed":"yes"}}`).is(400, "errors.0.message", "completed: Not the correct type: expected a boolean value")
	w.call("POST /asana/tasks", `{"data":{"name":"nowhere"}}`).is(400)
	w.call("POST /asana/webhooks", `{"data":{"resource":"1"}}`).is(400, "errors.0.message", "target: Missing input")
	w.call("GET /asana/users/me", "", "Authorization", "Bearer wrong").is(401, "errors.#", "1")
}

func TestAsanaFeed(t *testing.T) {
	w := start(t, sandbox.Config{})
	feed := "/asana/events?resource=" + asanaProject
	token := w.call("GET "+feed, "").is(412, "errors.#", "1").get("sync")
	task := w.call("POST /asana/tasks", `{"data":{"name":"Call","projects":["`+asanaProject+`"]}}`).is(201).get("data.gid")
	w.call("POST /asana/tasks", `{"data":{"name":"Elsewhere","workspace":"1200000000000001"}}`).is(201)
	said := w.call("GET "+feed+"&sync="+token, "").is(200, "data.#", "2", "has_more", "false",
		"data.0.action", "added", "data.0.type", "task", "data.0.resource.gid", task, "data.0.parent.gid", asanaProject, "data.1.parent.resource_type", "section")
	w.call("PUT /asana/tasks/"+task, `{"data":{"completed":true,"name":"Call"}}`).is(200)
	w.call("GET "+feed+"&sync="+said.get("sync"), "").is(200, "data.#", "2", "data.0.action", "changed", "data.0.change.field", "completed",
		"data.1.action", "added", "data.1.resource.resource_subtype", "marked_complete", "data.1.parent.gid", task)
	w.call("GET /asana/workspaces/1200000000000001/events?sync="+said.get("sync"), "").is(200, "data.#", "2")
	must(t, w.Forget("asana"))
	w.call("GET "+feed+"&sync="+said.get("sync"), "").is(412)
}

// confirmed takes webhooks and answers the handshake.
func confirmed(t *testing.T) (address string, secret func() string, got func() []hook) {
	var mu sync.Mutex
	var known string
	var all []hook
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, h *http.Request) {
		body, _ := io.ReadAll(h.Body)
		mu.Lock()
		defer mu.Unlock()
		if word := h.Header.Get("X-Hook-Secret"); word != "" {
			known = word
			w.Header().Set("X-Hook-Secret", word)
			return
		}
		all = append(all, hook{h.Header, string(body)})
	}))
	t.Cleanup(server.Close)
	return server.URL, func() string { mu.Lock(); defer mu.Unlock(); return known }, func() []hook { mu.Lock(); defer mu.Unlock(); return all }
}

func TestAsanaWebhooks(t *testing.T) {
	w := start(t, sandbox.Config{})
	address, secret, got := confirmed(t)
	made := w.call("POST /asana/webhooks", `{"data":{"resource":"`+asanaProject+`","target":"`+address+`","filters":[{"resource_type":"task","action":"changed","fields":["completed"]}]}}`).
		is(201, "data.active", "true", "data.resource.name", "Launch")
	task := w.call("POST /asana/tasks", `{"data":{"name":"Call","projects":["`+asanaProject+`"]}}`).is(201).get("data.gid")
	w.call("PUT /asana/tasks/"+task, `{"data":{"name":"Call Ada","completed":true}}`).is(200)
	w.call("POST /asana/tasks", `{"data":{"name":"Elsewhere","workspace":"1200000000000001","completed":true}}`).is(201)
	must(t, w.Idle(t.Context()))
	all := got()
	if len(all) != 1 {
		t.Fatalf("%d webhooks, expected that of the one change that the filter lets through: %+v", len(all), all)
	}
	mac := hmac.New(sha256.New, []byte(secret()))
	mac.Write([]byte(all[0].body))
	event := gjson.Get(all[0].body, "events.0")
	if all[0].header.Get("X-Hook-Signature") != hex.EncodeToString(mac.Sum(nil)) || event.Get("action").String() != "changed" ||
		event.Get("change.field").String() != "completed" || event.Get("resource.gid").String() != task {
		t.Errorf("got %v %s", all[0].header, all[0].body)
	}
	w.call("GET /asana/webhooks?workspace=1200000000000001&resource="+asanaProject, "").is(200, "data.#", "1", "data.0.target", address)
	w.call("DELETE /asana/webhooks/"+made.get("data.gid"), "").is(200)
	w.call("PUT /asana/tasks/"+task, `{"data":{"completed":false}}`).is(200)
	must(t, w.Idle(t.Context()))
	if n := len(got()); n != 1 {
		t.Errorf("%d webhooks after the end", n-1)
	}

	// Who does not confirm gets none.
	silent := httptest.NewServer(http.NotFoundHandler())
	defer silent.Close()
	w.call("POST /asana/webhooks", `{"data":{"resource":"`+asanaProject+`","target":"`+silent.URL+`"}}`).is(400)
	if left := strings.Count(w.call("GET /asana/webhooks?workspace=1200000000000001", "").body, `"target"`); left != 0 {
		t.Errorf("%d webhooks are left", left)
	}
}
