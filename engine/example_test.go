package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// exampleFolder makes an empty folder with one script.
func exampleFolder(script string) (dir string, remove func()) {
	dir, err := os.MkdirTemp("", "tidewire-example")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "scripts"), 0o755); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "scripts", "example.lua"), []byte(script), 0o644); err != nil {
		log.Fatal(err)
	}
	return dir, func() { os.RemoveAll(dir) }
}

// A Go program runs scripts with an app of its own, sends them an event, and
// reads what the run did.
func Example() {
	// The app's API, here in the same process.
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"id":"o1","item":"tea","paid":%t}`, r.Header.Get("Authorization") == "Bearer secret")
	}))
	defer shop.Close()

	catalogue, err := bindings.ParseCatalogue([]byte(`
operation orders.get {"id":"get","method":"GET","path":"/orders/{id}","in_path":["id!: string"],"answer":"#Order","safe":true}
type Order {"fields":["id!: string","item!: string","paid: boolean"]}
`))
	if err != nil {
		log.Fatal(err)
	}
	app := &bindings.App{
		Name: "shop", Title: "Shop", BaseURL: shop.URL, Catalogue: catalogue,
		Auth: []bindings.Auth{{Name: "token", Title: "access token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"}},
	}

	dir, remove := exampleFolder(`
local shop = require "shop"

on("emit:order.placed", function(event)
  local order = shop.orders.get { id = event.data.id }
  if order.paid then state.put("paid " .. order.id, order.item) end
end)
`)
	defer remove()
	ended := make(chan journal.Run, 1)
	e, err := engine.New(context.Background(), engine.Config{
		Apps: []*bindings.App{app}, Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"), Listen: "127.0.0.1:0",
		Connections: []connection.Settings{{Name: "shop", Credentials: map[string]string{"token": "secret"}}},
		Finished:    func(run journal.Run, _ []journal.Step) { ended <- run },
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- e.Run(ctx) }()
	<-e.Ready()

	if _, err := e.Send(ctx, control.Message{Type: "emit:order.placed", Data: json.RawMessage(`{"id":"o1"}`)}); err != nil {
		log.Fatal(err)
	}
	run := <-ended
	fmt.Println(run.Script, run.State)
	_, steps, err := e.Journal().Run(ctx, run.ID)
	if err != nil {
		log.Fatal(err)
	}
	for _, step := range steps {
		fmt.Println(step.Number, step.Name, step.State)
	}

	stop()
	fmt.Println("stopped:", <-stopped)
	// Output:
	// example succeeded
	// 1 shop.orders.get done
	// 2 state.put done
	// stopped: <nil>
}

// A Go program serves Tidewire's webhooks and pages beside its own.
func ExampleEngine_Handler() {
	dir, remove := exampleFolder(`
on("in:/orders", { verify = "none" }, function(event) log.info("an order") end)
`)
	defer remove()
	ended := make(chan journal.Run, 1)
	e, err := engine.New(context.Background(), engine.Config{
		Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"), Mounted: true, PublicURL: "https://example.com",
		Finished: func(run journal.Run, _ []journal.Step) { ended <- run },
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- e.Run(ctx) }()
	<-e.Ready()

	mux := http.NewServeMux()
	mux.Handle("/", e.Handler())
	mux.HandleFunc("/own", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the program's own page") })
	server := httptest.NewServer(mux)

	response, err := http.Post(server.URL+"/in/orders", "application/json", strings.NewReader(`{"id":"o1"}`))
	if err != nil {
		log.Fatal(err)
	}
	response.Body.Close()
	fmt.Println(response.Status)
	fmt.Println((<-ended).State)

	server.Close()
	stop()
	fmt.Println("stopped:", <-stopped)
	// Output:
	// 200 OK
	// succeeded
	// stopped: <nil>
}

// A Go program has functions of its own for its scripts: one that computes, and
// one whose result is journalled as a step.
func ExampleConfig_libraries() {
	till := vm.Library{Name: "till", Functions: []vm.Function{
		{Name: "tax", Compute: func(args json.RawMessage) (any, error) {
			var sale struct{ Price float64 }
			err := json.Unmarshal(args, &sale)
			return sale.Price / 5, err
		}},
		{Name: "open", Idempotent: "an open drawer stays open", Step: func(_ context.Context, args json.RawMessage) (any, error) {
			return map[string]any{"opened": true}, nil
		}},
	}}
	dir, remove := exampleFolder(`
local till = require "till"

on("emit:sale", function(event)
  state.put("tax", till.tax { price = event.data.price })
  if till.open { drawer = 1 }.opened then state.put("open", true) end
end)
`)
	defer remove()
	ended := make(chan []journal.Step, 1)
	e, err := engine.New(context.Background(), engine.Config{
		Libraries: []vm.Library{till}, Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"), Listen: "127.0.0.1:0",
		Finished: func(_ journal.Run, steps []journal.Step) { ended <- steps },
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- e.Run(ctx) }()
	<-e.Ready()

	if _, err := e.Send(ctx, control.Message{Type: "emit:sale", Data: json.RawMessage(`{"price":10}`)}); err != nil {
		log.Fatal(err)
	}
	for _, step := range <-ended {
		fmt.Printf("%d %s %s\n", step.Number, step.Name, step.Args)
	}

	stop()
	fmt.Println("stopped:", <-stopped)
	// Output:
	// 1 state.put {"verb":"put","key":"tax","value":2}
	// 2 till.open {"drawer":1}
	// 3 state.put {"verb":"put","key":"open","value":true}
	// stopped: <nil>
}
