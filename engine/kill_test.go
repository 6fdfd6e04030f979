package engine_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// TestKilled kills an engine with SIGKILL several times while many senders post to
// it. Every acknowledged event is stored with one run. Every run succeeds, or is
// held since its last message may or may not have arrived. No message is sent
// twice.
func TestKilled(t *testing.T) {
	apps := newSandbox(t, sandbox.Config{})
	must(t, apps.Fault(sandbox.Fault{App: "slack", Latency: 3 * time.Millisecond})) // so that there are runs in the middle of a call
	dir := folder(t, map[string]string{"scripts/orders.lua": `
local slack = require "slack"

on("in:/orders", { verify = "none", id = "id" }, function(event)
  slack.chat.post_message { channel = "C0GENERAL01", text = event.data.id }
  slack.chat.post_message { channel = "C0GENERAL01", text = event.data.id .. " again" }
end)
`})
	settings := childConfig{Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"), Addresses: appAddresses(apps),
		InFlight: 8} // so that a kill finds runs that have not begun
	const kills, senders = 6, 6
	var next atomic.Int64
	acknowledged := map[string]bool{}
	for range kills {
		p := spawn(t, settings)
		var sending sync.WaitGroup
		first := make(chan struct{})
		var once sync.Once
		var mu sync.Mutex
		for range senders {
			sending.Go(func() {
				client := &http.Client{Transport: &http.Transport{}}
				defer client.CloseIdleConnections()
				for {
					id := fmt.Sprintf("order %d", next.Add(1))
					response, err := client.Post(p.url+"/in/orders", "application/json", strings.NewReader(`{"id":"`+id+`"}`))
					if err != nil {
						return // the engine was killed; the event may be stored or not
					}
					response.Body.Close()
					if response.StatusCode == http.StatusOK {
						mu.Lock()
						acknowledged[id] = true
						mu.Unlock()
					}
					once.Do(func() { close(first) })
				}
			})
		}
		<-first
		<-time.After(rand.N(150 * time.Millisecond)) // a random moment
		p.kill()
		sending.Wait()
	}

	p := spawn(t, settings)
	reader, err := control.Dial(settings.Data)
	must(t, err)
	p.waitUntilDone(reader)
	sent := map[string]int{}
	for _, r := range apps.Requests("slack") {
		sent[gjson.Get(r.Body, "text").String()]++
	}
	for text, times := range sent {
		if times > 1 {
			t.Errorf("%q was sent %d times", text, times)
		}
	}
	states := map[journal.State]int{}
	for id := range acknowledged {
		_, runs, err := reader.Event(t.Context(), "in:/orders:"+id)
		if err != nil || len(runs) != 1 {
			t.Errorf("%s was acknowledged: found %d runs, %v", id, len(runs), err)
			continue
		}
		run, steps, err := reader.Run(t.Context(), runs[0].ID)
		must(t, err)
		states[run.State]++
		switch {
		case run.State == journal.Succeeded && sent[id] == 1 && sent[id+" again"] == 1:
		case run.State == journal.Held && len(steps) > 0 && steps[len(steps)-1].State == journal.Begun:
		default:
			t.Errorf("%s: the run is %s with %d steps, %d and %d messages were sent", id, run.State, len(steps), sent[id], sent[id+" again"])
		}
	}
	reader.Close()
	p.stop()
	t.Logf("%d kills, %d events acknowledged, runs %v, %d messages", kills, len(acknowledged), states, len(sent))
	if states[journal.Succeeded] == 0 || len(states) < 2 {
		t.Error("no kill was in the middle of a run; the test shows nothing")
	}
}
