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

// good says that a token can be used and need not be renewed yet.
func (t Token) good(now time.Time) bool {
	return t.Access != "" && (t.Renew.IsZero() || now.Before(t.Renew))
}

// alive says that a token can be used.
func (t Token) alive(now time.Time) bool {
	return t.Access != "" && (t.Expires.IsZero() || now.Before(t.Expires))
}

// lived sets the times of a token that lives for so many seconds from when it
// was asked for. It is renewed when a tenth of its life, at most five minutes,
// is left.
func (t *Token) lived(asked time.Time, seconds int64) {
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
	// Way is the name of the app's Auth that connect used, Made when.
	Way  string
	Made time.Time
	// Who is a name for people, of the account or of who authorised.
	Who   string
	Token Token
	// Seed is the hash of the configured refresh token that Token began with.
	Seed string
	// Begun is when a refresh was begun whose end is not kept: Token.Refresh
	// may be spent.
	Begun time.Time
	// Broken says why the connection cannot be used until somebody mends it.
	Broken *Broken
	// Formerly are names that it had.
	Formerly []string
	// Hooks are the secrets of webhooks registered for it, by their keys.
	Hooks map[string]string
}

// Broken is why a connection cannot be used.
type Broken struct {
	Said string    `json:"said"` // in the vendor's words where it said something
	At   time.Time `json:"at"`
	// Of is the hash of the credentials that were refused: others are tried.
	Of string `json:"of,omitempty"`
}

// String names the entry and tells no secret.
func (e Entry) String() string { return fmt.Sprintf("what is kept of connection %q", e.Connection) }

// GoString keeps %#v from telling secrets.
func (e Entry) GoString() string { return e.String() }

// LogValue keeps logs from telling secrets.
func (e Entry) LogValue() slog.Value { return slog.StringValue(e.String()) }

// MarshalText keeps encoders from telling secrets.
func (e Entry) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// sealed is an Entry as it is encrypted.
type sealed struct {
	Connection string `json:"connection"`
	Token
	Seed     string            `json:"seed,omitempty"`
	Begun    time.Time         `json:"begun,omitzero"`
	Broken   *Broken           `json:"broken,omitempty"`
	Way      string            `json:"way,omitempty"`
	Made     time.Time         `json:"made,omitzero"`
	Who      string            `json:"who,omitempty"`
	Formerly []string          `json:"formerly,omitempty"`
	Settings *config.Kept      `json:"settings,omitempty"`
	Hooks    map[string]string `json:"hooks,omitempty"`
}

func (e Entry) seal() ([]byte, error) {
	return json.Marshal(sealed{e.Connection, e.Token, e.Seed, e.Begun, e.Broken, e.Way, e.Made, e.Who, e.Formerly, (*config.Kept)(e.Settings), e.Hooks})
}

func unseal(text []byte) (*Entry, error) {
	var s sealed
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	e := &Entry{Connection: s.Connection, Settings: (*Settings)(s.Settings), Way: s.Way, Made: s.Made, Who: s.Who, Token: s.Token, Seed: s.Seed,
		Begun: s.Begun, Broken: s.Broken, Formerly: s.Formerly, Hooks: s.Hooks}
	if e.Settings != nil {
		e.Settings.Name = s.Connection
	}
	return e, nil
}

// rename gives an entry another name and remembers the old one.
func (e *Entry) rename(name string) {
	e.Formerly = append(slices.DeleteFunc(e.Formerly, func(old string) bool { return old == name || old == e.Connection }), e.Connection)
	e.Connection = name
	if e.Settings != nil {
		e.Settings.Name = name
	}
}
