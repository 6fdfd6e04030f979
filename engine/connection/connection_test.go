package connection_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// vendor issues tokens: each refresh token is valid once.
type vendor struct {
	*httptest.Server
	mu       sync.Mutex
	refresh  string // the one that is valid now
	issued   int
	requests int
	last     http.Header
	form     map[string]string
	answer   http.HandlerFunc // instead of a token, once
	wait     chan struct{}    // token requests wait until it is closed

	maxInstalled int // of the sets that open makes
}

func newVendor(t testing.TB) *vendor {
	v := &vendor{refresh: "refresh-0"}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", v.token)
	mux.HandleFunc("POST /oauth/locationToken", v.exchange)
	v.Server = httptest.NewServer(mux)
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) token(w http.ResponseWriter, r *http.Request) {
	if v.wait != nil {
		<-v.wait
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.requests++
	_ = r.ParseForm()
	v.last, v.form = r.Header, map[string]string{}
	for name := range r.PostForm {
		v.form[name] = r.PostForm.Get(name)
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case v.answer != nil:
		answer := v.answer
		v.answer = nil
		answer(w, r)
	case r.PostForm.Get("refresh_token") != v.refresh:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"invalid_grant","error_description":"no such token %s"}`, r.PostForm.Get("refresh_token"))
	default:
		v.issue(w, r)
	}
}

// issue answers with a token; the refresh token before is spent.
func (v *vendor) issue(w http.ResponseWriter, _ *http.Request) {
	v.issued++
	v.refresh = fmt.Sprintf("refresh-%d", v.issued)
	fmt.Fprintf(w, `{"access_token":"access-%d","refresh_token":%q,"expires_in":3600,"token_type":"Bearer"}`, v.issued, v.refresh)
}

func (v *vendor) exchange(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.requests++
	_ = r.ParseForm()
	v.last = r.Header
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer access-%d", v.issued) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.PostForm.Get("locationId") == "elsewhere" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"access_token":"%s of %s by access-%d","expires_in":3600}`, r.PostForm.Get("locationId"), r.PostForm.Get("companyId"), v.issued)
}

