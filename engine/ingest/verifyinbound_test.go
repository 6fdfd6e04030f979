package ingest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/ingest"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// withScript replaces the scripts of a receiver by one.
func withScript(t testing.TB, lua string) func(*ingest.Config) {
	return func(c *ingest.Config) {
		dir := t.TempDir()
		write(t, dir+"/in.lua", lua)
		scripts, err := script.Open(t.Context(), script.Config{Dir: dir, Machine: vm.New(vm.Config{Apps: c.Apps}), Apps: c.Apps})
		if err != nil {
			t.Fatal(err)
		}
		if problems := scripts.Problems(); len(problems) > 0 {
			t.Fatal(problems)
		}
		c.Generation, c.PublicURL = scripts.Generation, "https://hooks.example.com"
	}
}

// TestVerifySchemes sends requests that each scheme accepts, and others.
func TestVerifySchemes(t *testing.T) {
	const lua = `
local both = { secret "old", secret "new" }
local function in_(path, verify) on("in:/" .. path, { verify = verify }, function() end) end
in_("timed", { scheme = "hmac", header = "X-Sig", value = "t={time},v1={signature}", signed = "{time}.{body}", tolerance = "1m", secret = both })
in_("url", { scheme = "hmac", header = "X-Sig", signed = "{url}{body}", algorithm = "hmac-sha512", encoding = "base64", secret = secret "new" })
in_("sha1", { scheme = "hmac", header = "X-Sig", prefix = "sha1=", algorithm = "hmac-sha1", secret = secret "new" })
in_("standard", { scheme = "standard-webhooks", secret = secret "orders" })
in_("bearer", { scheme = "bearer", secret = both })
in_("basic", { scheme = "basic", user = "shop", secret = both })
in_("query", { scheme = "query", query = "key", secret = both })
in_("empty", { scheme = "bearer", header = "X-Token", secret = secret "empty" })
in_("stripe", { scheme = "stripe", secret = both })
in_("twilio", { scheme = "twilio", secret = secret "new" })
`
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	basic := func(user, password string) http.Header {
		r, _ := http.NewRequest(http.MethodPost, "/", nil)
		r.SetBasicAuth(user, password)
		return r.Header
	}
	timed := bindings.Presets["stripe"].Signature
	timed.Header = "X-Sig"
	url := bindings.Signature{Name: "hmac", Algorithm: bindings.HMACSHA512, Encoding: bindings.Base64, Header: "X-Sig", Value: "{signature}", Signed: "{url}{body}"}
	sha1 := bindings.PlainHMAC("X-Sig", "sha1=", bindings.Hex)
	sha1.Algorithm = bindings.HMACSHA1
	sign := func(s bindings.Signature, address, key string, at time.Time) http.Header {
		kind := header("Content-Type", "application/x-www-form-urlencoded")
		h, err := s.SignRequest(bindings.Request{URL: address, Body: []byte("a=1"), Header: kind}, key, "m1", at)
		if err != nil {
			t.Fatal(err)
		}
		h.Set("Content-Type", kind.Get("Content-Type"))
		return h
	}
	twilio := bindings.Presets["twilio"].Signature
	const key = "whsec_b3JkZXJzLXNlY3JldA=="
	for _, c := range []struct {
		name, path string
		header     http.Header
		status     int
	}{
		{"a time in the value, new secret", "/in/timed", sign(timed, "", "new-secret", now), 200},
		{"a time in the value, old secret", "/in/timed", sign(timed, "", "old-secret", now), 200},
		{"a time in the value, another secret", "/in/timed", sign(timed, "", "other", now), 401},
		{"outside of the tolerance", "/in/timed", sign(timed, "", "new-secret", now.Add(-2*time.Minute)), 401},
		{"the address is signed", "/in/url?a=b", sign(url, "https://hooks.example.com/in/url?a=b", "new-secret", now), 200},
		{"another address", "/in/url?a=c", sign(url, "https://hooks.example.com/in/url?a=b", "new-secret", now), 401},
		{"SHA-1", "/in/sha1", sign(sha1, "", "new-secret", now), 200},
		{"standard webhooks", "/in/standard", sign(bindings.StandardWebhooks, "", key, now), 200},
		{"standard webhooks with names of svix", "/in/standard", sign(bindings.Svix, "", key, now), 200},
		{"names of svix with another secret", "/in/standard", sign(bindings.Svix, "", "whsec_AAAA", now), 401},
		{"standard webhooks, unsigned", "/in/standard", nil, 401},
		{"bearer", "/in/bearer", header("Authorization", "Bearer new-secret"), 200},
		{"bearer in lower case, old secret", "/in/bearer", header("Authorization", "bearer old-secret"), 200},
		{"another token", "/in/bearer", header("Authorization", "Bearer other"), 401},
		{"another way", "/in/bearer", header("Authorization", "Basic new-secret"), 401},
		{"basic", "/in/basic", basic("shop", "new-secret"), 200},
		{"basic, another user", "/in/basic", basic("shop2", "new-secret"), 401},
		{"basic, another password", "/in/basic", basic("shop", "new-secre"), 401},
		{"basic, nothing", "/in/basic", nil, 401},
		{"a token in the address", "/in/query?key=old-secret&a=1", nil, 200},
		{"another token in the address", "/in/query?key=other", nil, 401},
		{"no token in the address", "/in/query", nil, 401},
		{"an empty secret and no header", "/in/empty", nil, 401},
		{"an empty secret and an empty header", "/in/empty", header("X-Token", ""), 401},
		{"a preset", "/in/stripe", sign(bindings.Presets["stripe"].Signature, "", "old-secret", now), 200},
		{"a preset of the address and a form", "/in/twilio", sign(twilio, "https://hooks.example.com/in/twilio", "new-secret", now), 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(t, withScript(t, lua), func(c *ingest.Config) {
				open := c.Secret
				c.Secret = func(name string) (string, error) {
					if name == "empty" {
						return " ", nil
					}
					return open(name)
				}
			})
			status, answer, _ := r.post(t, c.path, "a=1", func([]byte) http.Header { return c.header })
			if status != c.status || (len(r.stored) == 1) != (status == 200) {
				t.Fatalf("got %d %s and %d events, want %d", status, answer, len(r.stored), c.status)
			}
			for _, event := range r.stored {
				for name, value := range event.Request.Headers {
					if strings.Contains(value, "secret") || strings.EqualFold(name, "X-Sig") || strings.Contains(name, "signature") {
						t.Errorf("the event has the header %s: %s", name, value)
					}
				}
				if strings.Contains(string(event.Request.Query), "secret") {
					t.Errorf("the event has the parameters %s", event.Request.Query)
				}
			}
		})
	}
}
