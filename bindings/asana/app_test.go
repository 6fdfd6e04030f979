package asana_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/asana"
	"github.com/tidewire/tidewire/bindings/bindingstest"
)

func TestApp(t *testing.T) { bindingstest.Run(t, asana.App()) }

// The vendor publishes no test vector; this one was made with openssl.
func TestWebhookSignature(t *testing.T) {
	h := http.Header{}
	h.Set("X-Hook-Signature", "3fc836005dfa84ae042d88d80e2473a1c6d931719bd8e9106bf6bc54a505a3f7")
	body := []byte(`{"events":[]}`)
	if _, err := asana.App().Webhook.Signatures[0].Verify(h, body, "b537207f20cbfa02357cf448134da559", time.Time{}, 0); err != nil {
		t.Error(err)
	}
}

// Every list declares its pages: an offset, or that the answer is the whole list.
// Bodies are wrapped, except that of an upload.
func TestLists(t *testing.T) {
	c := asana.App().Catalogue
	if n := len(c.Operations()); n != 249 {
		t.Errorf("%d operations, expected 249", n)
	}
	for _, name := range c.Operations() {
		o, _ := c.Operation(name)
		_, answer := c.Resolve(o.Answer)
		if answer == nil {
			t.Errorf("%s: its answer is not described", name)
			continue
		}
		data, _ := c.Resolve(&answer.Fields[0].Type)
		if lists := data.Kind == bindings.List; lists != (o.Pages != nil) && o.ReadOnly() {
			t.Errorf("%s: answers a list is %v, and its pages are %+v", name, lists, o.Pages)
		}
		if o.Body != nil && (o.Body.Wrap == "data") != (o.Body.Encoding == bindings.JSON) {
			t.Errorf("%s: a body of %s within %q", name, o.Body.Encoding, o.Body.Wrap)
		}
		for _, f := range o.Query {
			if f.Type.Kind == bindings.List && o.Join[f.Name] != "," {
				t.Errorf("%s: the list %q is not written with commas", name, f.Name)
			}
		}
	}
}

// A connection is for one workspace, so that scripts need not name it.
func TestWorkspaceIsGiven(t *testing.T) {
	c := asana.App().Catalogue
	for name, want := range map[string]string{
		"tasks.create": "workspace", "projects.list": "workspace", "webhooks.list": "workspace", "projects.get_for_workspace": "workspace_gid",
		"teams.create": "organization", "tasks.list": "", "tasks.get": "",
	} {
		if o, _ := c.Operation(name); o.Account != want {
			t.Errorf("%s: the workspace goes into %q, expected %q", name, o.Account, want)
		}
	}
}
