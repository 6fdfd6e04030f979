package ingest_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/ingest"
	"github.com/tidewire/tidewire/engine/journal"
)

// While a script cannot be loaded of which no version is stored, senders of what
// no hook takes are asked to send again, each with the status that its vendor
// needs for that.
func TestUnloadedScripts(t *testing.T) {
	all := apps(t)
	crm, bank := signed(t, all[0], 0, privateKey(t), now), signed(t, all[1], 0, "bank-secret", now)
	contact := `{"type":"ContactCreate","locationId":"loc1","webhookId":"w1","id":"c1"}`
	client := `{"id":"e1","type":"v1/clients","data":{"event":"created","id":"cl1"}}`
	for _, test := range []struct {
		name, path, body string
		sign             func([]byte) http.Header
		loaded, unloaded int
	}{
		{"an event of a vendor that sends again after 429", "/hooks/crm", contact, crm, 200, 429},
		{"an event of a vendor that sends again after 503", "/hooks/bank", client, bank, 200, 503},
		{"an unknown address", "/in/new", `{}`, nil, 404, 503},
		{"an address with a hook", "/in/open", `{}`, nil, 200, 200},
		{"an unknown app", "/hooks/nobody", `{}`, nil, 404, 404},
	} {
		t.Run(test.name, func(t *testing.T) {
			var unloaded []string
			r := newReceiver(t, func(c *ingest.Config) {
				c.Unloaded = func() []string { return unloaded }
				c.Accept = func(_ context.Context, events ...journal.Event) ([]journal.Receipt, error) {
					receipts := make([]journal.Receipt, len(events))
					for i, e := range events {
						receipts[i].Stored = strings.HasPrefix(e.Type, "in:") // the script has no other hooks
					}
					return receipts, nil
				}
			})
			for _, names := range [][]string{nil, {"billing"}, nil} {
				unloaded = names
				status, answer, header := r.post(t, test.path, test.body, test.sign)
				want := test.loaded
				if names != nil {
					want = test.unloaded
				}
				if status != want {
					t.Errorf("with unloaded scripts %v: status %d, want %d: %s", names, status, want, answer)
				}
				refused := names != nil && test.loaded != test.unloaded
				if refused && (!strings.Contains(answer, `\"billing\"`) || !strings.Contains(answer, `"reason":"script"`) || header.Get("Retry-After") == "") {
					t.Errorf("the answer is %s with %v", answer, header)
				}
			}
			counted := slices.ContainsFunc(r.ingest.Counts(), func(c ingest.Count) bool { return c.Result == "script" && c.Count == 1 })
			if counted != (test.loaded != test.unloaded) {
				t.Errorf("counts are %+v", r.ingest.Counts())
			}
		})
	}
}
