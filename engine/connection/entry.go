package connection

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/tidewire/tidewire/engine/config"
)

// Token is a token from a vendor. Its fields are secrets, except times and
// scopes.
type Token struct {
	Access  string    `json:"access_token,omitempty"`
	Refresh string    `json:"refresh_token,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // zero: it has no known end
	Renew   time.Time `json:"renew,omitzero"`   // from when to ask for the next
	// Scopes are its permissions; nil where they are not known.
	Scopes []string `json:"scopes,omitempty"`
}

// String has no secret.
func (t Token) String() string {
	return fmt.Sprintf("token until %s", t.Expires.UTC().Format(time.RFC3339))
}

// GoString has no secret either, for %#v.
func (t Token) GoString() string { return t.String() }

// LogValue has no secret either, for logs.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// valid reports whether a token can be used and need not be renewed yet.
func (t Token) valid(now time.Time) bool {
	return t.Access != "" && (t.Renew.IsZero() || now.Before(t.Renew))
}

// unexpired reports whether a token can be used.
func (t Token) unexpired(now time.Time) bool {
	return t.Access != "" && (t.Expires.IsZero() || now.Before(t.Expires))
}

// setLifetime sets the times of a token that is valid for this many seconds
// from when it was requested. It is renewed when a tenth of that time, at most
// five minutes, is left.
func (t *Token) setLifetime(requested time.Time, seconds int64) {
	if seconds <= 0 {
		return
	}
	lifetime := time.Duration(seconds) * time.Second
	t.Expires = requested.Add(lifetime)
	t.Renew = t.Expires.Add(-min(lifetime/10, 5*time.Minute))
}

// Entry is what the vault stores of a connection.
type Entry struct {
	Connection string
	// Settings are the input of connect and what connect found out; nil where
	// the connection is defined in the configuration alone.
	Settings *Settings
	// AuthName is the name of the app's Auth that connect used, ConnectedAt
	// when.
	AuthName    string
	ConnectedAt time.Time
	// DisplayName is for people: the name of the account or of the person who
	// authorised.
	DisplayName string
	Token       Token
	// SeedHash is the hash of the configured refresh token from which Token was
	// first obtained.
	SeedHash string
	// RefreshBegun is when a refresh was begun whose result is not saved:
	// Token.Refresh may be spent.
	RefreshBegun time.Time
	// Broken is why the connection cannot be used until a person connects it
	// again; nil if it can.
	Broken *Broken
	// FormerNames are names that it had.
	FormerNames []string
	// WebhookSecrets are the secrets of the webhooks that were registered for
	// it, by the key of the registration.
	WebhookSecrets map[string]string
}

// Broken is why a connection cannot be used.
type Broken struct {
	Reason string    `json:"said"` // the vendor's message where there is one
	At     time.Time `json:"at"`
	// CredentialHash is the hash of the credentials that were refused: others
	// are tried.
	CredentialHash string `json:"of,omitempty"`
}

// String names the entry and has no secret.
func (e Entry) String() string {
	return fmt.Sprintf("the vault's entry of connection %q", e.Connection)
}

// GoString has no secret either, for %#v.
func (e Entry) GoString() string { return e.String() }

// LogValue has no secret either, for logs.
func (e Entry) LogValue() slog.Value { return slog.StringValue(e.String()) }

// MarshalText has no secret either, for encoders.
func (e Entry) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// entryJSON is an Entry as it is encrypted.
type entryJSON struct {
	Connection string `json:"connection"`
	Token
	SeedHash       string                   `json:"seed,omitempty"`
	RefreshBegun   time.Time                `json:"begun,omitzero"`
	Broken         *Broken                  `json:"broken,omitempty"`
	AuthName       string                   `json:"way,omitempty"`
	ConnectedAt    time.Time                `json:"made,omitzero"`
	DisplayName    string                   `json:"who,omitempty"`
	FormerNames    []string                 `json:"formerly,omitempty"`
	Settings       *config.StoredConnection `json:"settings,omitempty"`
	WebhookSecrets map[string]string        `json:"hooks,omitempty"`
}

func (e Entry) marshal() ([]byte, error) {
	return json.Marshal(entryJSON{e.Connection, e.Token, e.SeedHash, e.RefreshBegun, e.Broken, e.AuthName, e.ConnectedAt, e.DisplayName, e.FormerNames, (*config.StoredConnection)(e.Settings), e.WebhookSecrets})
}

func unmarshalEntry(text []byte) (*Entry, error) {
	var s entryJSON
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	e := &Entry{Connection: s.Connection, Settings: (*Settings)(s.Settings), AuthName: s.AuthName, ConnectedAt: s.ConnectedAt, DisplayName: s.DisplayName, Token: s.Token, SeedHash: s.SeedHash,
		RefreshBegun: s.RefreshBegun, Broken: s.Broken, FormerNames: s.FormerNames, WebhookSecrets: s.WebhookSecrets}
	if e.Settings != nil {
		e.Settings.Name = s.Connection
	}
	return e, nil
}

// rename changes the name and adds the old one to FormerNames.
func (e *Entry) rename(name string) {
	e.FormerNames = append(slices.DeleteFunc(e.FormerNames, func(old string) bool { return old == name || old == e.Connection }), e.Connection)
	e.Connection = name
	if e.Settings != nil {
		e.Settings.Name = name
	}
}
