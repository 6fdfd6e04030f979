package connection

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/tidewire/tidewire/engine/config"
)

// Token is what a vendor gave. Its fields are secrets, but for times and scopes.
type Token struct {
	Access  string    `json:"access_token,omitempty"`
	Refresh string    `json:"refresh_token,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // zero: not known to
	Renew   time.Time `json:"renew,omitzero"`   // from when to ask for the next
	// Scopes are the permissions that it was given; nil where nobody said.
	Scopes []string `json:"scopes,omitempty"`
}

// String tells no secret.
func (t Token) String() string {
	return fmt.Sprintf("token until %s", t.Expires.UTC().Format(time.RFC3339))
}

// GoString keeps %#v from telling secrets.
func (t Token) GoString() string { return t.String() }

// LogValue keeps logs from telling secrets.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// valid says that a token can be used and need not be renewed yet.
func (t Token) valid(now time.Time) bool {
	return t.Access != "" && (t.Renew.IsZero() || now.Before(t.Renew))
}

// unexpired says that a token can be used.
func (t Token) unexpired(now time.Time) bool {
	return t.Access != "" && (t.Expires.IsZero() || now.Before(t.Expires))
}

// setLifetime sets the times of a token that lives for so many seconds from when it
// was asked for. It is renewed when a tenth of its life, at most five minutes,
// is left.
func (t *Token) setLifetime(asked time.Time, seconds int64) {
	if seconds <= 0 {
		return
	}
	life := time.Duration(seconds) * time.Second
	t.Expires = asked.Add(life)
	t.Renew = t.Expires.Add(-min(life/10, 5*time.Minute))
}

// Entry is what the vault keeps of a connection.
type Entry struct {
	Connection string
	// Settings are what connect was told and found out; nil where the
	// configuration alone says what the connection is.
	Settings *Settings
	// AuthName is the name of the app's Auth that connect used, Made when.
	AuthName    string
	ConnectedAt time.Time
	// DisplayName is a name for people, of the account or of who authorised.
	DisplayName string
	Token       Token
	// SeedHash is the hash of the configured refresh token that Token began with.
	SeedHash string
	// RefreshBegun is when a refresh was begun whose end is not kept: Token.Refresh
	// may be spent.
	RefreshBegun time.Time
	// Broken says why the connection cannot be used until somebody mends it.
	Broken *Broken
	// FormerNames are names that it had.
	FormerNames []string
	// WebhookSecrets are the secrets of webhooks registered for it, by their keys.
	WebhookSecrets map[string]string
}

// Broken is why a connection cannot be used.
type Broken struct {
	Reason string    `json:"said"` // in the vendor's words where it said something
	At     time.Time `json:"at"`
	// CredentialHash is the hash of the credentials that were refused: others are tried.
	CredentialHash string `json:"of,omitempty"`
}

// String names the entry and tells no secret.
func (e Entry) String() string { return fmt.Sprintf("what is kept of connection %q", e.Connection) }

// GoString keeps %#v from telling secrets.
func (e Entry) GoString() string { return e.String() }

// LogValue keeps logs from telling secrets.
func (e Entry) LogValue() slog.Value { return slog.StringValue(e.String()) }

// MarshalText keeps encoders from telling secrets.
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

// rename gives an entry another name and remembers the old one.
func (e *Entry) rename(name string) {
	e.FormerNames = append(slices.DeleteFunc(e.FormerNames, func(old string) bool { return old == name || old == e.Connection }), e.Connection)
	e.Connection = name
	if e.Settings != nil {
		e.Settings.Name = name
	}
}
