package bindings_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// TestPresets verifies a request of each vendor. Who made the signatures:
//
//   - GitHub: its documents. Twilio: its documents (the first one) and the tests of
//     its client twilio-python (the others).
//   - Stripe, Shopify: the vendors' clients for Node accept them, stripe and
//     @shopify/shopify-api.
//   - Mailgun: the client mailgun-js accepts it.
//   - Calendly, Typeform: the vendors have no client that verifies, and no example with
//     its key. Code of others accepts them: hookdeck/webhook-skills and
//     rowyio/rowy-hooks, which are written after the vendors' documents.
func TestPresets(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, preset, key string
		request           bindings.Request
		changed           bindings.Request // a request that is not signed
		at                int64
		id                string
	}{
		{name: "GitHub", preset: "github", key: "It's a Secret to Everybody",
			request: request("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", "", "Hello, World!"),
			changed: request("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", "", "Hello, World?")},
		{name: "Twilio", preset: "twilio", key: "12345",
			request: twilio(form, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", "https://mycompany.com/myapp.php?foo=1&bar=2",
				"To=%2B18005551212&CallSid=CA1234567890ABCDE&Digits=1234&From=%2B12349013030&Caller=%2B12349013030"),
			changed: twilio(form, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", "https://mycompany.com/myapp.php?foo=1&bar=2",
				"To=%2B18005551212&CallSid=CA1234567890ABCDE&Digits=1235&From=%2B12349013030&Caller=%2B12349013030")},
		{name: "Twilio, a name with several values", preset: "twilio", key: "12345",
			request: twilio(form, "IK+Dwps556ElfBT0I3Rgjkr1wJU=", "https://mycompany.com/myapp.php?foo=1&bar=2", "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=5678"),
			changed: twilio(form, "IK+Dwps556ElfBT0I3Rgjkr1wJU=", "https://mycompany.com/myapp.php?foo=1&bar=2", "Sid=CA123&SidAccount=AC123&Digits=1234")},
		{name: "Twilio, JSON", preset: "twilio", key: "12345",
			request: twilio("application/json", "a9nBmqA0ju/hNViExpshrM61xv4=",
				"https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620", `{"property": "value", "boolean": true}`),
			changed: twilio("application/json", "a9nBmqA0ju/hNViExpshrM61xv4=",
				"https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620", `{"property": "value", "boolean": false}`)},
		{name: "Shopify", preset: "shopify", key: "test-webhook-secret",
			request: request("X-Shopify-Hmac-SHA256", "QNyObTlKbMx2qDlPF/ZOZcBqg5OgPg+2oky3zldc0Gw=", "", `{"id":1234567890,"email":"customer@example.com","total_price":"123.45"}`),
			changed: request("X-Shopify-Hmac-SHA256", "QNyObTlKbMx2qDlPF/ZOZcBqg5OgPg+2oky3zldc0Gw=", "", `{}`)},
		{name: "Typeform", preset: "typeform", key: "typeform-secret",
			request: request("Typeform-Signature", "sha256=ccOJ1IxNlv5QQl8sn1KA38fn+VH1wMJR9b1DGamNjBs=", "", `{"event_type":"form_response"}`),
			changed: request("Typeform-Signature", "sha256=ccOJ1IxNlv5QQl8sn1KA38fn+VH1wMJR9b1DGamNjBs=", "", `{}`)},
		{name: "Stripe, with the signature of an old secret and an old scheme", preset: "stripe", key: "stripe-secret", at: 1700000000,
			request: request("Stripe-Signature", "t=1700000000,v1=00ff,v1=5f06dd8d2c2a1dd9218bb4365893bad7208e1029b4ad26a4a26d652a00852340,v0=ab", "", `{"id":"evt_1"}`),
			changed: request("Stripe-Signature", "t=1700000001,v1=5f06dd8d2c2a1dd9218bb4365893bad7208e1029b4ad26a4a26d652a00852340", "", `{"id":"evt_1"}`)},
		{name: "Calendly", preset: "calendly", key: "calendly-secret", at: 1700000000,
			request: request("Calendly-Webhook-Signature", "t=1700000000,v1=0a5f2fa9da42a29f44efbbb07a1a7fa15355235634b12a0c286118d5397c882e", "", `{"event":"invitee.created"}`),
			changed: request("Calendly-Webhook-Signature", "t=1700000000,v1=0a5f2fa9da42a29f44efbbb07a1a7fa15355235634b12a0c286118d5397c882e", "", `{}`)},
		{name: "Mailgun", preset: "mailgun", key: "mailgun-key", at: 1770920772, id: "e0b5477167110d68991efc6b9f89f0a11066af27834600e123",
			request: bindings.Request{Body: []byte(`{"signature":{"token":"e0b5477167110d68991efc6b9f89f0a11066af27834600e123","timestamp":"1770920772",` +
				`"signature":"2fde13cddebc024924a452ed0f378c6f3c98737589299c808138eb048fdd38eb"},"event-data":{}}`)},
			changed: bindings.Request{Body: []byte(`{"signature":{"token":"other","timestamp":"1770920772",` +
				`"signature":"2fde13cddebc024924a452ed0f378c6f3c98737589299c808138eb048fdd38eb"},"event-data":{}}`)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			preset, found := bindings.Presets[c.preset]
			if !found {
				t.Fatalf("there is no preset %q", c.preset)
			}
			now := time.Unix(c.at, 0).Add(time.Minute)
			signed, err := preset.Signature.VerifyRequest(c.request, []string{"other", c.key}, now, preset.MaxAge)
			if err != nil || signed.ID != c.id || c.at != 0 && signed.Time.Unix() != c.at {
				t.Errorf("got %+v, %v", signed, err)
			}
			if _, err := preset.Signature.VerifyRequest(c.changed, []string{c.key}, now, preset.MaxAge); !errors.Is(err, bindings.ErrSignature) {
				t.Errorf("a changed request: got %v", err)
			}
			if _, err := preset.Signature.VerifyRequest(c.request, []string{"other"}, now, preset.MaxAge); !errors.Is(err, bindings.ErrSignature) {
				t.Errorf("another key: got %v", err)
			}
			if _, err := preset.Signature.VerifyRequest(c.request, []string{""}, now, preset.MaxAge); !errors.Is(err, bindings.ErrKey) {
				t.Errorf("an empty key: got %v", err)
			}
			if _, err := preset.Signature.VerifyRequest(bindings.Request{URL: c.request.URL, Body: []byte("{}")}, []string{c.key}, now, preset.MaxAge); !errors.Is(err, bindings.ErrUnsigned) {
				t.Errorf("unsigned: got %v", err)
			}
			if _, err := preset.Signature.VerifyRequest(c.request, []string{c.key}, now.Add(2*time.Hour), preset.MaxAge); (c.at != 0) != errors.Is(err, bindings.ErrTooOld) {
				t.Errorf("two hours later: got %v", err)
			}
		})
	}
	if _, err := bindings.Presets["twilio"].Signature.VerifyRequest(twilio(form, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", "", ""), []string{"12345"}, time.Time{}, 0); !errors.Is(err, bindings.ErrKey) {
		t.Errorf("without the address: got %v", err)
	}
	json := twilio("application/json", "Z9sogerA1zxFI0jmE+FOdlp7fKA=", "https://hooks.example.com/in/twilio", `{"a":1}`)
	if _, err := bindings.Presets["twilio"].Signature.VerifyRequest(json, []string{"12345"}, time.Time{}, 0); !errors.Is(err, bindings.ErrUnsigned) {
		t.Errorf("a body whose hash is not in the address: got %v", err)
	}
}

