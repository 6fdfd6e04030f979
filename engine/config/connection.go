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

// Connection holds the settings of one connection. References are replaced by
// what they refer to.
type Connection struct {
	// Name is "highlevel" or "highlevel/paris".
	Name    string
	Account string
	// As names one of the app's Variants; empty: the usual kind of connection.
	As string
	// Parent is the connection whose webhooks and tokens serve this one too.
	Parent  string
	BaseURL string // instead of the app's
	// Credentials are the fields that one of the app's Auth needs, and for
	// OAuth client_id, client_secret, refresh_token.
	Credentials map[string]string
	// Instead of the app's.
	AuthorizeURL, TokenURL, RevokeURL string
	// WebhookSecret is what this connection's webhooks are signed with,
	// WebhookKeys replaces the vendor's public keys by signature name (PEM),
	// Signatures names opt-in signatures to accept.
	WebhookSecret string
	WebhookKeys   map[string]string
	Signatures    []string
	// Scopes that the token has; empty: those that the vendor granted, and
	// where it named none no scope is checked.
	Scopes   []string
	ReadOnly bool
	Checks   string // "", "warn" or "off"
	Timeout  time.Duration
	// Poll is how often its lists are read, and Reconcile how often for what
	// webhooks lost: zero as the app says, or not at all; or Off. Since is the
	// time from which on the first poll makes events of changes.
	Poll, Reconcile time.Duration
	Since           time.Time
	// Webhooks is "auto" where they are registered at the vendor as scripts
	// want them, and "" or "manual" where a command does that.
	Webhooks string
}

const address = "an address"

// ofConnection are the settings that every connection may have; others are
// credentials, named by the app.
var ofConnection = []row[Connection]{
	{Setting{Name: "account", Kind: Text, Flag: "--account", Live: true,
		Expected: "text", Help: "account, where the vendor does not tell it"},
		func(c *Connection) any { return &c.Account }},
	{Setting{Name: "as", Kind: Text, Flag: "--as", Live: true,
		Expected: "the name of a kind of connection", Help: "kind of connection, where it is not the usual one (company, user)"},
		func(c *Connection) any { return &c.As }},
	{Setting{Name: "parent", Kind: Text, Flag: "--parent", Live: true,
		Expected: "the name of a connection", Help: "connection whose tokens serve this account too"},
		func(c *Connection) any { return &c.Parent }},
	{Setting{Name: "base_url", Kind: Address, Flag: "--base-url", Live: true,
		Expected: address, Help: "address of the app's API instead of the vendor's"},
		func(c *Connection) any { return &c.BaseURL }},
	{Setting{Name: "authorize_url", Kind: Address, Flag: "--authorize-url", Live: true,
		Expected: address, Help: "address of its consent page"},
		func(c *Connection) any { return &c.AuthorizeURL }},
	{Setting{Name: "token_url", Kind: Address, Flag: "--token-url", Live: true,
		Expected: address, Help: "address that gives tokens"},
		func(c *Connection) any { return &c.TokenURL }},
	{Setting{Name: "revoke_url", Kind: Address, Flag: "--revoke-url", Live: true,
		Expected: address, Help: "address that ends tokens"},
		func(c *Connection) any { return &c.RevokeURL }},
	{Setting{Name: "read_only", Kind: Truth, Default: "false", Flag: "--read-only", Live: true,
		Expected: "true or false", Help: "refuse every call that changes something; connect asks for scopes that read"},
		func(c *Connection) any { return &c.ReadOnly }},
	{Setting{Name: "webhook_secret", Kind: Text, Secret: true, Live: true,
		Expected: "text", Help: "secret that its webhooks are signed with"},
		func(c *Connection) any { return &c.WebhookSecret }},
	{Setting{Name: "webhook_keys", Kind: Names,
		Expected: "keys by the name of their signature", Help: "public keys (PEM) instead of the vendor's, by signature"},
		func(c *Connection) any { return &c.WebhookKeys }},
	{Setting{Name: "signatures", Kind: List,
		Expected: "a list of names", Help: "further signatures to accept"},
		func(c *Connection) any { return &c.Signatures }},
	{Setting{Name: "webhooks", Kind: Choice, Choices: []string{"auto", "manual"}, Default: "manual",
		Expected: "auto or manual", Help: "auto registers webhooks at the vendor as scripts want them"},
		func(c *Connection) any { return &c.Webhooks }},
	{Setting{Name: "scopes", Kind: List,
		Expected: "a list of scopes", Help: "scopes that the token has, where the vendor does not tell them"},
		func(c *Connection) any { return &c.Scopes }},
	{Setting{Name: "checks", Kind: Choice, Choices: []string{"warn", "off"},
		Expected: "warn or off", Help: "what happens to arguments that the catalogue does not allow; without it they are refused"},
		func(c *Connection) any { return &c.Checks }},
	{Setting{Name: "timeout", Kind: Length,
		Expected: "a length of time such as 30s", Help: "how long one request may take"},
		func(c *Connection) any { return &c.Timeout }},
	{Setting{Name: "poll", Kind: Length,
		Expected: "a length of time such as 5m, or off", Help: "how often its lists are read for changes; off: never"},
		func(c *Connection) any { return &c.Poll }},
	{Setting{Name: "reconcile", Kind: Length,
		Expected: "a length of time such as 1h, or off", Help: "how often its lists are read for what webhooks lost"},
		func(c *Connection) any { return &c.Reconcile }},
	{Setting{Name: "since", Kind: Moment,
		Expected: "a date such as 2026-01-31, or a time such as 2026-01-31T09:00:00Z", Help: "the first poll makes events of what changed since then"},
		func(c *Connection) any { return &c.Since }},
}

