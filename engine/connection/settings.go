package connection

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Settings are what configuration says of one connection. Every value is
// already opened: no ${ENV} and no file reference is left.
type Settings struct {
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
	// Scopes that the token has; empty: those that the vendor said it granted,
	// and where it said nothing no scope is checked.
	Scopes   []string
	ReadOnly bool
	Checks   string // "", "warn" or "off"
	Timeout  time.Duration
	// Poll is how often its lists are looked at, and Reconcile how often for
	// what webhooks lost: zero as the app says, or not at all; or Off. Since is
	// from when on the first look tells what changed.
	Poll, Reconcile time.Duration
	Since           time.Time
	// Webhooks is "auto" where they are registered at the vendor as scripts
	// want them, and "" or "manual" where that is done when somebody says so.
	Webhooks string
}

// String names the settings and tells no secret.
func (s Settings) String() string {
	fields := slices.Sorted(maps.Keys(s.Credentials))
	return fmt.Sprintf("connection %q (account %q, credentials: %s)", s.Name, s.Account, orNone(fields))
}

// GoString keeps %#v from telling secrets.
func (s Settings) GoString() string { return s.String() }

// LogValue keeps logs from telling secrets.
func (s Settings) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps encoders from telling secrets.
func (s Settings) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func orNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// Over gives settings that stand over others, such as those that the vault keeps, one by one.
// Credentials are taken together: those kept fill up what is not given here.
func (s Settings) Over(kept Settings) Settings {
	for _, field := range []struct{ at, kept *string }{
		{&s.Account, &kept.Account}, {&s.As, &kept.As}, {&s.Parent, &kept.Parent}, {&s.BaseURL, &kept.BaseURL},
		{&s.AuthorizeURL, &kept.AuthorizeURL}, {&s.TokenURL, &kept.TokenURL}, {&s.RevokeURL, &kept.RevokeURL},
		{&s.WebhookSecret, &kept.WebhookSecret},
	} {
		if *field.at == "" {
			*field.at = *field.kept
		}
	}
	credentials := map[string]string{}
	maps.Copy(credentials, kept.Credentials)
	maps.Copy(credentials, s.Credentials)
	if len(credentials) > 0 {
		s.Credentials = credentials
	}
	s.ReadOnly = s.ReadOnly || kept.ReadOnly
	return s
}
