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

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
)

// newHooked is a world behind a proxy, whose address vendors know, and at
// which nobody registered webhooks by hand.
func newHooked(t *testing.T, files map[string]string, changes ...func(*engine.Config)) *watched {
	t.Helper()
	var behind atomic.Pointer[httputil.ReverseProxy]
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if proxy := behind.Load(); proxy != nil {
			proxy.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(front.Close)
	clock := journaltest.NewClock()
	w := &watched{&world{t: t, apps: newSandbox(t, sandbox.Config{Seed: 1, Now: clock.Now}), log: newBook(), alone: true}, clock}
	w.build(files, append([]func(*engine.Config){func(c *engine.Config) {
		c.Clock, c.PublicURL = clock, front.URL
		for i := range c.Connections {
			c.Connections[i].WebhookSecret = ""
		}
	}}, changes...)...)
	target, err := url.Parse(w.engine.URL())
	must(t, err)
	behind.Store(httputil.NewSingleHostReverseProxy(target))
	return w
}

func auto(i int, c *engine.Config) { c.Connections[i].Webhooks = "auto" }

// hooks are what a vendor has registered, by a field of it.
func (w *watched) hooks(app, resource, field string) (all []string) {
	for _, raw := range w.apps.Records(app, resource) {
		all = append(all, gjson.GetBytes(raw, field).String())
	}
	return all
}

// somebody does something in an app.
func (w *watched) somebody(app, line, body string) string {
	w.t.Helper()
	method, path, _ := strings.Cut(line, " ")
	request, err := http.NewRequest(method, w.apps.URL(app)+path, strings.NewReader(body))
	must(w.t, err)
	request.Header.Set("Authorization", "Bearer "+sandbox.Token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	must(w.t, err)
	defer response.Body.Close()
	var answer json.RawMessage
	if response.ContentLength != 0 {
		must(w.t, json.NewDecoder(response.Body).Decode(&answer))
	}
	if response.StatusCode > 299 {
		w.t.Fatalf("%s: %d %s", line, response.StatusCode, answer)
	}
	return string(answer)
}

func (w *watched) succeeded() (all []string) {
	for _, one := range w.runs() {
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

// A script is saved, and the vendor sends; it goes, and the vendor stops.
func TestWebhooksAreRegistered(t *testing.T) {
	w := newHooked(t, nil, setting("qonto", auto))
	if got := w.hooks("qonto", "webhook_subscriptions", "id"); len(got) != 0 {
		t.Fatalf("registered %q although no script wants one", got)
	}
	w.write("clients.lua", noteClients)
	w.come("the registration", func() bool { return len(w.hooks("qonto", "webhook_subscriptions", "id")) == 1 })
	if got := w.hooks("qonto", "webhook_subscriptions", "types"); got[0] != `["v1/clients"]` {
		t.Errorf("registered for %s", got)
	}
	w.somebody("qonto", "POST /clients", `{"kind":"company","name":"Atelier"}`)
	w.settle()
	if got := w.succeeded(); len(got) != 1 {
		t.Errorf("runs of %q, want one; the log:\n%s", got, w.log)
	}

	// What the command says and does.
	again, err := w.journal.SyncWebhooks(t.Context(), control.SyncOrder{})
	must(t, err)
	if len(again) != 1 || again[0].Action != "kept" || again[0].Connection != "qonto" {
		t.Errorf("sync: %+v, want that it is kept", again)
	}
	listed, err := w.journal.Subscriptions(t.Context())
	must(t, err)
	if len(listed) != 1 || listed[0].State != journal.SubscriptionLive {
		t.Errorf("listed %+v", listed)
	}

	must(t, os.Remove(filepath.Join(w.scripts, "clients.lua")))
	w.come("the removal", func() bool {
		left, err := w.journal.Subscriptions(t.Context())
		must(t, err)
		return len(left) == 0
	})
	if got := w.hooks("qonto", "webhook_subscriptions", "id"); len(got) != 0 {
		t.Errorf("the vendor still has %q", got)
	}
	status, answer := w.post("/hooks/qonto?subscription="+listed[0].Key, `{}`)
	if status != http.StatusNotFound || !strings.Contains(answer, "no such subscription") {
		t.Errorf("a webhook of what was removed: got %d %s", status, answer)
	}
	now, err := w.journal.Status(t.Context())
	must(t, err)
	if counts := fmt.Sprint(now.Webhooks); !strings.Contains(counts, "{qonto subscription 1}") {
		t.Errorf("counted %s", counts)
	}
}

// The command says what lacks, and the doctor what failed.
func TestWebhooksThatCannotBeRegistered(t *testing.T) {
	w := newHooked(t, map[string]string{"clients.lua": noteClients}, func(c *engine.Config) { c.PublicURL = "" })
	if _, err := w.journal.SyncWebhooks(t.Context(), control.SyncOrder{}); err == nil || !strings.Contains(err.Error(), "set public_url in tidewire.yaml") {
		t.Errorf("without an address: %v", err)
	}
	w = newHooked(t, map[string]string{"clients.lua": noteClients})
	must(t, w.apps.Fault(sandbox.Fault{App: "qonto", Operation: "webhook_subscriptions.create", Status: 403, Times: 100}))
	done, err := w.journal.SyncWebhooks(t.Context(), control.SyncOrder{Connections: []string{"qonto"}})
	must(t, err)
	if len(done) != 1 || done[0].Action != "failed" {
		t.Fatalf("sync: %+v, want that it failed", done)
	}
	found, err := w.journal.Doctor(t.Context())
	must(t, err)
	says := func(f control.Finding) bool {
		return f.Kind == "webhook" && strings.Contains(f.Text, "qonto events: register:") && strings.Contains(f.Do, "tidewire webhooks sync qonto")
	}
	if !slices.ContainsFunc(found, says) {
		t.Errorf("the doctor says %+v", found)
	}
	if _, err := w.journal.SyncWebhooks(t.Context(), control.SyncOrder{Connections: []string{"qonto/x"}}); err == nil || !strings.Contains(err.Error(), `no connection "qonto/x"`) {
		t.Errorf("an unknown connection: %v", err)
	}
}
