package call_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/qonto"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// The sandbox, which counts requests as vendors do, refuses none of those that our
// limits allow.
func TestSandboxLimits(t *testing.T) {
	t.Parallel() // it waits
	described := *qonto.App()
	described.Limits = []bindings.Limit{{Requests: 10, Per: 500 * time.Millisecond, Scope: bindings.PerConnection}}
	vendor, err := sandbox.New(sandbox.Config{Apps: []*bindings.App{&described}, Rules: map[string]*sandbox.Rules{"qonto": qonto.Rules()}, EnforceLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	defer vendor.Close()
	if err := vendor.Start(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	set, err := connection.New(connection.Config{Apps: []*bindings.App{&described}, Folder: t.TempDir(), Settings: []connection.Settings{{
		Name: "qonto", BaseURL: vendor.URL("qonto"), Credentials: map[string]string{"login": "demo", "secret_key": sandbox.Token},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var sent, refused atomic.Int32
	client := call.New(call.Config{Connections: set, MaxWait: time.Minute, Observe: func(s call.Sending) {
		if sent.Add(1); s.Status == http.StatusTooManyRequests {
			refused.Add(1)
		}
	}})
	defer client.Close()
	op, _ := described.Catalogue.Operation("organization.get")
	if op == nil {
		t.Fatal("there is no such operation")
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				if _, err := client.Do(t.Context(), call.Request{App: &described, Operation: op, Connection: "qonto", Args: json.RawMessage(`{}`)}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if refused.Load() > 1 { // one on a slow machine, where a request is counted late
		t.Errorf("%d of %d requests were refused", refused.Load(), sent.Load())
	}
}
