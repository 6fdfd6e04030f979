package bindingstest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

func testWebhook(t *testing.T, app *bindings.App) {
	hook := app.Webhook
	if hook == nil {
		t.Skip("the app sends no webhooks")
	}
	checkWebhook(t, hook)
	checkAccounts(t, app)
	checkSecrets(t, app)
	for _, signature := range hook.Signatures {
		t.Run(signature.Name, func(t *testing.T) { testSignature(t, signature) })
	}
}

// checkWebhook checks everything except signing and verifying.
func checkWebhook(t reporter, hook *bindings.Webhook) {
	switch {
	case hook.Token != nil:
		if count(hook.Token.Header != "", hook.Token.Path != "") != 1 || len(hook.Signatures) > 0 {
			t.Error("Token: expected one place of the secret, and no signatures")
		}
	case len(hook.Signatures) == 0 || hook.Signatures[0].OptIn:
		t.Error("no signature that is accepted by default, and no token")
	}
	if c := hook.Handshake; c != nil && count(c.Query != "", c.Header != "") != 1 {
		t.Error("Handshake: expected one of Query and Header")
	}
	if hook.GoneStatus != 0 && (hook.GoneStatus < 400 || hook.GoneStatus > 499) {
		t.Errorf("GoneStatus %d", hook.GoneStatus)
	}
	testTypes(t, hook)
	if hook.Type == "" {
		t.Error("Type is empty: expected the path of the type in a body")
	}
	if hook.MaxAge < 0 || hook.RetryStatus != 0 && (hook.RetryStatus < 400 || hook.RetryStatus > 599) {
		t.Errorf("MaxAge %v, RetryStatus %d", hook.MaxAge, hook.RetryStatus)
	}
	checkReplays(t, hook)
	testForms(t, hook)
	checkSignatures(t, hook)
}

func checkSignatures(t reporter, hook *bindings.Webhook) {
	names := map[string]bool{}
	for _, signature := range hook.Signatures {
		if names[signature.Name] || signature.Name == "" {
			t.Errorf("signature %q: expected a name of its own", signature.Name)
		}
		names[signature.Name] = true
		if err := signature.Check(); err != nil {
			t.Errorf("signature %q: %v", signature.Name, err)
		}
	}
}

// maxUnidentified is how old a signed webhook may be at most that has no id of the
// vendor's: the ids of old events are deleted in time.
const maxUnidentified = 10 * time.Minute

// checkReplays checks that a webhook that somebody recorded is not accepted again.
func checkReplays(t reporter, hook *bindings.Webhook) {
	timed := slices.ContainsFunc(hook.Signatures, func(s bindings.Signature) bool { return strings.Contains(s.Signed, "{time}") }) || hook.Time != ""
	if timed && (hook.MaxAge == 0 || hook.MaxAge > maxUnidentified) && hook.ID == "" {
		t.Errorf("MaxAge %s: expected %s at most where a webhook has no id of the vendor's", hook.MaxAge, maxUnidentified)
	}
}

// secretName matches names of fields that vendors call tokens or secrets.
var secretName = regexp.MustCompile(`(?i)(token|secret|password|api_?key|clientstate)$`)

// checkSecrets checks that nothing is stored that the vendor calls a token or a
// secret.
func checkSecrets(t reporter, app *bindings.App) {
	for _, name := range app.Catalogue.Triggers() {
		trigger, _ := app.Catalogue.Trigger(name)
		_, d := app.Catalogue.Resolve(trigger.Data)
		if d == nil {
			continue
		}
		removed := slices.Clone(app.Webhook.Secret)
		for _, form := range app.Webhook.Forms {
			if form.Name == trigger.Form {
				removed = form.Secret
			}
		}
		if token := app.Webhook.Token; token != nil {
			removed = append(removed, token.Path)
		}
		for _, field := range d.Fields {
			if secretName.MatchString(field.Name) && !slices.Contains(removed, field.Name) {
				t.Errorf("%s: the field %q is stored; expected it in Secret", name, field.Name)
			}
		}
	}
}

