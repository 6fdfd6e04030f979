package engine_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
)

// senders is how many goroutines post at the same time.
const senders = 32

// sender returns a client that reuses its connections.
func sender(b *testing.B) *http.Client {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * senders}}
	b.Cleanup(client.CloseIdleConnections)
	return client
}

// BenchmarkEventAccepted measures a signed webhook from its first byte to the
// 2xx, which is sent once the event is durable.
func BenchmarkEventAccepted(b *testing.B) {
	var signature bindings.Signature
	for _, app := range all.Apps() {
		if app.Name == "qonto" {
			signature = app.Webhook.Signatures[0]
		}
	}
	for _, c := range []struct {
		name, script string
		runs         int // of an event
	}{
		{"without a run", `on("qonto.client.created", { where = { id = "never" } }, function(event) end)`, 0},
		{"with a run", `on("qonto.client.created", function(event) end)`, 1},
	} {
		b.Run(c.name, func(b *testing.B) {
			ends := make(ends, 1024)
			f := newFixture(b, map[string]string{"take.lua": c.script}, func(c *engine.Config) { c.Log = slog.New(ends) })
			client := sender(b)
			var n atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(senders / 2)
			b.ResetTimer()
			var drained sync.WaitGroup
			drained.Go(func() {
				for range c.runs * b.N {
					<-ends
				}
			})
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					id := n.Add(1)
					body := fmt.Appendf(nil, `{"id":"%d","type":"v1/clients","created_at":"2026-03-02T09:00:00Z","data":{"event":"created","id":"c%d","kind":"individual","first_name":"Ada","last_name":"Lovelace","email":"ada@example.com"}}`, id, id)
					header, err := signature.Sign(secret, "", time.Now(), body)
					must(b, err)
					request, err := http.NewRequest(http.MethodPost, f.engine.URL()+"/hooks/qonto", strings.NewReader(string(body)))
					must(b, err)
					request.Header = header
					answered(b, client, request)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.StopTimer()
			drained.Wait()
		})
	}
}

func answered(b *testing.B, client *http.Client, request *http.Request) {
	response, err := client.Do(request)
	must(b, err)
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || !strings.Contains(string(body), "accepted") {
		b.Fatalf("got %s %s", response.Status, body)
	}
}

// BenchmarkRunWithTwoCalls measures an event from its post to the end of its
// run, which makes two calls to the sandbox over HTTP. They go to Slack, since
// the answers of HighLevel have rate limits, which the engine obeys.
func BenchmarkRunWithTwoCalls(b *testing.B) {
	const script = `
local slack = require "slack"

on("in:/clients", { verify = "none" }, function(event)
  local channel = slack.conversations.info { channel = "C0GENERAL01" }.channel
  slack.chat.post_message { channel = channel.id, text = "New client: " .. event.data.name }
end)
`
	for _, parallel := range []int{1, senders} {
		b.Run(fmt.Sprintf("%d at a time", parallel), func(b *testing.B) {
			ends := make(ends, 1024)
			f := &fixture{t: b, apps: newSandbox(b, sandbox.Config{Seed: 1}), log: newLogBuffer()}
			f.build(map[string]string{"clients.lua": script}, unlimited, func(c *engine.Config) { c.Log = slog.New(ends) })
			client := sender(b)
			slots := make(chan struct{}, parallel)
			var left atomic.Int64
			left.Store(int64(b.N))
			var sending sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for range parallel {
				sending.Go(func() {
					for left.Add(-1) >= 0 {
						slots <- struct{}{}
						request, err := http.NewRequest(http.MethodPost, f.engine.URL()+"/in/clients", strings.NewReader(`{"name":"Ada Lovelace","email":"ada@example.com"}`))
						must(b, err)
						answered(b, client, request)
					}
				})
			}
			for range b.N {
				if end := <-ends; end != "run succeeded" {
					b.Fatal(end)
				}
				<-slots
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
			b.StopTimer()
			sending.Wait()
		})
	}
}

// ends is a slog.Handler that sends the messages about the ends of runs.
type ends chan string

func (e ends) Enabled(context.Context, slog.Level) bool { return true }
func (e ends) WithAttrs([]slog.Attr) slog.Handler       { return e }
func (e ends) WithGroup(string) slog.Handler            { return e }
func (e ends) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "run ") && r.Message != "run started" {
		e <- r.Message
	}
	return nil
}

// BenchmarkStart measures how long an engine takes until it could listen, with
// the catalogues of all apps.
func BenchmarkStart(b *testing.B) {
	config := smallConfig(b)
	b.ReportAllocs()
	for b.Loop() {
		config.Apps = all.Apps()
		e, err := engine.New(b.Context(), config)
		must(b, err)
		b.StopTimer()
		must(b, e.Close())
		b.StartTimer()
	}
}
