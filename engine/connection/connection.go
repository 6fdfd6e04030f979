package connection

// The parts of the package as others use them:
//
//	func New(Config) (*Set, error)              // every bad setting named, all at once
//	func (*Set) Get(name string) (*Connection, bool)
//	func (*Set) All() []*Connection             // sorted by name
//	func (*Set) OfApp(app string) []*Connection
//	func (*Set) ByAccount(app, account string) (*Connection, bool)
//	func (*Set) Resolve(app, wanted, event string) (*Connection, error)
//	      // the connection of a call: CONTRACT section 1; event is the event's connection
//	func (*Connection) Authorize(ctx, h http.Header) error
//	func (*Connection) Expire(ctx, token string)   // the vendor refused this token
//	func (*Connection) WebhookSecret() string

import "time"

// Settings are what configuration says of one connection. Every value is
// already opened: no ${ENV} and no file reference is left.
type Settings struct {
	// Name is "highlevel" or "highlevel/paris".
	Name    string
	Account string
	// Parent is the connection whose webhooks and tokens serve this one too.
	Parent  string
	BaseURL string // instead of the app's
	// Credentials are the fields that one of the app's Auth needs, and for
	// OAuth client_id, client_secret, refresh_token.
	Credentials map[string]string
	TokenURL    string // instead of the app's
	// WebhookSecret is what this connection's webhooks are signed with,
	// WebhookKeys replaces the vendor's public keys by signature name (PEM),
	// Signatures names opt-in signatures to accept.
	WebhookSecret string
	WebhookKeys   map[string]string
	Signatures    []string
	// Scopes that the token has, when known; empty: not checked.
	Scopes   []string
	ReadOnly bool
	Checks   string // "", "warn" or "off"
	Timeout  time.Duration
}
