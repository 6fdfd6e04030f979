package bindings_test

import (
	"fmt"
	"log"

	"github.com/tidewire/tidewire/bindings"
)

// A catalogue is text: one operation, trigger or type a line.
func ExampleParseCatalogue() {
	catalogue, err := bindings.ParseCatalogue([]byte(`
operation orders.get {"id":"get-order","method":"GET","path":"/orders/{id}","in_path":["id!: string"],"answer":"#Order","safe":true}
type Order {"fields":["id!: string","item!: string","paid: boolean"]}
`))
	if err != nil {
		log.Fatal(err)
	}
	operation, found := catalogue.Operation("orders.get")
	fmt.Println(found, operation.Method, operation.Path)
	// Output: true GET /orders/{id}
}

func ExampleTriggerName() {
	name := bindings.TriggerName("highlevel.contact.created")
	fmt.Println(name.App(), name.Noun(), name.Verb())
	// Output: highlevel contact created
}
