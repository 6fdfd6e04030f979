package sandbox_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

func TestAdmin(t *testing.T) {
	w, r := start(t, sandbox.Config{}), receive(t)
	w.call("GET /sandbox/", "").is(200, "apps.qonto.base_url", w.URL("qonto"), "apps.highlevel.webhook_key", w.PublicKey("highlevel"))
	w.call("POST /sandbox/subscriptions", `{"app":"qonto","url":"`+r.URL+`","secret":"s"}`).is(200)
	w.call("POST /sandbox/emit", `{"trigger":"qonto.client.created","data":{"id":"c1","name":"Atelier"}}`).is(200)
	w.call("GET /sandbox/records/qonto/clients", "").is(200, "0.name", "Atelier")
	w.call("POST /sandbox/records/highlevel/contacts", `{"id":"x","email":"x@example.com"}`).is(200, "emailLowerCase", "x@example.com")
	w.call("GET /highlevel/contacts/x", "").is(200)
	w.call("GET /sandbox/records/qonto/crients", "").is(404)
	w.call("GET /sandbox/calls", "").is(200, `highlevel.contacts\.get`, "1")
	w.call("GET /sandbox/requests?app=highlevel", "").is(200, "0.path", "/highlevel/contacts/x", "0.status", "200")
	w.call("GET /sandbox/deliveries", "").is(200, "0.trigger", "qonto.client.created", "0.status", "200")
	w.call("POST /sandbox/faults", `{"app":"qonto","status":500,"latency":"1ms","times":1}`).is(200, "0.status", "500", "0.latency", "1000000")
	w.call("POST /sandbox/faults", `{"app":"qonto","latency":"soon"}`).is(400)
	w.call("GET /qonto/organization", "").is(500, "errors.0.code", "unavailable")
	w.call("GET /qonto/organization", "").is(200)
	w.call("POST /sandbox/reset", "").is(200)
	w.call("GET /sandbox/records/qonto/clients", "").is(200, "#", "0")
	w.call("GET /sandbox/calls", "").is(200, "qonto", "")
	w.call("POST /sandbox/reset", "", "Sec-Fetch-Site", "cross-site").is(403)
	w.call("GET /nothing", "").is(404)
}
