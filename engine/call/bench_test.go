package call_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

var contact = json.RawMessage(`{"firstName":"Ada","lastName":"Lovelace","name":"Ada Lovelace","email":"ada@example.com","phone":"+33123456789","companyName":"Engines","source":"Qonto","tags":["client","qonto"],"locationId":"loc1"}`)

func upsert(b *testing.B) (*bindings.App, *bindings.Operation) {
	for _, app := range all.Apps() {
		if op, found := app.Catalogue.Operation("contacts.upsert"); found {
			return app, op
		}
	}
	b.Fatal("no app has contacts.upsert")
	return nil, nil
}

// The arguments of a real operation against its catalogue.
func BenchmarkCheck(b *testing.B) {
	app, op := upsert(b)
	client := call.New(call.Config{})
	if err := client.Check(app, op, contact); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = client.Check(app, op, contact)
	}
}

// One call against a server on this machine, the vendor's work included.
func BenchmarkDo(b *testing.B) { benchmarkDo(b, false) }

func BenchmarkDoAtOnce(b *testing.B) { benchmarkDo(b, true) }

func benchmarkDo(b *testing.B, parallel bool) {
	handler := func(w http.ResponseWriter, _ *http.Request) { reply(200, `{"contact":{"id":"c1"},"new":true}`)(w) }
	s := start(b, handler, func(c *call.Config, _ *connection.Settings, _ *bindings.App) { c.Clock, c.Observe = nil, nil })
	r := call.Request{App: s.app, Operation: s.op(b, "contacts.create"), Connection: "crm/paris",
		Args: json.RawMessage(`{"name":"Ada","email":"ada@example.com","tags":["a","b"],"kind":"individual"}`)}
	b.ReportAllocs()
	if parallel {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := s.Do(b.Context(), r); err != nil {
					b.Error(err)
					return
				}
			}
		})
		return
	}
	for b.Loop() {
		if _, err := s.Do(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}
