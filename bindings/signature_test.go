package bindings_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

var (
	listed = bindings.Signature{
		Name: "listed", Algorithm: bindings.HMACSHA256, Encoding: bindings.Hex,
		Header: "X-Qonto-Signature", Value: "t={time},v1={signature}", Signed: "{time}.{body}",
	}
	versioned = bindings.Signature{
		Name: "versioned", Algorithm: bindings.HMACSHA256, Encoding: bindings.Hex,
		Header: "X-Slack-Signature", Value: "v0={signature}", Signed: "v0:{time}:{body}",
		TimeHeader: "X-Slack-Request-Timestamp",
	}
)

// TestVerifyPublishedVectors verifies the examples that vendors publish.
func TestVerifyPublishedVectors(t *testing.T) {
	const command = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V" +
		"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=" +
		"https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN" +
		"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	for _, test := range []struct {
		name      string
		signature bindings.Signature
		secret    string
		body      string
		at        int64
		id        string
		headers   map[string]string
	}{
		{
			"qonto", listed, "test-secret", `{"test":"data"}`, 1704110400, "",
			map[string]string{"X-Qonto-Signature": "t=1704110400,v1=56aff06dc227db80d6568a5070f912c601c31f20451745d257cbc0b5dfa93805"},
		},
		{
			"slack", versioned, "8f742231b10e8888abcd99yyyzzz85a5", command, 1531420618, "",
			map[string]string{
				"X-Slack-Request-Timestamp": "1531420618",
				"X-Slack-Signature":         "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
			},
		},
		{
			"standard webhooks", bindings.StandardWebhooks, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `{"test": 2432232314}`, 1614265330, "msg_p5jXN8AQM9LWM0D4loKWxJek",
			map[string]string{
				"Webhook-Id":        "msg_p5jXN8AQM9LWM0D4loKWxJek",
				"Webhook-Timestamp": "1614265330",
				"Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			at := time.Unix(test.at, 0).UTC()
			signed, err := test.signature.Verify(header(test.headers), []byte(test.body), test.secret, at, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if !signed.Time.Equal(at) || signed.ID != test.id {
				t.Errorf("found time %v and id %q, want %v and %q", signed.Time, signed.ID, at, test.id)
			}
			made, err := test.signature.Sign(test.secret, test.id, at, []byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range test.headers {
				if made.Get(name) != want {
					t.Errorf("signed with %s: %q, want %q", name, made.Get(name), want)
				}
			}
		})
	}
}

func TestVerifyErrors(t *testing.T) {
	const body = `{"id":"1"}`
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	good := func(s bindings.Signature, at time.Time) http.Header {
		h, err := s.Sign("secret", "msg_1", at, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	with := func(h http.Header, name, value string) http.Header {
		h.Set(name, value)
		return h
	}
	value := good(listed, now).Get("X-Qonto-Signature")
	_, hexed, _ := strings.Cut(value, "v1=")
	none := bindings.Signature{
		Name: "none", Algorithm: bindings.HMACSHA256, Encoding: bindings.Hex,
		Header: "X-Signature", Value: "{signature}", Signed: "{body}", None: []string{"N/A"},
	}
	for _, test := range []struct {
		name      string
		signature bindings.Signature
		header    http.Header
		body      string
		secret    string
		want      error
	}{
		{"good", listed, good(listed, now), body, "secret", nil},
		{"other order", listed, with(http.Header{}, "X-Qonto-Signature", "v1="+hexed+", t=1795435200"), body, "secret", nil},
		{"upper case", listed, with(http.Header{}, "X-Qonto-Signature", "t=1795435200,v1="+strings.ToUpper(hexed)), body, "secret", nil},
		{"two keys in use", listed, with(http.Header{}, "X-Qonto-Signature", "t=1795435200,v1="+strings.Repeat("0", 64)+",v1="+hexed), body, "secret", nil},
		{"two versions", listed, with(http.Header{}, "X-Qonto-Signature", "t=1795435200,v0=zz,v1="+hexed), body, "secret", nil},
		{"two keys in use, blanks between", versioned, with(good(versioned, now), "X-Slack-Signature", "v0="+strings.Repeat("0", 64)+" "+good(versioned, now).Get("X-Slack-Signature")), body, "secret", nil},
		{"at the age", listed, good(listed, now.Add(-time.Hour)), body, "secret", nil},
		{"clock ahead", listed, good(listed, now.Add(bindings.ClockSkew)), body, "secret", nil},

		{"no header", listed, http.Header{}, body, "secret", bindings.ErrUnsigned},
		{"empty header", listed, with(http.Header{}, "X-Qonto-Signature", " "), body, "secret", bindings.ErrUnsigned},
		{"a value for none", none, with(http.Header{}, "X-Signature", "N/A"), body, "secret", bindings.ErrUnsigned},
		{"no time header", versioned, http.Header{"X-Slack-Signature": good(versioned, now)["X-Slack-Signature"]}, body, "secret", bindings.ErrUnsigned},

		{"other body", listed, good(listed, now), body + " ", "secret", bindings.ErrSignature},
		{"other secret", listed, good(listed, now), body, "Secret", bindings.ErrSignature},
		{"other time", listed, with(http.Header{}, "X-Qonto-Signature", "t=1795435201,v1="+hexed), body, "secret", bindings.ErrSignature},
		{"cut short", listed, with(http.Header{}, "X-Qonto-Signature", value[:len(value)-2]), body, "secret", bindings.ErrSignature},
		{"other version only", listed, with(http.Header{}, "X-Qonto-Signature", "t=1795435200,v2="+hexed), body, "secret", bindings.ErrSignature},
		{"no time", listed, with(http.Header{}, "X-Qonto-Signature", "v1="+hexed), body, "secret", bindings.ErrSignature},
		{"two times", listed, with(http.Header{}, "X-Qonto-Signature", "t=1795435200,t=1,v1="+hexed), body, "secret", bindings.ErrSignature},
		{"time with sign", listed, with(http.Header{}, "X-Qonto-Signature", "t=+795435200,v1="+hexed), body, "secret", bindings.ErrSignature},
		{"too many", listed, with(http.Header{}, "X-Qonto-Signature", "t=1795435200"+strings.Repeat(",v1=00", 9)), body, "secret", bindings.ErrSignature},
		{"too long", listed, with(http.Header{}, "X-Qonto-Signature", value+strings.Repeat(",", 9000)), body, "secret", bindings.ErrSignature},

		{"too old", listed, good(listed, now.Add(-time.Hour-time.Second)), body, "secret", bindings.ErrTooOld},
		{"in the future", listed, good(listed, now.Add(bindings.ClockSkew+time.Second)), body, "secret", bindings.ErrTooOld},
		{"too old, but not ours", listed, good(listed, now.Add(-2*time.Hour)), body, "other", bindings.ErrSignature},

		{"no secret", listed, good(listed, now), body, "", bindings.ErrKey},
		{"secret not base64", bindings.StandardWebhooks, header(map[string]string{
			"Webhook-Signature": "v1,AAAA", "Webhook-Timestamp": "1795435200", "Webhook-Id": "msg_1",
		}), body, "whsec_!", bindings.ErrKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.signature.Verify(test.header, []byte(test.body), test.secret, now, time.Hour)
			if !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if err != nil && test.secret != "" && strings.Contains(err.Error(), test.secret) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

func TestVerifyWithoutMaxAge(t *testing.T) {
	h, err := listed.Sign("secret", "", time.Unix(1, 0), []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listed.Verify(h, []byte("{}"), "secret", time.Now(), 0); err != nil {
		t.Error(err)
	}
}

func TestPlainHMAC(t *testing.T) {
	for _, encoding := range []bindings.SignatureEncoding{bindings.Hex, bindings.Base64} {
		s := bindings.PlainHMAC("X-Hub-Signature-256", "sha256=", encoding)
		h, err := s.Sign("secret", "", time.Time{}, []byte("body"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(h.Get("X-Hub-Signature-256"), "sha256=") {
			t.Errorf("%s: signed with %q", encoding, h)
		}
		signed, err := s.Verify(h, []byte("body"), "secret", time.Now(), time.Second)
		if err != nil || signed != (bindings.Signed{}) {
			t.Errorf("%s: got %v, %v", encoding, signed, err)
		}
	}
}

func TestPublicKeys(t *testing.T) {
	_, edPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaPrivate, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[bindings.Algorithm]crypto.Signer{bindings.Ed25519: edPrivate, bindings.RSASHA256: rsaPrivate}
	for algorithm, private := range keys {
		t.Run(string(algorithm), func(t *testing.T) {
			s := bindings.Signature{
				Name: "public", Algorithm: algorithm, Encoding: bindings.Base64,
				Header: "X-Signature", Value: "{signature}", Signed: "{body}",
			}
			body := []byte(`{"type":"ContactCreate"}`)
			h, err := s.Sign(privatePEM(t, private), "", time.Now(), body)
			if err != nil {
				t.Fatal(err)
			}
			public := publicPEM(t, private)
			if _, err := s.Verify(h, body, public, time.Now(), 0); err != nil {
				t.Errorf("key given: %v", err)
			}
			vendor := s
			vendor.Key = public
			if _, err := vendor.Verify(h, body, "", time.Now(), 0); err != nil {
				t.Errorf("key of the vendor: %v", err)
			}
			if _, err := s.Verify(h, append(body, ' '), public, time.Now(), 0); !errors.Is(err, bindings.ErrSignature) {
				t.Errorf("other body: got %v", err)
			}
			for name, key := range map[string]string{
				"empty": "", "text": "key", "private": privatePEM(t, private),
				"other algorithm": publicPEM(t, other(keys, algorithm)),
			} {
				if _, err := s.Verify(h, body, key, time.Now(), 0); !errors.Is(err, bindings.ErrKey) {
					t.Errorf("%s key: got %v, want %v", name, err, bindings.ErrKey)
				}
			}
			for name, key := range map[string]string{
				"empty": "", "public": public, "other algorithm": privatePEM(t, other(keys, algorithm)),
			} {
				if _, err := s.Sign(key, "", time.Now(), body); !errors.Is(err, bindings.ErrKey) {
					t.Errorf("signing with %s key: got %v, want %v", name, err, bindings.ErrKey)
				}
			}
		})
	}
}

// FuzzVerify checks that an unsigned request is refused and a signed one accepted,
// whatever other values the headers have.
func FuzzVerify(f *testing.F) {
	f.Add("t=1704110400,v1=56aff06dc227db80d6568a5070f912c601c31f20451745d257cbc0b5dfa93805", "1704110400", "msg_1")
	f.Add("v0=00 v0=", "", "")
	f.Add("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,x", "99999999999999999999", "{body}")
	f.Fuzz(func(t *testing.T, value, sent, id string) {
		now := time.Unix(1704110400, 0)
		for _, s := range []bindings.Signature{listed, versioned, bindings.StandardWebhooks, bindings.PlainHMAC("X-Signature", "", bindings.Hex)} {
			h := http.Header{}
			h.Set(s.Header, value)
			if s.TimeHeader != "" {
				h.Set(s.TimeHeader, sent)
			}
			if s.IDHeader != "" {
				h.Set(s.IDHeader, id)
			}
			if _, err := s.Verify(h, []byte("never signed"), "c2VjcmV0", now, time.Hour); err == nil {
				t.Fatalf("%s accepts %q", s.Name, h)
			}
			if s.Name == "listed" {
				good, err := s.Sign("secret", "", now, []byte(value))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Verify(good, []byte(value), "secret", now, time.Hour); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func header(values map[string]string) http.Header {
	h := http.Header{}
	for name, value := range values {
		h.Set(name, value)
	}
	return h
}

func other(keys map[bindings.Algorithm]crypto.Signer, than bindings.Algorithm) crypto.Signer {
	for algorithm, key := range keys {
		if algorithm != than {
			return key
		}
	}
	return nil
}

func privatePEM(t testing.TB, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func publicPEM(t testing.TB, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func BenchmarkVerify(b *testing.B) {
	body := []byte(strings.Repeat(`{"id":"1"}`, 200))
	now := time.Unix(1704110400, 0)
	b.Run("hmac", func(b *testing.B) {
		h, err := listed.Sign("secret", "", now, body)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := listed.Verify(h, body, "secret", now, time.Hour); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ed25519", func(b *testing.B) {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		s := bindings.Signature{
			Name: "ed25519", Algorithm: bindings.Ed25519, Encoding: bindings.Base64,
			Header: "X-Signature", Value: "{signature}", Signed: "{body}", Key: publicPEM(b, private),
		}
		h, err := s.Sign(privatePEM(b, private), "", now, body)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Verify(h, body, "", now, time.Hour); err != nil {
				b.Fatal(err)
			}
		}
	})
}