func (v *vendor) app() *bindings.App {
	return &bindings.App{
		Name: "crm", BaseURL: v.URL, Account: bindings.Account{Noun: "location"},
		Auth: []bindings.Auth{
			{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"},
			{Name: "oauth", Fields: []string{"client_id", "client_secret"}, Header: "Authorization", Format: "Bearer {access_token}",
				OAuth: &bindings.OAuth{
					TokenURL: v.URL + "/oauth/token", Rotates: true, TokenParams: map[string]string{"user_type": "Location"},
					Exchange: &bindings.Exchange{URL: "/oauth/locationToken", Header: map[string]string{"Version": "2021-07-28"},
						Fields: map[string]string{"companyId": "{parent}", "locationId": "{account}"}},
				}},
		},
		Variants: []bindings.Variant{{Name: "company", Parent: true, TokenParams: map[string]string{"user_type": "Company"}}},
		Webhook:  &bindings.Webhook{Signatures: []bindings.Signature{{Name: "ed25519", Key: "the vendor's"}, {Name: "rsa", OptIn: true}}},
	}
}

func oauth(refresh string) connection.Settings {
	return connection.Settings{Name: "crm", Account: "company", Credentials: map[string]string{
		"client_id": "the-id", "client_secret": "the-client-secret", "refresh_token": refresh,
	}}
}

// open makes a set on a data folder, as a start of the engine does.
func (v *vendor) open(t testing.TB, data string, clock clock.Clock, settings ...connection.Settings) *connection.Set {
	t.Helper()
	set, err := connection.New(connection.Config{
		Apps: []*bindings.App{v.app()}, Settings: settings, Folder: data, Clock: clock, MaxInstalled: v.maxInstalled,
		HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	return set
}

// authorize returns the header of a call.
func authorize(t testing.TB, set *connection.Set, name string) (string, error) {
	t.Helper()
	c, found := set.Get(name)
	if !found {
		t.Fatalf("there is no connection %q", name)
	}
	h := http.Header{}
	_, err := c.Authorize(t.Context(), h)
	return h.Get("Authorization"), err
}

func wantHeader(t testing.TB, set *connection.Set, name, want string) {
	t.Helper()
	if got, err := authorize(t, set, name); err != nil || got != want {
		t.Errorf("got the header %q, %v, want %q", got, err, want)
	}
}

func wantError(t testing.TB, err error, kind bindings.ErrorKind, words ...string) {
	t.Helper()
	var e *bindings.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("got %v, want kind %s", err, kind)
	}
	for _, word := range words {
		if !strings.Contains(e.Message, word) {
			t.Errorf("the message does not have %q: %s", word, e.Message)
		}
	}
	for _, secret := range []string{"refresh-", "access-", "the-client-secret"} {
		if strings.Contains(e.Error(), secret) {
			t.Errorf("a secret shows: %s", e)
		}
	}
}

// TestEmptySecrets: a secret without a value is a problem that names the setting,
// whether the configuration or the vault has it.
func TestEmptySecrets(t *testing.T) {
	for _, test := range []struct {
		settings connection.Settings
		setting  string
	}{
		{connection.Settings{Name: "crm", Credentials: map[string]string{"token": ""}}, "token"},
		{connection.Settings{Name: "crm", Credentials: map[string]string{"token": " "}}, "token"},
		{connection.Settings{Name: "crm", WebhookSecret: "  ", Credentials: map[string]string{"token": "pit-1234"}}, "webhook_secret"},
	} {
		v, data := newVendor(t), t.TempDir()
		want := "connections.crm." + test.setting + ": is empty; is the variable or file that it refers to filled?"
		if got := fmt.Sprint(problemsOf(connection.Config{Apps: []*bindings.App{v.app()}, Settings: []connection.Settings{test.settings}})); !strings.Contains(got, want) {
			t.Errorf("in the configuration: got %s, want %s", got, want)
		}
		want = "connections.crm." + test.setting + ": is empty in the vault; connect again: tidewire connect crm"
		put(t, data, connection.Entry{Connection: "crm", AuthName: "token", Settings: &test.settings})
		if got := fmt.Sprint(problemsOf(connection.Config{Apps: []*bindings.App{v.app()}, Folder: data})); !strings.Contains(got, want) {
			t.Errorf("in the vault: got %s, want %s", got, want)
		}
	}
}

func problemsOf(config connection.Config) []*connection.Problem {
	set, problems := connection.Open(config)
	set.Close()
	return problems
}

func TestToken(t *testing.T) {
	v := newVendor(t)
	set := v.open(t, "", nil, connection.Settings{Name: "crm/paris", Credentials: map[string]string{"token": "pit-123456"}})
	wantHeader(t, set, "crm/paris", "Bearer pit-123456")
	c, _ := set.Get("crm/paris")
	if c.Expire("") {
		t.Error("a token that is configured cannot be renewed")
	}
}

// A refresh token that rotates is saved, encrypted, for the next process.
func TestRotation(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	clock := clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	set := v.open(t, data, clock, oauth("refresh-0"))
	wantHeader(t, set, "crm", "Bearer access-1")
	want := map[string]string{"grant_type": "refresh_token", "refresh_token": "refresh-0", "client_id": "the-id",
		"client_secret": "the-client-secret", "user_type": "Location"}
	if fmt.Sprint(v.form) != fmt.Sprint(want) {
		t.Errorf("asked with %v, want %v", v.form, want)
	}
	clock.Advance(50 * time.Minute)
	wantHeader(t, set, "crm", "Bearer access-1")
	clock.Advance(6 * time.Minute) // within five minutes of its end
	wantHeader(t, set, "crm", "Bearer access-2")

	// A new start uses the saved token, with or without the first token.
	wantHeader(t, v.open(t, data, clock, oauth("refresh-0")), "crm", "Bearer access-2")
	without := oauth("")
	delete(without.Credentials, "refresh_token")
	wantHeader(t, v.open(t, data, clock, without), "crm", "Bearer access-2")

	// A refresh token that was changed in the configuration is used.
	v.refresh = "refresh-by-hand"
	wantHeader(t, v.open(t, data, clock, oauth("refresh-by-hand")), "crm", "Bearer access-3")

	err := filepath.WalkDir(data, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, _ := entry.Info()
		text, _ := os.ReadFile(path)
		if strings.Contains(string(text), "refresh-") || strings.Contains(string(text), "access-") || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o and holds a token in plain, or so it seems", path, info.Mode().Perm())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOneRefreshForAll(t *testing.T) {
	v := newVendor(t)
	v.wait = make(chan struct{})
	set := v.open(t, t.TempDir(), nil, oauth("refresh-0"))
	c, _ := set.Get("crm")
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Authorize(impatient, http.Header{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that gave up got %v", err)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { wantHeader(t, set, "crm", "Bearer access-1") })
	}
	close(v.wait)
	all.Wait()
	if v.requests != 1 {
		t.Errorf("the vendor was asked %d times, want once", v.requests)
	}
}

func TestExpire(t *testing.T) {
	v := newVendor(t)
	clock := clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	set := v.open(t, t.TempDir(), clock, oauth("refresh-0"))
	c, _ := set.Get("crm")
	token, err := c.Authorize(t.Context(), http.Header{})
	if err != nil || !c.Expire(token) || !c.Expire(token) {
		t.Fatalf("%v: a refused token can be renewed by any caller", err)
	}
	wantHeader(t, set, "crm", "Bearer access-2")
	if c.Expire("access-2") {
		t.Error("a vendor that refuses every token would be asked for one at each call")
	}
	clock.Advance(time.Minute)
	if !c.Expire("access-2") {
		t.Error("a minute later a refused token can be renewed")
	}
	wantHeader(t, set, "crm", "Bearer access-3")
}

func TestRefreshRefused(t *testing.T) {
	v := newVendor(t)
	set := v.open(t, t.TempDir(), nil, oauth("refresh-old"))
	for range 3 {
		_, err := authorize(t, set, "crm")
		wantError(t, err, bindings.BrokenConnection, `connection "crm"`, "invalid_grant", "tidewire connect crm")
	}
	if v.requests != 1 {
		t.Errorf("the vendor was asked %d times for the same, want once", v.requests)
	}
}

func TestRefreshTrouble(t *testing.T) {
	tests := []struct {
		name   string
		answer http.HandlerFunc
		kind   bindings.ErrorKind
		words  string
	}{
		{"503", status(503, ``), bindings.Unavailable, "no token at the moment: status 503"},
		{"429", status(429, `{}`), bindings.Unavailable, "status 429"},
		{"cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, bindings.Unavailable, "no token from 127.0.0.1"},
		{"not JSON", status(200, `<html>`), bindings.Unavailable, "no token from"},
		{"wrong client", status(401, `{"error":"invalid_client"}`), bindings.BrokenConnection, "tidewire connect crm"},
		{"error in a 200", status(200, `{"ok":false,"error":"invalid_refresh_token"}`), bindings.BrokenConnection, "invalid_refresh_token"},
		{"wrong address", status(404, `{}`), bindings.BrokenConnection, "is token_url right?"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := newVendor(t)
			v.answer = test.answer
			set := v.open(t, t.TempDir(), nil, oauth("refresh-0"))
			_, err := authorize(t, set, "crm")
			wantError(t, err, test.kind, test.words)
			if test.kind == bindings.Unavailable {
				wantHeader(t, set, "crm", "Bearer access-1") // it passes by itself
			}
		})
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

// If the early renewal of a token fails, the token is still used.
func TestEarlyRefreshFails(t *testing.T) {
	v := newVendor(t)
	clock := clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	set := v.open(t, t.TempDir(), clock, oauth("refresh-0"))
	wantHeader(t, set, "crm", "Bearer access-1")
	clock.Advance(57 * time.Minute)
	v.answer = status(503, ``)
	wantHeader(t, set, "crm", "Bearer access-1")
	wantHeader(t, set, "crm", "Bearer access-1") // not asked again at once
	if v.requests != 2 {
		t.Errorf("the vendor was asked %d times, want 2", v.requests)
	}
	clock.Advance(20 * time.Second)
	wantHeader(t, set, "crm", "Bearer access-2")
}

// A token is not used before it is saved: if it cannot be saved, it is saved
// later and no second one is requested.
func TestSaveFails(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	clock := clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	set := v.open(t, data, clock, oauth("refresh-0"))
	wantHeader(t, set, "crm", "Bearer access-1")
	clock.Advance(2 * time.Hour)
	folder := filepath.Join(data, "vault")
	v.answer = func(w http.ResponseWriter, r *http.Request) {
		if err := os.Rename(folder, folder+".away"); err != nil {
			t.Error(err)
		}
		v.issue(w, r)
	}
	_, err := authorize(t, set, "crm")
	wantError(t, err, bindings.Unavailable, "its new token cannot be saved")
	_, err = authorize(t, set, "crm")
	wantError(t, err, bindings.Unavailable, "its token cannot be renewed")
	if err := os.Rename(folder+".away", folder); err != nil {
		t.Fatal(err)
	}
	wantHeader(t, set, "crm", "Bearer access-2")
	if v.requests != 2 {
		t.Errorf("the vendor was asked %d times, want twice", v.requests)
	}
	wantHeader(t, v.open(t, data, clock, oauth("refresh-0")), "crm", "Bearer access-2")
}

// A token that could not be saved does not replace the one with which a person has
// connected since.
func TestSaveFailsAndConnectedAgain(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, stored("crm", "refresh-0"))
	set := v.open(t, data, nil)
	folder := filepath.Join(data, "vault")
	v.answer = func(w http.ResponseWriter, r *http.Request) {
		rename(t, folder, folder+".away")
		v.issue(w, r)
	}
	_, err := authorize(t, set, "crm")
	wantError(t, err, bindings.Unavailable, "its new token cannot be saved")
	rename(t, folder+".away", folder)
	v.refresh = "refresh-of-a-person"
	put(t, data, stored("crm", "refresh-of-a-person"))
	wantHeader(t, set, "crm", "Bearer access-2")
	if got := entryOf(t, data, "crm").Token.Refresh; got != "refresh-2" {
		t.Errorf("stored is %q, want the one that was given for the person's", got)
	}
}

// A crash between the vendor's answer and the vault loses the new refresh
// token; after the next start the old one is refused, and the error has what to
// do.
func TestCrashBeforeSaving(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	v.open(t, data, nil, oauth("refresh-0"))
	v.refresh = "refresh-that-was-not-saved"
	_, err := authorize(t, v.open(t, data, nil, oauth("refresh-0")), "crm")
	wantError(t, err, bindings.BrokenConnection, "authorise again")
	v.refresh = "refresh-by-hand"
	wantHeader(t, v.open(t, data, nil, oauth("refresh-by-hand")), "crm", "Bearer access-1")
}

// A token that another process saved meanwhile is used.
func TestVaultChangedMeanwhile(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	clock := clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	one, two := v.open(t, data, clock, oauth("refresh-0")), v.open(t, data, clock, oauth("refresh-0"))
	wantHeader(t, one, "crm", "Bearer access-1")
	wantHeader(t, two, "crm", "Bearer access-1")
	clock.Advance(2 * time.Hour)
	wantHeader(t, two, "crm", "Bearer access-2")
	wantHeader(t, one, "crm", "Bearer access-2")
}

func TestExchange(t *testing.T) {
	v := newVendor(t)
	clock := clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	set := v.open(t, t.TempDir(), clock, oauth("refresh-0"),
		connection.Settings{Name: "crm/paris", Account: "loc1", Parent: "crm"},
		connection.Settings{Name: "crm/lost", Account: "elsewhere", Parent: "crm"})
	wantHeader(t, set, "crm/paris", "Bearer loc1 of company by access-1")
	if v.last.Get("Version") != "2021-07-28" {
		t.Errorf("asked with the headers %v", v.last)
	}
	wantHeader(t, set, "crm/paris", "Bearer loc1 of company by access-1")
	if v.requests != 2 {
		t.Errorf("the vendor was asked %d times, want 2", v.requests)
	}
	if kind := v.form["user_type"]; kind != "Company" {
		t.Errorf("the parent asked for a token of the kind %q, want Company", kind)
	}
	// The parent's token is no longer accepted: it is renewed before the exchange.
	v.issued = 7
	c, _ := set.Get("crm/paris")
	if !c.Expire("loc1 of company by access-1") {
		t.Error("a token that was exchanged can be had again")
	}
	wantHeader(t, set, "crm/paris", "Bearer loc1 of company by access-8")
	_, err := authorize(t, set, "crm/lost")
	wantError(t, err, bindings.BrokenConnection, `the location "elsewhere"`, "is the app installed there?")
	if got := c.Redact("x loc1 of company by access-8 y the-client-secret"); got != "x [secret] y [secret]" {
		t.Errorf("redacted to %q", got)
	}
}

// A parent without tokens of its own account shares its credential.
func TestParentShares(t *testing.T) {
	v := newVendor(t)
	set := v.open(t, "", nil,
		connection.Settings{Name: "crm", Credentials: map[string]string{"token": "shared-token"}, WebhookSecret: "hook-secret"},
		connection.Settings{Name: "crm/paris", Account: "loc1", Parent: "crm", WebhookKeys: nil})
	wantHeader(t, set, "crm/paris", "Bearer shared-token")
	c, _ := set.Get("crm/paris")
	if c.WebhookSecret() != "hook-secret" || c.Parent().Name() != "crm" {
		t.Errorf("got the secret %q of %v", c.WebhookSecret(), c.Parent())
	}
	if got := c.WebhookKey(bindings.Signature{Name: "ed25519", Key: "pem"}); got != "pem" {
		t.Errorf("got the key %q, want the vendor's", got)
	}
	if got := c.WebhookKey(bindings.Signature{Name: "hmac"}); got != "hook-secret" {
		t.Errorf("got the key %q, want the secret", got)
	}
}

// However they are printed, settings and connections show no secret.
func TestNoSecretIsPrinted(t *testing.T) {
	v := newVendor(t)
	settings := oauth("refresh-0")
	settings.WebhookSecret = "hook-secret"
	set := v.open(t, t.TempDir(), nil, settings)
	wantHeader(t, set, "crm", "Bearer access-1")
	c, _ := set.Get("crm")
	token := connection.Entry{Connection: "crm", Token: connection.Token{Access: "access-1", Refresh: "refresh-1"}}
	var log strings.Builder
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("x", "settings", settings, "all", []connection.Settings{settings}, "connection", c, "entry", token, "token", token.Token)
	}
	text, _ := json.Marshal(settings)
	printed := log.String() + string(text) + fmt.Sprintf("%v %+v %#v %s", settings, settings, settings, settings) +
		fmt.Sprintf("%v %+v %#v %s", c, c, c, c) + fmt.Sprintf("%v %+v %#v %s", token, token, token, token) +
		fmt.Sprintf("%v %+v %#v %s", token.Token, token.Token, token.Token, token.Token)
	encoded, _ := json.Marshal(token)
	printed += string(encoded)
	for _, secret := range []string{"the-client-secret", "refresh-", "access-", "hook-secret"} {
		if strings.Contains(printed, secret) {
			t.Errorf("%q shows in %s", secret, printed)
		}
	}
}

// copyFolder copies files as only their owner may read them.
func copyFolder(t *testing.T, from, to string) {
	err := filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		name, relErr := filepath.Rel(from, path)
		if err = errors.Join(err, relErr); err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, 0o600)
	})
	if err != nil {
		t.Error(err)
	}
}

// That a rotation was begun is saved before its request: a process that dies while
// the vendor answers leaves a folder in which it is known.
func TestRotationBegunIsSavedBeforeRequest(t *testing.T) {
	v, data, crashed := newVendor(t), t.TempDir(), t.TempDir()
	v.answer = func(w http.ResponseWriter, r *http.Request) {
		copyFolder(t, data, crashed)
		v.issue(w, r)
	}
	wantHeader(t, v.open(t, data, nil, oauth("refresh-0")), "crm", "Bearer access-1")
	v.refresh = "refresh-0" // the vendor did not get to issuing the next one
	var log bytes.Buffer
	set, err := connection.New(connection.Config{
		Apps: []*bindings.App{v.app()}, Settings: []connection.Settings{oauth("refresh-0")}, Folder: crashed,
		HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	wantHeader(t, set, "crm", "Bearer access-2")
	if !strings.Contains(log.String(), "an interrupted refresh is made again with the token that it may have spent") {
		t.Errorf("the folder of the process that died does not have that a refresh was begun; the log is:\n%s", log.String())
	}
}
