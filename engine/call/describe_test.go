package call_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
)

// TestExample compares the example calls in descriptions.
func TestExample(t *testing.T) {
	catalogue, err := bindings.ParseCatalogue([]byte(`type Line {"fields":["sku!: string","end!: boolean","unit-price!: decimal"]}
operation orders.create {"id":"a","method":"POST","path":"/orders","body":{"encoding":"json","required":true,"type":"#Order"},"answer":"#Order"}
type Order {"fields":["lines!: [#Line]","kind!: \"sale\"|\"return\"","note: string"]}
operation orders.list {"id":"b","method":"GET","path":"/orders","in_query":["filter[shop]!: integer"],"pages":{"items":"orders"}}
operation orders.cancel {"id":"c","method":"POST","path":"/orders/{id}/cancel","in_path":["id!: string"],"idempotent":"it is cancelled once"}
operation ping.send {"id":"d","method":"POST","path":"/ping"}
`))
	if err != nil {
		t.Fatal(err)
	}
	app := &bindings.App{Name: "shop", Catalogue: catalogue}
	for name, want := range map[string][2]string{
		"orders.create": {`local answer = shop.orders.create { lines = { { sku = "…", ["end"] = true, ["unit-price"] = "1" } }, kind = "sale" }`, "never"},
		"orders.list":   {`for item in each(shop.orders.list, { filter = { shop = 1 } }) do … end`, "always"},
		"orders.cancel": {`shop.orders.cancel { id = "…" }`, "it is cancelled once"},
		"ping.send":     {`shop.ping.send {}`, "never"},
	} {
		op, _ := catalogue.Operation(name)
		d := call.Describe(app, op)
		if d.Example != want[0] {
			t.Errorf("%s:\n got %s\nwant %s", name, d.Example, want[0])
		}
		if d.Repeat != want[1] {
			t.Errorf("%s is sent again %q, want %q", name, d.Repeat, want[1])
		}
	}
}
