package bench

import (
	"fmt"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

const (
	appName = "bench"
	// secret signs the webhooks; it is used in this process only.
	secret          = "bench-webhook-secret"
	signatureHeader = "X-Bench-Signature"
)

// catalogue has the operations and triggers of the app. The run of an
// order.created ends; that of an order.queued waits for an answer of the app,
// which is not sent; that of an order.parked waits for an order.answered, which
// is not sent either.
const catalogue = `operation gate.wait {"id":"waitGate","method":"GET","path":"/gate"}
operation items.get {"id":"getItem","method":"GET","path":"/items/{id}","in_path":["id!: string"],"answer":"#ItemAnswer","status":200}
operation items.save {"id":"saveItem","method":"POST","path":"/items","body":{"encoding":"json","type":"#SaveItem","required":true},"answer":"#ItemAnswer","status":200}
type Customer {"fields":["name: string","email: string","phone: string","city: string"]}
type Item {"fields":["id: string","title: string","email: string","amount: decimal","city: string","source: string","tags: [string]"]}
type ItemAnswer {"fields":["item: #Item"]}
type Order {"fields":["id: string","title: string","kind: string","amount: decimal","customer: #Customer","tags: [string]","note: string"]}
type SaveItem {"fields":["id!: string","title!: string","email: string","amount: decimal","city: string","company: string","source: string","known: boolean"]}
trigger bench.order.answered {"vendor":"order.answered","record":"id","data":"#Order"}
trigger bench.order.created {"vendor":"order.created","record":"id","data":"#Order"}
trigger bench.order.queued {"vendor":"order.queued","record":"id","data":"#Order"}
trigger bench.order.parked {"vendor":"order.parked","record":"id","data":"#Order"}
`

// script is the work of the runs.
const script = `local bench = require "bench"

local to_item = map {
  title   = required "title",
  email   = "customer.email",
  amount  = "amount",
  city    = "customer.city",
  company = when({ kind = "company" }, "customer.name"),
  source  = const "bench",
}

on("bench.order.created", function(event)
  local known = bench.items.get { id = event.data.id }.item
  local item  = to_item(event.data)
  item.id, item.known = event.data.id, known ~= nil
  bench.items.save(item)
end)

-- All in one lane, whose first run waits for an answer that is not sent.
on("bench.order.queued", { lane = "kind" }, function()
  bench.gate.wait {}
end)

-- Parked with a timer and an event that would wake it.
on("bench.order.parked", function(event)
  bench.items.get { id = event.data.id }
  wait_for("bench.order.answered", { where = { id = event.data.id }, timeout = "30 days" })
end)
`

// newApp returns the app, like the App function of a real one.
func newApp() (*bindings.App, error) {
	parsed, err := bindings.ParseCatalogue([]byte(catalogue))
	if err != nil {
		return nil, fmt.Errorf("read the catalogue of the app to call: %w", err)
	}
	return &bindings.App{
		Name: appName, Title: "Bench", BaseURL: "http://127.0.0.1",
		Auth:   []bindings.Auth{{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"}},
		Errors: bindings.Errors{Message: []string{"error"}},
		Webhook: &bindings.Webhook{
			Signatures: []bindings.Signature{{
				Name: "bench", Algorithm: bindings.HMACSHA256, Encoding: bindings.Hex,
				Header: signatureHeader, Value: "t={time},v1={signature}", Signed: "{time}.{body}",
			}},
			MaxAge: time.Hour, ID: "id", Type: "type", Data: "data", At: "created_at", RetryStatus: 503,
		},
		Catalogue: parsed,
	}, nil
}
