package config

import (
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Connection has the settings of one connection. References are replaced by the
// values that they refer to.
type Connection struct {
	// Name is "highlevel" or "highlevel/paris".
	Name    string
	Account string
	// As names one of the app's Variants; empty for the usual kind of connection.
	As string
	// Parent is the connection whose webhooks and tokens are used for this one too.
	Parent  string
	BaseURL string // replaces the app's
	// Credentials has the fields that one of the app's Auth needs, and for OAuth
	// client_id, client_secret and refresh_token.
	Credentials map[string]string
	// These replace the app's.
	AuthorizeURL, TokenURL, RevokeURL string
	// WebhookSecret is the secret that this connection's webhooks are signed with.
	// WebhookKeys has public keys (PEM) that replace the vendor's, by the name of
	// the signature. Signatures names signatures that are accepted only if they are
	// listed here.
	WebhookSecret string
	WebhookKeys   map[string]string
	Signatures    []string
	// Scopes are the scopes of the token. If they are empty, those that the vendor
	// granted are used; if it named none, no scope is checked.
	Scopes   []string
	ReadOnly bool
	Checks   string // "", "warn" or "off"
	Timeout  time.Duration
	// Poll is the interval at which its lists are read for changes, and Reconcile
	// the interval at which they are read for what webhooks lost: Off for never,
	// zero for the app's interval, or for never if the app has none. The first poll
	// makes events of what changed after Since.
	Poll, Reconcile time.Duration
	Since           time.Time
	// Webhooks is "auto" if the engine registers at the vendor the webhooks that
	// scripts use, and "" or "manual" if a command does that.
	Webhooks string
}

// anAddress is the Expected of URLs.
const anAddress = "an address"

// connectionSettings are the settings that every connection may have. All others
// are credentials, whose names are in the app's data.
var connectionSettings = []row[Connection]{
	{Setting{Name: "account", Kind: Text, Flag: "--account", Live: true,
		Expected: "text", Help: "account, where the vendor does not return it"},
		func(c *Connection) any { return &c.Account }},
	{Setting{Name: "as", Kind: Text, Flag: "--as", Live: true,
		Expected: "the name of a kind of connection", Help: "kind of connection, where it is not the usual one (company, user)"},
		func(c *Connection) any { return &c.As }},
	{Setting{Name: "parent", Kind: Text, Flag: "--parent", Live: true,
		Expected: "the name of a connection", Help: "connection whose tokens serve this account too"},
		func(c *Connection) any { return &c.Parent }},
	{Setting{Name: "base_url", Kind: URL, Flag: "--base-url", Live: true,
		Expected: anAddress, Help: "address of the app's API instead of the vendor's"},
		func(c *Connection) any { return &c.BaseURL }},
	{Setting{Name: "authorize_url", Kind: URL, Flag: "--authorize-url", Live: true,
		Expected: anAddress, Help: "address of its consent page"},
		func(c *Connection) any { return &c.AuthorizeURL }},
	{Setting{Name: "token_url", Kind: URL, Flag: "--token-url", Live: true,
		Expected: anAddress, Help: "address that returns tokens"},
		func(c *Connection) any { return &c.TokenURL }},
	{Setting{Name: "revoke_url", Kind: URL, Flag: "--revoke-url", Live: true,
		Expected: anAddress, Help: "address that ends tokens"},
		func(c *Connection) any { return &c.RevokeURL }},
	{Setting{Name: "read_only", Kind: Bool, Default: "false", Flag: "--read-only", Live: true,
		Expected: "true or false", Help: "refuse every call that changes something; connect asks for scopes that read"},
		func(c *Connection) any { return &c.ReadOnly }},
	{Setting{Name: "webhook_secret", Kind: Text, Secret: true, Live: true,
		Expected: "text", Help: "secret that its webhooks are signed with"},
		func(c *Connection) any { return &c.WebhookSecret }},
	{Setting{Name: "webhook_keys", Kind: Map,
		Expected: "keys by the name of their signature", Help: "public keys (PEM) instead of the vendor's, by signature"},
		func(c *Connection) any { return &c.WebhookKeys }},
	{Setting{Name: "signatures", Kind: List,
		Expected: "a list of names", Help: "further signatures to accept"},
		func(c *Connection) any { return &c.Signatures }},
	{Setting{Name: "webhooks", Kind: Choice, Choices: []string{"auto", "manual"}, Default: "manual",
		Expected: "auto or manual", Help: "auto registers webhooks at the vendor as scripts want them"},
		func(c *Connection) any { return &c.Webhooks }},
	{Setting{Name: "scopes", Kind: List,
		Expected: "a list of scopes", Help: "scopes that the token has, where the vendor does not return them"},
		func(c *Connection) any { return &c.Scopes }},
	{Setting{Name: "checks", Kind: Choice, Choices: []string{"warn", "off"},
		Expected: "warn or off", Help: "what happens to arguments that the catalogue does not allow; without it they are refused"},
		func(c *Connection) any { return &c.Checks }},
	{Setting{Name: "timeout", Kind: Duration,
		Expected: "a length of time such as 30s", Help: "how long one request may take"},
		func(c *Connection) any { return &c.Timeout }},
	{Setting{Name: "poll", Kind: Duration,
		Expected: "a length of time such as 5m, or off", Help: "how often its lists are read for changes; off: never"},
		func(c *Connection) any { return &c.Poll }},
	{Setting{Name: "reconcile", Kind: Duration,
		Expected: "a length of time such as 1h, or off", Help: "how often its lists are read for what webhooks lost"},
		func(c *Connection) any { return &c.Reconcile }},
	{Setting{Name: "since", Kind: Time,
		Expected: "a date such as 2026-01-31, or a time such as 2026-01-31T09:00:00Z", Help: "the first poll makes events of what changed since then"},
		func(c *Connection) any { return &c.Since }},
}

// ConnectionNames returns the names of the settings that every connection may
// have.
func ConnectionNames() []string { return names(connectionSettings, "") }

// Fields yields the settings that every connection may have, each with a pointer
// to its value in c.
func (c *Connection) Fields() iter.Seq2[Setting, any] {
	return func(yield func(Setting, any) bool) {
		for _, r := range connectionSettings {
			if !yield(r.Setting, r.at(c)) {
				return
			}
		}
	}
}

// String returns the name, the account and the names of the credentials, and no
// secret.
func (c Connection) String() string {
	fields := strings.Join(slices.Sorted(maps.Keys(c.Credentials)), ", ")
	if fields == "" {
		fields = "none"
	}
	return fmt.Sprintf("connection %q (account %q, credentials: %s)", c.Name, c.Account, fields)
}

// GoString keeps secrets out of %#v.
func (c Connection) GoString() string { return c.String() }

// LogValue keeps secrets out of logs.
func (c Connection) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText keeps secrets out of what encoders write.
func (c Connection) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Or returns c with settings of other, which the vault or the file has, where c
// does not have them. Each Live setting and each credential is taken from other
// only if it is not set in c.
func (c Connection) Or(other Connection) Connection {
	for _, r := range connectionSettings {
		if !r.Live {
			continue
		}
		switch into := r.at(&c).(type) {
		case *string:
			if *into == "" {
				*into = *r.at(&other).(*string)
			}
		case *bool:
			*into = *into || *r.at(&other).(*bool)
		}
	}
	credentials := map[string]string{}
	maps.Copy(credentials, other.Credentials)
	maps.Copy(credentials, c.Credentials)
	if len(credentials) > 0 {
		c.Credentials = credentials
	}
	return c
}

// StoredConnection is a Connection as the vault stores it: JSON of its Live
// settings and its credentials, secrets included, without its name.
type StoredConnection Connection

// MarshalJSON writes what the vault encrypts.
func (s StoredConnection) MarshalJSON() ([]byte, error) {
	members := map[string]any{}
	for _, r := range connectionSettings {
		switch value := r.at((*Connection)(&s)).(type) {
		case *string:
			if r.Live && *value != "" {
				members[r.Name] = *value
			}
		case *bool:
			if r.Live && *value {
				members[r.Name] = true
			}
		}
	}
	if len(s.Credentials) > 0 {
		members[credentials] = s.Credentials
	}
	return json.Marshal(members)
}

// UnmarshalJSON reads what MarshalJSON wrote. It ignores unknown names.
func (s *StoredConnection) UnmarshalJSON(text []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	for _, r := range connectionSettings {
		if raw, found := members[r.Name]; found && r.Live {
			if err := json.Unmarshal(raw, r.at((*Connection)(s))); err != nil {
				return err
			}
		}
	}
	if raw, found := members[credentials]; found {
		return json.Unmarshal(raw, &s.Credentials)
	}
	return nil
}

// credentials is the member of the JSON of a StoredConnection that has them.
const credentials = "credentials"
