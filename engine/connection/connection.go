package connection

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Connection is one account of one app. It is safe for concurrent use.
type Connection struct {
	settings   Settings
	app        *bindings.App
	parent     *Connection
	isParent   bool           // others name it as their parent
	auth       *bindings.Auth // nil: the parent's, or an app that asks for none
	entry      *Entry         // its entry in the vault, nil if there is none
	configured bool           // the configuration names it
	*state
}

// Name is "highlevel" or "highlevel/paris".
func (c *Connection) Name() string { return c.settings.Name }

// App is the app that it connects to.
func (c *Connection) App() *bindings.App { return c.app }

// Account is the vendor's id of the account: that of the settings, or else the
// one that the vendor reported since the start. It is empty where none is known.
func (c *Connection) Account() string {
	if c.settings.Account == "" && c.state != nil {
		return c.state.getAccount()
	}
	return c.settings.Account
}

// SetAccount sets the account that the vendor reported, where the settings have
// none. It must come from the answer to a call with the connection's credentials.
func (c *Connection) SetAccount(account string) { c.state.setAccount(account) }

// FetchAccount requests a token where the account is not known and the answer to
// that has it. An error is returned when the call is authorised.
func (c *Connection) FetchAccount() {
	if c.Account() == "" && c.tokens != nil && (c.auth.OAuth.Answer.Account != "" || c.auth.OAuth.Answer.Parent != "") {
		c.tokens.refetch()
	}
}

// Accounts are the ids for calls that pass none: of the account, and of its
// parent as far as that is known. A connection of a parent has no other
// account: its id must never be used as that of a child.
func (c *Connection) Accounts() (account, parent string) {
	if c.IsParent() {
		return "", c.Account()
	}
	if c.parent != nil {
		parent = c.parent.Account()
	}
	return c.Account(), parent
}

// IsParent reports whether its account is the parent of others.
func (c *Connection) IsParent() bool {
	v := c.variant()
	return v != nil && v.Parent
}

// ClientID is the id of the vendor's app that it is a connection of, its own or
// its parent's; empty where none is known.
func (c *Connection) ClientID() string {
	if id := c.settings.Credentials["client_id"]; id != "" || c.parent == nil {
		return id
	}
	return c.parent.ClientID()
}

// Parent is the connection whose tokens and webhooks are used for this one too,
// or nil.
func (c *Connection) Parent() *Connection { return c.parent }

// BaseURL is where calls go, without a slash at its end.
func (c *Connection) BaseURL() string {
	if c.settings.BaseURL != "" {
		return c.settings.BaseURL
	}
	if c.parent != nil {
		return c.parent.BaseURL()
	}
	return c.app.BaseURL
}

// Scopes are those of the token; empty when they are not known.
func (c *Connection) Scopes() []string { return slices.Clone(c.granted()) }

// Granted reports whether the token has a scope, and whether that is known at
// all.
func (c *Connection) Granted(scope string) (granted, known bool) {
	scopes := c.granted()
	return slices.Contains(scopes, scope), len(scopes) > 0
}

// granted returns a slice that must not be changed.
func (c *Connection) granted() []string {
	switch {
	case len(c.settings.Scopes) > 0:
		return c.settings.Scopes
	case c.tokens != nil:
		return c.tokens.scopes()
	case c.auth == nil && c.parent != nil:
		return c.parent.granted()
	case c.entry != nil && c.auth != nil && c.auth.OAuth == nil:
		return c.entry.Token.Scopes
	}
	return nil
}

// FetchScopes fetches a token where there was none yet, so that its scopes are
// known. An error is returned when the call is authorised.
func (c *Connection) FetchScopes(ctx context.Context) {
	switch {
	case c.tokens != nil && c.tokens.neverFetched():
		_, _ = c.tokens.accessToken(ctx)
	case c.auth == nil && c.parent != nil:
		c.parent.FetchScopes(ctx)
	}
}

// variant is the kind of connection that it is, nil for the usual one.
func (c *Connection) variant() *bindings.Variant {
	if v, found := c.app.Variant(c.settings.As); found {
		return v
	}
	if c.isParent {
		return c.app.ParentVariant()
	}
	return nil
}

// Test is the harmless call that reports the account of the connection, nil if
// the app has none.
func (c *Connection) Test() *bindings.Test {
	if v := c.variant(); v != nil && v.Test != nil {
		return v.Test
	}
	return c.app.Test
}

// Problem is why the connection cannot be used, nil if it can as far as is
// known here.
func (c *Connection) Problem() *bindings.Error {
	problem, _, _ := c.currentProblem()
	if problem == nil && c.parent != nil && c.tokens == nil && c.auth == nil {
		return c.parent.Problem()
	}
	return problem
}

// Misconfigured reports whether the connection cannot be used because its settings
// are wrong.
func (c *Connection) Misconfigured() bool {
	_, kind, _ := c.currentProblem()
	return kind == Misconfigured
}

// ReadOnly reports whether only operations that read may be called.
func (c *Connection) ReadOnly() bool { return c.settings.ReadOnly }

// WebhooksAuto reports whether its webhooks are registered at the vendor
// without a command for that.
func (c *Connection) WebhooksAuto() bool { return c.settings.Webhooks == "auto" }

// Checks is "" (a call against the catalogue is an error), "warn" or "off".
func (c *Connection) Checks() string { return c.settings.Checks }

// Timeout bounds one request; zero means the default.
func (c *Connection) Timeout() time.Duration { return c.settings.Timeout }

// Signatures are the opt-in signatures that its webhooks may have.
func (c *Connection) Signatures() []string { return slices.Clone(c.settings.Signatures) }

