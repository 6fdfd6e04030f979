package engine_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
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

// killsVariable is the environment variable with the number of kills of TestKilled.
const killsVariable = "TIDEWIRE_TEST_KILLS"

// TestKilled kills an engine with SIGKILL several times while many senders post to
// it. Every acknowledged event is stored with one run, and every run succeeds: a
// message that may or may not have arrived is looked up. No message is there twice.
func TestKilled(t *testing.T) {
	apps := newSandbox(t, sandbox.Config{})
	must(t, apps.Fault(sandbox.Fault{App: "slack", Latency: 3 * time.Millisecond})) // so that there are runs in the middle of a call
	dir := folder(t, map[string]string{"scripts/orders.lua": `
local slack = require "slack"

on("in:/orders", { verify = "none", id = "id" }, function(event)
  slack.chat.post_message { channel = event.data.channel, text = event.data.id }
  slack.chat.post_message { channel = event.data.channel, text = event.data.id .. " again" }
end)
`})
	settings := childConfig{Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"), Addresses: appAddresses(apps),
		InFlight: 8, // so that a kill finds runs that have not begun
		Work:     time.Second}
	const senders = 6
	kills := 6
	if text := os.Getenv(killsVariable); text != "" {
		var err error
		kills, err = strconv.Atoi(text)
		must(t, err)
	}
	// In one channel a look-up would have to read all messages of the test.
	channels := make([]string, 50)
	for i := range channels {
		channels[i] = fmt.Sprintf("C0ORDERS%03d", i)
		_, err := apps.Put("slack", "channels", map[string]any{"id": channels[i], "name": fmt.Sprintf("orders-%d", i), "is_channel": true})
		must(t, err)
	}
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
					n := next.Add(1)
					id := fmt.Sprintf("order %d", n)
					body := fmt.Sprintf(`{"id":%q,"channel":%q}`, id, channels[n%int64(len(channels))])
					response, err := client.Post(p.url+"/in/orders", "application/json", strings.NewReader(body))
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
	for _, message := range apps.Records("slack", "messages") {
		sent[gjson.GetBytes(message, "text").String()]++
	}
	for text, times := range sent {
		if times > 1 {
			t.Errorf("%q is there %d times", text, times)
		}
	}
	states, lookups := map[journal.State]int{}, 0
	for id := range acknowledged {
		_, runs, err := reader.Event(t.Context(), "in:/orders:"+id)
		if err != nil || len(runs) != 1 {
			t.Errorf("%s was acknowledged: found %d runs, %v", id, len(runs), err)
			continue
		}
		run, steps, err := reader.Run(t.Context(), runs[0].ID)
		must(t, err)
		states[run.State]++
		lookups += len(run.Decisions)
		switch {
		case run.State == journal.Succeeded && sent[id] == 1 && sent[id+" again"] == 1:
		case run.State == journal.Held && len(steps) > 0 && steps[len(steps)-1].State == journal.Begun:
			t.Logf("%s is held: %s", id, problem(run))
		default:
			t.Errorf("%s: the run is %s with %d steps, %d and %d messages are there", id, run.State, len(steps), sent[id], sent[id+" again"])
		}
	}
	reader.Close()
	p.stop()
	t.Logf("%d kills, %d events acknowledged, runs %v, %d messages, %d look-ups", kills, len(acknowledged), states, len(sent), lookups)
	if states[journal.Held] > 0 {
		t.Errorf("%d runs are held, %.1f a kill", states[journal.Held], float64(states[journal.Held])/float64(kills))
	}
	if lookups == 0 {
		t.Error("no kill was in the middle of a call; the test shows nothing")
	}
}
