package sandbox_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

func TestAdmin(t *testing.T) {
	w, r := start(t, sandbox.Config{}), sandboxtest.Receive(t)
	w.Call("GET /sandbox/", "").Is(200, "apps.qonto.base_url", w.URL("qonto"), "apps.highlevel.webhook_key", w.PublicKey("highlevel"))
	w.Call("POST /sandbox/subscriptions", `{"app":"qonto","url":"`+r.URL+`","secret":"s"}`).Is(200)
	w.Call("POST /sandbox/emit", `{"trigger":"qonto.client.created","data":{"id":"c1","name":"Atelier"}}`).Is(200)
	w.Call("GET /sandbox/records/qonto/clients", "").Is(200, "0.name", "Atelier")
	w.Call("POST /sandbox/records/highlevel/contacts", `{"id":"x","email":"x@example.com"}`).Is(200, "emailLowerCase", "x@example.com")
	w.Call("GET /highlevel/contacts/x", "").Is(200)
	w.Call("GET /sandbox/records/qonto/crients", "").Is(404)
	w.Call("GET /sandbox/calls", "").Is(200, `highlevel.contacts\.get`, "1")
	w.Call("GET /sandbox/requests?app=highlevel", "").Is(200, "0.path", "/highlevel/contacts/x", "0.status", "200")
	w.Call("GET /sandbox/deliveries", "").Is(200, "0.trigger", "qonto.client.created", "0.status", "200")
	w.Call("POST /sandbox/faults", `{"app":"qonto","status":500,"latency":"1ms","times":1}`).Is(200, "0.status", "500", "0.latency", "1000000")
	w.Call("POST /sandbox/faults", `{"app":"qonto","latency":"soon"}`).Is(400)
	w.Call("GET /qonto/organization", "").Is(500, "errors.0.code", "unavailable")
	w.Call("GET /qonto/organization", "").Is(200)
	w.Call("POST /sandbox/reset", "").Is(200)
	w.Call("GET /sandbox/records/qonto/clients", "").Is(200, "#", "0")
	w.Call("GET /sandbox/calls", "").Is(200, "qonto", "")
	w.Call("POST /sandbox/reset", "", "Sec-Fetch-Site", "cross-site").Is(403)
	w.Call("GET /nothing", "").Is(404)
}
