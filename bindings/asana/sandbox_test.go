package asana_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/asana"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

const (
	asanaProject = "1200000000000005"
	asanaDone    = "1200000000000007"
)

func start(t *testing.T) *sandboxtest.Server {
	return sandboxtest.StartApp(t, asana.App(), asana.Rules(), sandbox.Config{})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSandboxTasks(t *testing.T) {
	w := start(t)
	made := w.Call("POST /asana/tasks", `{"data":{"name":"Call","assignee":"me","projects":["`+asanaProject+`"]}}`).
		Is(201, "data.resource_type", "task", "data.completed", "false", "data.assignee.name", "Ada Sand", "data.projects.0.name", "Launch",
			"data.memberships.0.section.name", "To do", "data.workspace.name", "Sandbox", "data.created_at", "2026-03-04T05:06:07.000Z")
	task := "/asana/tasks/" + made.Get("data.gid")
	w.Call("PUT "+task, `{"data":{"completed":true}}`).Is(200, "data.completed", "true", "data.completed_by.name", "Ada Sand")
	w.Call("GET "+task+"?opt_fields=name,assignee.email,memberships.section.name", "").
		Is(200, "data.name", "Call", "data.assignee.email", "ada@sandbox.example", "data.assignee.name", "", "data.memberships.0.section.name", "To do", "data.completed", "")
	w.Call("POST /asana/sections/"+asanaDone+"/addTask", `{"data":{"task":"`+made.Get("data.gid")+`"}}`).Is(200)
	w.Call("GET /asana/sections/"+asanaDone+"/tasks", "").Is(200, "data.#", "1", "data.0.name", "Call", "data.0.completed", "")
	w.Call("GET /asana/projects/"+asanaProject+"/tasks?opt_fields=completed", "").Is(200, "data.#", "1", "data.0.completed", "true", "data.0.name", "")
	w.Call("POST "+task+"/addTag", `{"data":{"tag":"1200000000000008"}}`).Is(200)
	w.Call("GET "+task+"/tags", "").Is(200, "data.0.name", "urgent")
	w.Call("GET /asana/tags/1200000000000008/tasks", "").Is(200, "data.#", "1")
	w.Call("POST "+task+"/subtasks", `{"data":{"name":"Dial"}}`).Is(201, "data.parent.name", "Call")
	w.Call("GET "+task+"/subtasks", "").Is(200, "data.#", "1", "data.0.name", "Dial")
	w.Call("POST "+task+"/stories", `{"data":{"text":"Nobody there"}}`).Is(201, "data.resource_subtype", "comment_added", "data.target.name", "Call")
	w.Call("GET "+task+"/stories", "").Is(200, "data.#", "2", "data.0.text", "Ada Sand marked complete")
	w.Call("POST "+task+"/removeProject", `{"data":{"project":"`+asanaProject+`"}}`).Is(200)
	w.Call("GET "+task, "").Is(200, "data.projects.#", "0", "data.memberships.#", "0")
	w.Call("DELETE "+task, "").Is(200, "data.gid", "")
	w.Call("GET "+task, "").Is(404, "errors.0.message", "task with id "+made.Get("data.gid")+" not found")
}

func TestSandboxListsArePaged(t *testing.T) {
	w := start(t)
	for _, name := range []string{"a", "b", "c"} {
		w.Call("POST /asana/tasks", `{"data":{"name":"`+name+`","projects":["`+asanaProject+`"]}}`).Is(201)
	}
	first := w.Call("GET /asana/tasks?project="+asanaProject+"&limit=2", "").Is(200, "data.#", "2")
	w.Call("GET /asana/tasks?project="+asanaProject+"&limit=2&offset="+first.Get("next_page.offset"), "").Is(200, "data.#", "1", "data.0.name", "c", "next_page.offset", "")
	w.Call("GET /asana/tasks?project=1", "").Is(200, "data.#", "0")
}

func TestSandboxErrors(t *testing.T) {
	w := start(t)
	w.Call("POST /asana/tasks", `{"data":{"completed":"yes"}}`).Is(400, "errors.0.message", "completed: Not the correct type: expected a boolean value")
	w.Call("POST /asana/tasks", `{"data":{"name":"nowhere"}}`).Is(400)
	w.Call("POST /asana/webhooks", `{"data":{"resource":"1"}}`).Is(400, "errors.0.message", "target: Missing input")
	w.Call("GET /asana/users/me", "", "Authorization", "Bearer wrong").Is(401, "errors.#", "1")
}

func TestSandboxFeed(t *testing.T) {
	w := start(t)
	feed := "/asana/events?resource=" + asanaProject
	token := w.Call("GET "+feed, "").Is(412, "errors.#", "1").Get("sync")
	task := w.Call("POST /asana/tasks", `{"data":{"name":"Call","projects":["`+asanaProject+`"]}}`).Is(201).Get("data.gid")
	w.Call("POST /asana/tasks", `{"data":{"name":"Elsewhere","workspace":"1200000000000001"}}`).Is(201)
	events := w.Call("GET "+feed+"&sync="+token, "").Is(200, "data.#", "2", "has_more", "false",
		"data.0.action", "added", "data.0.type", "task", "data.0.resource.gid", task, "data.0.parent.gid", asanaProject, "data.1.parent.resource_type", "section")
	w.Call("PUT /asana/tasks/"+task, `{"data":{"completed":true,"name":"Call"}}`).Is(200)
	w.Call("GET "+feed+"&sync="+events.Get("sync"), "").Is(200, "data.#", "2", "data.0.action", "changed", "data.0.change.field", "completed",
		"data.1.action", "added", "data.1.resource.resource_subtype", "marked_complete", "data.1.parent.gid", task)
	w.Call("GET /asana/workspaces/1200000000000001/events?sync="+events.Get("sync"), "").Is(200, "data.#", "2")
	must(t, w.InvalidateSyncTokens("asana"))
	w.Call("GET "+feed+"&sync="+events.Get("sync"), "").Is(412)
}

func TestSandboxWebhooks(t *testing.T) {
	w := start(t)
	receiver := sandboxtest.Receive(t)
	address, secret, got := receiver.URL, receiver.Secret, receiver.Webhooks
	made := w.Call("POST /asana/webhooks", `{"data":{"resource":"`+asanaProject+`","target":"`+address+`","filters":[{"resource_type":"task","action":"changed","fields":["completed"]}]}}`).
		Is(201, "data.active", "true", "data.resource.name", "Launch")
	task := w.Call("POST /asana/tasks", `{"data":{"name":"Call","projects":["`+asanaProject+`"]}}`).Is(201).Get("data.gid")
	w.Call("PUT /asana/tasks/"+task, `{"data":{"name":"Call Ada","completed":true}}`).Is(200)
	w.Call("POST /asana/tasks", `{"data":{"name":"Elsewhere","workspace":"1200000000000001","completed":true}}`).Is(201)
	must(t, w.Idle(t.Context()))
	all := got()
	if len(all) != 1 {
		t.Fatalf("%d webhooks, expected that of the one change that the filter lets through: %+v", len(all), all)
	}
	mac := hmac.New(sha256.New, []byte(secret()))
	mac.Write([]byte(all[0].Body))
	event := gjson.Get(all[0].Body, "events.0")
	if all[0].Header.Get("X-Hook-Signature") != hex.EncodeToString(mac.Sum(nil)) || event.Get("action").String() != "changed" ||
		event.Get("change.field").String() != "completed" || event.Get("resource.gid").String() != task {
		t.Errorf("got %v %s", all[0].Header, all[0].Body)
	}
	w.Call("GET /asana/webhooks?workspace=1200000000000001&resource="+asanaProject, "").Is(200, "data.#", "1", "data.0.target", address)
	w.Call("DELETE /asana/webhooks/"+made.Get("data.gid"), "").Is(200)
	w.Call("PUT /asana/tasks/"+task, `{"data":{"completed":false}}`).Is(200)
	must(t, w.Idle(t.Context()))
	if n := len(got()); n != 1 {
		t.Errorf("%d webhooks after the end", n-1)
	}

	// An address that is not confirmed receives no webhooks.
	silent := httptest.NewServer(http.NotFoundHandler())
	defer silent.Close()
	w.Call("POST /asana/webhooks", `{"data":{"resource":"`+asanaProject+`","target":"`+silent.URL+`"}}`).Is(400)
	if left := strings.Count(w.Call("GET /asana/webhooks?workspace=1200000000000001", "").Body, `"target"`); left != 0 {
		t.Errorf("%d webhooks are left", left)
	}
}
