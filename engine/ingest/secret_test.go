package ingest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/ingest"
)

// TestEmptySecret: nothing is accepted where the expected secret is empty or blank,
// whatever is sent, also without a header.
func TestEmptySecret(t *testing.T) {
	for _, secret := range []string{"", " ", "\t"} {
		r := newReceiver(t, func(c *ingest.Config) { c.Secret = func(string) (string, error) { return secret, nil } })
		for path, header := range map[string]string{"/in/token": "Authorization", "/in/header": "X-Token", "/in/plain": "X-Sig", "/in/orders": "Webhook-Signature"} {
			for _, sent := range []string{"", secret, "Bearer " + secret, hmacOf(t, secret)} {
				sign := func([]byte) http.Header { return http.Header{header: {sent}} }
				if sent == "" {
					sign = nil
				}
				if status, answer, _ := r.post(t, path, `{}`, sign); status != 401 {
					t.Errorf("secret %q, %s: %q at %s: got %d %s", secret, header, sent, path, status, answer)
				}
			}
		}
	}
}

// hmacOf is the header of a body of {}, signed with a key that need not be usable.
func hmacOf(t *testing.T, key string) string {
	t.Helper()
	header, err := bindings.PlainHMAC("X-Sig", "sha256=", bindings.Hex).Sign(key, "", now, []byte(`{}`))
	if err != nil {
		return "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" // of {} with an empty key
	}
	return header.Get("X-Sig")
}

// TestEmptySubscriptionSecret: a subscription whose secret is blank has none.
func TestEmptySubscriptionSecret(t *testing.T) {
	for _, secret := range []string{"", " "} {
		r, b := newSubscribed(t)
		b.secrets["messages"], b.secrets["calendar"] = secret, secret
		for _, one := range []struct {
			path, body string
			header     http.Header
		}{
			{"/hooks/teams?subscription=messages", `{"value":[{"changeType":"created","clientState":" "}]}`, nil},
			{"/hooks/teams?subscription=messages", `{"value":[{"changeType":"created","clientState":""}]}`, nil},
			{"/hooks/calendar?subscription=calendar", "", http.Header{"X-Goog-Channel-Token": {" "}, "X-Goog-Resource-State": {"exists"}}},
		} {
			status, answer, _ := r.post(t, one.path, one.body, func([]byte) http.Header { return one.header })
			if status != 401 || !strings.Contains(answer, "no secret") {
				t.Errorf("secret %q at %s: got %d %s", secret, one.path, status, answer)
			}
		}
	}
}
