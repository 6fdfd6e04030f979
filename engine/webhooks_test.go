package engine_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// newWebhookFixture returns a fixture without webhooks that were registered by
// hand. Its public URL is that of a proxy, as the engine's address is known only
// after its start.
func newWebhookFixture(t *testing.T, files map[string]string, changes ...func(*engine.Config)) *clockFixture {
	t.Helper()
	var proxy atomic.Pointer[httputil.ReverseProxy]
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if target := proxy.Load(); target != nil {
			target.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(front.Close)
	clock := clock.NewManual(time.Now().Round(0))
	f := &clockFixture{&fixture{t: t, apps: newSandbox(t, sandbox.Config{Seed: 1, Now: clock.Now}), log: newLogBuffer(), unsubscribed: true}, clock}
	f.build(files, append([]func(*engine.Config){func(c *engine.Config) {
		c.Clock, c.PublicURL = clock, front.URL
		for i := range c.Connections {
			c.Connections[i].WebhookSecret = ""
		}
	}}, changes...)...)
	address, err := url.Parse(f.engine.URL())
	must(t, err)
	proxy.Store(httputil.NewSingleHostReverseProxy(address))
	return f
}

func autoWebhooks(i int, c *engine.Config) { c.Connections[i].Webhooks = "auto" }

// registered returns a field of each webhook that is registered at a vendor.
func (f *clockFixture) registered(app, resource, field string) (all []string) {
	for _, raw := range f.apps.Records(app, resource) {
		all = append(all, gjson.GetBytes(raw, field).String())
	}
	return all
}

// request makes a request of a person to an app.
func (f *clockFixture) request(app, line, body string) string {
	f.t.Helper()
	method, path, _ := strings.Cut(line, " ")
	request, err := http.NewRequest(method, f.apps.URL(app)+path, strings.NewReader(body))
	must(f.t, err)
	request.Header.Set("Authorization", "Bearer "+sandbox.Token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	must(f.t, err)
	defer response.Body.Close()
	var answer json.RawMessage
	if response.ContentLength != 0 {
		must(f.t, json.NewDecoder(response.Body).Decode(&answer))
	}
	if response.StatusCode > 299 {
		f.t.Fatalf("%s: %d %s", line, response.StatusCode, answer)
	}
	return string(answer)
}

func (f *clockFixture) succeeded() (all []string) {
	for _, one := range f.runs() {
		if one.Run.State == journal.Succeeded {
			all = append(all, one.Run.Event)
		}
	}
	return all
}

const noteClients = `
on("qonto.client.created", function(event)
  state.put("seen", event.data.id)
end)`

// TestWebhooksAreRegistered saves a script, for which a webhook is registered, and
// deletes it again, after which the webhook is removed.
func TestWebhooksAreRegistered(t *testing.T) {
	f := newWebhookFixture(t, nil, setting("qonto", autoWebhooks))
	if got := f.registered("qonto", "webhook_subscriptions", "id"); len(got) != 0 {
		t.Fatalf("registered %q although no script needs one", got)
	}
	f.write("clients.lua", noteClients)
	f.await("the registration", func() bool { return len(f.registered("qonto", "webhook_subscriptions", "id")) == 1 })
	if got := f.registered("qonto", "webhook_subscriptions", "types"); got[0] != `["v1/clients"]` {
		t.Errorf("registered for %s", got)
	}
	f.request("qonto", "POST /clients", `{"kind":"company","name":"Atelier"}`)
	f.settle()
	if got := f.succeeded(); len(got) != 1 {
		t.Errorf("runs of %q, want one; the log:\n%s", got, f.log)
	}

	// Now the command has nothing to change.
	again, err := f.journal.SyncWebhooks(t.Context(), control.SyncOptions{})
	must(t, err)
	if len(again) != 1 || again[0].Action != "kept" || again[0].Connection != "qonto" {
		t.Errorf("sync: %+v, want it unchanged", again)
	}
	listed, err := f.journal.Subscriptions(t.Context())
	must(t, err)
	if len(listed) != 1 || listed[0].State != journal.SubscriptionLive {
		t.Errorf("listed %+v", listed)
	}

	must(t, os.Remove(filepath.Join(f.scripts, "clients.lua")))
	f.await("the removal", func() bool {
		left, err := f.journal.Subscriptions(t.Context())
		must(t, err)
		return len(left) == 0
	})
	if got := f.registered("qonto", "webhook_subscriptions", "id"); len(got) != 0 {
		t.Errorf("the vendor still has %q", got)
	}
	// The journal is written before the address ends.
	f.await("the end of its address", func() bool {
		status, answer := f.post("/hooks/qonto?subscription="+listed[0].Key, `{}`)
		return status == http.StatusNotFound && strings.Contains(answer, "no such subscription")
	})
	now, err := f.journal.Status(t.Context())
	must(t, err)
	if counts := fmt.Sprint(now.Webhooks); !strings.Contains(counts, "{qonto subscription 1}") {
		t.Errorf("counted %s", counts)
	}
}

// TestWebhooksThatCannotBeRegistered checks the errors of the command, and the
// doctor's finding.
func TestWebhooksThatCannotBeRegistered(t *testing.T) {
	f := newWebhookFixture(t, map[string]string{"clients.lua": noteClients}, func(c *engine.Config) { c.PublicURL = "" })
	if _, err := f.journal.SyncWebhooks(t.Context(), control.SyncOptions{}); err == nil || !strings.Contains(err.Error(), "set public_url in tidewire.yaml") {
		t.Errorf("without an address: %v", err)
	}
	f = newWebhookFixture(t, map[string]string{"clients.lua": noteClients})
	must(t, f.apps.Fault(sandbox.Fault{App: "qonto", Operation: "webhook_subscriptions.create", Status: 403, Times: 100}))
	done, err := f.journal.SyncWebhooks(t.Context(), control.SyncOptions{Connections: []string{"qonto"}})
	must(t, err)
	if len(done) != 1 || done[0].Action != "failed" {
		t.Fatalf("sync: %+v, want that it failed", done)
	}
	found, err := f.journal.Doctor(t.Context())
	must(t, err)
	matches := func(f control.Finding) bool {
		return f.Kind == "webhook" && strings.Contains(f.Text, "qonto events: register:") && strings.Contains(f.Do, "tidewire webhooks sync qonto")
	}
	if !slices.ContainsFunc(found, matches) {
		t.Errorf("the doctor found %+v", found)
	}
	if _, err := f.journal.SyncWebhooks(t.Context(), control.SyncOptions{Connections: []string{"qonto/x"}}); err == nil || !strings.Contains(err.Error(), `no connection "qonto/x"`) {
		t.Errorf("an unknown connection: %v", err)
	}
}
