package bindings_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

func hookWithForms() *bindings.Webhook {
	return &bindings.Webhook{Forms: []bindings.WebhookForm{
		{Name: "interaction", Field: "payload", Type: "type", Secret: []string{"token"}},
		{Name: "command", Secret: []string{"token"}, Check: "ssl_check"},
	}}
}

func TestReadForm(t *testing.T) {
	for _, test := range []struct{ name, form, as, body string }{
		{"JSON in a field", "payload=" + url.QueryEscape(`{"type":"block_actions","token":"xyz","actions":[{"value":"a&b"}]}`),
			"interaction", `{"type":"block_actions","actions":[{"value":"a&b"}]}`},
		{"plain fields in their order", "token=xyz&team_id=T1&command=%2Fdeploy&text=to+production%21&empty=",
			"command", `{"team_id":"T1","command":"/deploy","text":"to production!","empty":""}`},
		{"a repeated field", "a=1&b=2&a=3", "command", `{"a":"3","b":"2"}`},
		{"a field without a value", "a", "command", `{"a":""}`},
		{"nothing", "", "command", `{}`},
		{"what is no UTF-8", "a=%ff", "command", `{"a":"\ufffd"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := hookWithForms().ReadForm([]byte(test.form))
			if err != nil || got.Name != test.as || string(got.JSON) != test.body || got.AddressCheck {
				t.Errorf("got %s of %+v, %v", got.JSON, got, err)
			}
		})
	}
	if got, err := hookWithForms().ReadForm([]byte("ssl_check=1&token=xyz")); err != nil || !got.AddressCheck {
		t.Errorf("a check of the address: %+v, %v", got, err)
	}
}

func TestReadFormErrors(t *testing.T) {
	for _, form := range []string{
		"a=%zz", "%=1", "payload=", "payload=1", "payload=%5B%5D", "payload=" + url.QueryEscape(`{"a":1} {"b":2}`),
		"payload=" + url.QueryEscape(`{"a":1`), "payload=" + url.QueryEscape(`{"a" 1}`),
	} {
		if got, err := hookWithForms().ReadForm([]byte(form)); err == nil {
			t.Errorf("%s: read as %s", form, got.JSON)
		}
	}
	only := &bindings.Webhook{Forms: []bindings.WebhookForm{{Name: "interaction", Field: "payload"}}}
	if got, err := only.ReadForm([]byte("a=1")); err == nil {
		t.Errorf("a form without the field: read as %s", got.JSON)
	}
}

// FuzzReadForm checks that a form is refused or becomes one JSON object without
// secret fields.
func FuzzReadForm(f *testing.F) {
	f.Add("payload=%7B%22type%22%3A%22x%22%2C%22token%22%3A1%7D")
	f.Add("token=a&command=%2Fx&text=&ssl_check")
	f.Add("payload=%7B%22a%22%3A%7B%7D%7D&payload=1")
	f.Fuzz(func(t *testing.T, form string) {
		got, err := hookWithForms().ReadForm([]byte(form))
		if err != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(got.JSON, &members); err != nil {
			t.Fatalf("%q: %s: %v", form, got.JSON, err)
		}
		if _, there := members["token"]; there {
			t.Errorf("%q: %s", form, got.JSON)
		}
	})
}