// ConnectionNames are the names of the settings that every connection may have.
func ConnectionNames() []string { return names(ofConnection, "") }

// Fields are the settings that every connection may have, each with a pointer
// to its value in c.
func (c *Connection) Fields() iter.Seq2[Setting, any] {
	return func(yield func(Setting, any) bool) {
		for _, r := range ofConnection {
			if !yield(r.Setting, r.at(c)) {
				return
			}
		}
	}
}

// String names the settings and shows no secret.
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

// Over gives c with settings that the vault keeps where c has none, one by one.
// Credentials are taken together: those kept fill up what is not given here.
func (c Connection) Over(kept Connection) Connection {
	for _, r := range ofConnection {
		if !r.Live {
			continue
		}
		switch into := r.at(&c).(type) {
		case *string:
			if *into == "" {
				*into = *r.at(&kept).(*string)
			}
		case *bool:
			*into = *into || *r.at(&kept).(*bool)
		}
	}
	credentials := map[string]string{}
	maps.Copy(credentials, kept.Credentials)
	maps.Copy(credentials, c.Credentials)
	if len(credentials) > 0 {
		c.Credentials = credentials
	}
	return c
}

// Kept is a Connection as the vault keeps it: JSON of its Live settings and its
// credentials, secrets included, without its name.
type Kept Connection

// MarshalJSON writes what the vault encrypts.
func (k Kept) MarshalJSON() ([]byte, error) {
	members := map[string]any{}
	for _, r := range ofConnection {
		switch value := r.at((*Connection)(&k)).(type) {
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
	if len(k.Credentials) > 0 {
		members[credentials] = k.Credentials
	}
	return json.Marshal(members)
}

// UnmarshalJSON reads what MarshalJSON wrote; names that it does not have are
// passed over.
func (k *Kept) UnmarshalJSON(text []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	for _, r := range ofConnection {
		if raw, found := members[r.Name]; found && r.Live {
			if err := json.Unmarshal(raw, r.at((*Connection)(k))); err != nil {
				return err
			}
		}
	}
	if raw, found := members[credentials]; found {
		return json.Unmarshal(raw, &k.Credentials)
	}
	return nil
}

// credentials is the member of Kept that holds them.
const credentials = "credentials"