// checkAccounts checks that it can be found out for whom a webhook is: a key that
// the vendor has for all apps does not prove that.
func checkAccounts(t reporter, app *bindings.App) {
	hook := app.Webhook
	public := slices.ContainsFunc(hook.Signatures, func(s bindings.Signature) bool { return s.Key != "" })
	if public != (hook.SharedKey != nil) {
		t.Errorf("SharedKey is set: %v, a signature has the vendor's key: %v; the key is for all apps, or for one", hook.SharedKey != nil, public)
	}
	if id := hook.AppID; id != nil {
		client := func(a bindings.Auth) bool {
			return slices.Contains(a.Fields, "client_id") || slices.Contains(a.Optional, "client_id")
		}
		if id.Path == "" || !slices.ContainsFunc(app.Auth, client) {
			t.Errorf("AppID %q: expected a path in the body, and a way to authorise that has a client_id", id.Path)
		}
	}
	if !hook.SharesKey() {
		return
	}
	if len(app.Account.Paths) == 0 {
		t.Error("SharedKey: Account.Paths is empty, so no webhook could be accepted")
	}
	if hook.AppID == nil && len(hook.InstallEvents)+len(hook.Installed)+len(hook.Uninstalled) > 0 {
		t.Error("SharedKey: AppID is nil, so an installation of another app would count")
	}
	for _, name := range app.Catalogue.Triggers() {
		trigger, _ := app.Catalogue.Trigger(name)
		if hook.AppID == nil || !hook.OfInstallation(trigger.Vendor) {
			continue
		}
		if _, _, err := typeAt(app.Catalogue, trigger.Data, hook.AppID.Path); err != nil {
			t.Errorf("%s: AppID: %v", name, err)
		}
	}
}

// testTypes checks that none of the vendor's types has two meanings.
func testTypes(t reporter, hook *bindings.Webhook) {
	meanings := map[string]string{}
	for meaning, types := range map[string][]string{
		"PollOn": hook.PollOn, "Ignore": hook.Ignore, "ReconcileOn": hook.ReconcileOn, "RenewOn": hook.RenewOn,
	} {
		for _, name := range types {
			if hook.AnyCase && name != strings.ToLower(name) {
				t.Errorf("type %q: the vendor writes it in any case, expected lower case here", name)
			}
			if other := meanings[name]; other != "" {
				t.Errorf("type %q: %s and %s", name, meaning, other)
			}
			meanings[name] = meaning
		}
	}
}

// testForms checks that each form has a name, and that only the last is without a
// field: it matches every webhook, so forms after it would never be used.
func testForms(t reporter, hook *bindings.Webhook) {
	names := map[string]bool{}
	for i, f := range hook.Forms {
		if f.Name == "" || names[f.Name] {
			t.Errorf("form %q: expected a name of its own", f.Name)
		}
		names[f.Name] = true
		if f.Field == "" && i < len(hook.Forms)-1 {
			t.Errorf("form %q has no field, and there are forms after it", f.Name)
		}
	}
}

// testSignature signs and verifies with a key of its own.
func testSignature(t *testing.T, s bindings.Signature) {
	private, public := keys(t, s)
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	body := []byte(`{"type":"x","id":"1"}`)
	headers, err := s.Sign(private, "id-1", now, body)
	if err != nil {
		t.Fatalf("sign: %v", err)
	}
	if _, err := s.Verify(headers, body, public, now, time.Minute); err != nil {
		t.Errorf("its own signature: %v", err)
	}
	if _, err := s.Verify(headers, append(body, ' '), public, now, time.Minute); !errors.Is(err, bindings.ErrSignature) {
		t.Errorf("another body: %v, expected %v", err, bindings.ErrSignature)
	}
	if _, err := s.Verify(http.Header{}, body, public, now, time.Minute); !errors.Is(err, bindings.ErrUnsigned) {
		t.Errorf("no header: %v, expected %v", err, bindings.ErrUnsigned)
	}
	for _, none := range s.None {
		if _, err := s.Verify(http.Header{http.CanonicalHeaderKey(s.Header): {none}}, body, public, now, time.Minute); !errors.Is(err, bindings.ErrUnsigned) {
			t.Errorf("header %q: %v, expected %v", none, err, bindings.ErrUnsigned)
		}
	}
	if s.Key == "" {
		return
	}
	// An empty key means the vendor's, with which nothing was signed here.
	if _, err := s.Verify(headers, body, "", now, time.Minute); !errors.Is(err, bindings.ErrSignature) {
		t.Errorf("the vendor's key: %v, expected %v", err, bindings.ErrSignature)
	}
}

// keys returns a new key for signing and the key for verifying, as texts.
func keys(t *testing.T, s bindings.Signature) (private, public string) {
	t.Helper()
	var privateKey, publicKey any
	switch s.Algorithm {
	case bindings.HMACSHA256:
		text := "a secret of the test"
		if s.KeyPrefix != "" {
			text = s.KeyPrefix + base64.StdEncoding.EncodeToString([]byte(text))
		}
		return text, text
	case bindings.Ed25519:
		pub, priv, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		privateKey, publicKey = priv, pub
	case bindings.RSASHA256:
		priv, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		privateKey, publicKey = priv, &priv.PublicKey
	default:
		t.Fatalf("unknown algorithm %q", s.Algorithm)
	}
	der, err := x509.MarshalPKCS8PrivateKey(privateKey)
	if err != nil {
		t.Fatal(err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(publicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER}))
}