// WebhookSecret is what its webhooks are signed with, its own or its parent's.
func (c *Connection) WebhookSecret() string {
	if c.settings.WebhookSecret == "" && c.parent != nil {
		return c.parent.WebhookSecret()
	}
	return c.settings.WebhookSecret
}

// WebhookKey is the key that a signature is checked with: the public key that
// the configuration has in place of the vendor's, the vendor's, or the secret.
// It is empty where none is known.
func (c *Connection) WebhookKey(signature bindings.Signature) string {
	for at := c; at != nil; at = at.parent {
		if key := at.settings.WebhookKeys[signature.Name]; key != "" {
			return key
		}
	}
	if signature.Key != "" {
		return signature.Key
	}
	return c.WebhookSecret()
}

// Authorize sets the header that authorises a call. It returns the token to
// pass to Expire, empty where no other credential can be had after a refusal.
// An error is a *bindings.Error, or the context's.
func (c *Connection) Authorize(ctx context.Context, header http.Header) (token string, err error) {
	if problem, _, _ := c.currentProblem(); problem != nil {
		return "", problem
	}
	if c.auth == nil {
		if c.parent != nil {
			return c.parent.Authorize(ctx, header)
		}
		return "", nil
	}
	if c.tokens != nil {
		if token, err = c.tokens.accessToken(ctx); err != nil {
			return "", err
		}
	}
	if c.auth.Header == "" {
		return token, nil // it has an address, or a parameter, and nothing else
	}
	header.Set(c.auth.Header, format(c.auth.Format, c.credentials(), token))
	for name, value := range extraHeaders(c.auth, c.credentials()) {
		header.Set(name, value)
	}
	return token, nil
}

// Query returns the parameter that authorises a request beside its headers,
// both empty where the app wants none.
func (c *Connection) Query() (name, value string) {
	switch {
	case c.auth == nil && c.parent != nil:
		return c.parent.Query()
	case c.auth == nil || c.auth.Query == "":
		return "", ""
	}
	return c.auth.Query, format(c.auth.Format, c.credentials(), "")
}

// Expired reports whether a code that the vendor answered with means that the
// access token has expired.
func (c *Connection) Expired(code string) bool {
	if c.auth == nil && c.parent != nil {
		return c.parent.Expired(code)
	}
	return c.tokens != nil && c.auth.OAuth != nil && slices.Contains(c.auth.OAuth.Expired, code)
}

// credentials are its own, or else its parent's.
func (c *Connection) credentials() map[string]string {
	if len(c.settings.Credentials) == 0 && c.parent != nil {
		return c.parent.credentials()
	}
	return c.settings.Credentials
}

// extraHeaders are the headers of every request, also of token requests, without
// those whose settings are missing.
func extraHeaders(auth *bindings.Auth, credentials map[string]string) map[string]string {
	headers := map[string]string{}
	for name, text := range auth.Extra {
		lacks := func(setting string) bool {
			return credentials[setting] == "" && strings.Contains(text, "{"+setting+"}")
		}
		if !slices.ContainsFunc(auth.Optional, lacks) {
			headers[name] = format(text, credentials, "")
		}
	}
	return headers
}

// Expire discards a token that the vendor refused and that Authorize returned.
// It reports whether Authorize may now return a better one.
func (c *Connection) Expire(token string) bool {
	switch {
	case token == "":
		return false
	case c.tokens != nil:
		return c.tokens.expire(token)
	case c.parent != nil:
		return c.parent.Expire(token)
	}
	return false
}

// Redact removes the connection's secrets from a text.
func (c *Connection) Redact(text string) string {
	for at := c; at != nil; at = at.parent {
		for _, secret := range at.secrets() {
			text = strings.ReplaceAll(text, secret, Redacted)
		}
	}
	return text
}

// Redacted is written in place of a secret.
const Redacted = "[secret]"

// minSecretLength is the length of the shortest secret that Redact removes: a
// shorter text would remove parts of ordinary words.
const minSecretLength = 6

func (c *Connection) secrets() []string {
	all := []string{c.settings.WebhookSecret}
	for name, value := range c.settings.Credentials {
		switch {
		case isAddress(c.app, name):
			all = append(all, addressSecrets(value)...)
		case isSecretField(c.app, name):
			all = append(all, value)
		}
	}
	if c.state != nil && c.tokens != nil {
		all = append(all, c.tokens.secrets()...)
	}
	return slices.DeleteFunc(all, func(s string) bool { return len(s) < minSecretLength })
}

// isSecretField reports whether a credential of an app is a secret.
func isSecretField(app *bindings.App, name string) bool {
	return !slices.ContainsFunc(app.Auth, func(a bindings.Auth) bool { return !a.Secret(name) })
}

// String names the connection and has no secret.
func (c *Connection) String() string { return c.settings.String() }

// GoString has no secret either, for %#v.
func (c *Connection) GoString() string { return c.String() }

// LogValue has no secret either, for logs.
func (c *Connection) LogValue() slog.Value { return slog.StringValue(c.Name()) }

// format replaces {field} and {access_token}.
func format(text string, fields map[string]string, token string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		switch pair, encoded := strings.CutPrefix(name, "base64:"); {
		case encoded:
			user, password, _ := strings.Cut(pair, ":")
			b.WriteString(base64.StdEncoding.EncodeToString([]byte(fields[user] + ":" + fields[password])))
		case name == "access_token" && token != "":
			b.WriteString(token)
		default:
			b.WriteString(fields[name])
		}
		text = after
	}
}