// TestUnsignedBodies sends bodies of which a signature of the address and a form
// has nothing: a form that cannot be read, and no form at all.
func TestUnsignedBodies(t *testing.T) {
	s := bindings.Signature{Name: "form", Algorithm: bindings.HMACSHA1, Encoding: bindings.Base64, Header: "X-Sig", Value: "{signature}", Signed: "{url}{form}"}
	for kind, body := range map[string]string{"application/x-www-form-urlencoded": "a=1;b=2", "application/json": `{"a":1}`} {
		r := bindings.Request{URL: "https://hooks.example.com/in/a", Header: http.Header{"Content-Type": {kind}}}
		h, err := s.SignRequest(r, "secret", "", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Sig", h.Get("X-Sig"))
		if _, err := s.VerifyRequest(r, []string{"secret"}, time.Time{}, 0); err != nil {
			t.Errorf("%s, an empty body: %v", kind, err)
		}
		r.Body = []byte(body)
		if _, err := s.VerifyRequest(r, []string{"secret"}, time.Time{}, 0); !errors.Is(err, bindings.ErrSignature) {
			t.Errorf("%s: got %v", kind, err)
		}
	}
}

// TestSeveralSignatures reads headers with several signatures, and several headers.
func TestSeveralSignatures(t *testing.T) {
	const good = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	s := bindings.PlainHMAC("X-Sig", "sha256=", bindings.Hex)
	for _, values := range [][]string{
		{"sha256=00,sha256=" + good}, {"sha256=00, sha256=" + good}, {"sha256=00 sha256=" + good}, {"sha256=00", "sha256=" + good},
	} {
		if _, err := s.Verify(http.Header{"X-Sig": values}, []byte("Hello, World!"), "It's a Secret to Everybody", time.Time{}, 0); err != nil {
			t.Errorf("%q: %v", values, err)
		}
	}
}

// FuzzPresets verifies any request: none is accepted, and nothing crashes.
func FuzzPresets(f *testing.F) {
	f.Add("t=1,v1=00", "application/x-www-form-urlencoded", "https://a.example/?bodySHA256=00", []byte("a=1&a=2&b=%zz"))
	f.Add("sha256=AA==", "application/json", "", []byte(`{"signature":{"token":1,"timestamp":1e3,"signature":"00"}}`))
	f.Fuzz(func(t *testing.T, value, kind, address string, body []byte) {
		for name, preset := range bindings.Presets {
			r := bindings.Request{Header: http.Header{"Content-Type": {kind}}, Body: body, URL: address}
			if preset.Signature.Header != "" {
				r.Header.Set(preset.Signature.Header, value)
			}
			if _, err := preset.Signature.VerifyRequest(r, []string{"secret"}, time.Unix(1, 0), preset.MaxAge); err == nil {
				t.Errorf("%s accepted %q", name, value)
			}
		}
	})
}

func request(header, value, address, body string) bindings.Request {
	h := http.Header{}
	h.Set(header, value)
	return bindings.Request{Header: h, Body: []byte(body), URL: address}
}

func twilio(kind, signature, address, body string) bindings.Request {
	r := request("X-Twilio-Signature", signature, address, body)
	r.Header.Set("Content-Type", kind)
	return r
}
