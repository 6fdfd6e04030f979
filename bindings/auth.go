package bindings

import (
	"slices"
	"strings"
	"time"
)

// Auth is one way to authorise a call.
type Auth struct {
	// Name is unique among the ways of the app: "oauth", "token".
	Name string
	// Title is its name for people, in a list to choose from: "private
	// integration token". Empty: Name.
	Title string
	// Help is one sentence about where the vendor shows the Fields.
	Help string
	// Fields are the settings that a connection needs for it. All are secrets
	// except the OAuth client_id and those in Plain.
	Fields []string
	// Plain are those of Fields and Optional that are no secrets: "tenant".
	Plain []string
	// Addresses are those of Fields and Optional that are whole addresses and
	// secrets, for Operation.Address. A way whose Fields are all Addresses
	// authorises no other operation, and has no Header.
	Addresses []string
	// Header is the header that is sent, and Format its value: {field} is
	// replaced by a setting, {access_token} by the token of OAuth, and
	// {base64:a:b} by the settings a and b with a colon between them, in
	// base64. Query is the parameter for the value if no header is sent.
	Header string
	Query  string
	Format string
	// Extra are the formats of further headers, which token requests have too.
	// A header is sent if the connection has the settings in its format; those
	// settings are Optional.
	Extra    map[string]string
	Optional []string
	// Defaults are the values of Optional settings that a connection leaves out.
	Defaults map[string]string
	OAuth    *OAuth
}

// OAuth is how tokens are obtained. Fields of requests have the names of RFC
// 6749 by default. In its addresses {field} is replaced by a setting of the
// connection: https://login.example/{tenant}/authorize.
type OAuth struct {
	// AuthorizeURL is the address for a person's browser. AuthorizeParams are
	// sent there in addition to client_id, redirect_uri, response_type, scope
	// and state: access_type=offline. Empty with ClientCredentials.
	AuthorizeURL    string
	AuthorizeParams map[string]string
	// PKCE is set if the vendor accepts a code challenge (RFC 7636, S256). It
	// is not sent otherwise, because some vendors refuse unknown parameters.
	PKCE bool
	// HTTPSRedirect is set if the vendor refuses redirect addresses with http,
	// even on the person's own machine.
	HTTPSRedirect bool
	Scopes        Scopes

	TokenURL string
	// TokenParams are sent with every token request.
	TokenParams map[string]string
	// TokenAuth is how client_id and client_secret are sent to TokenURL.
	TokenAuth TokenAuth
	// ClientCredentials is set if the vendor issues a token for client_id and
	// client_secret alone, without a person and without a refresh token.
	ClientCredentials bool
	// Answer has the paths in the answer of TokenURL.
	Answer Answer

	// Rotates is set if each refresh returns a new refresh token and revokes
	// the old one.
	Rotates bool
	// Grace is how long after its first use an old refresh token is still
	// accepted, so that tokens can be read again after a crash between an
	// answer and its storing. Zero: it is refused at once.
	Grace time.Duration
	// Expired are codes at Errors.Code that mean that the access token has
	// expired, whatever the status. A 401 always means it.
	Expired []string

	// RevokeURL revokes a token (RFC 7009); empty if the vendor has no such
	// address. The refresh token is sent if there is one, or the access token
	// if RevokeAccess is set.
	RevokeURL    string
	RevokeAccess bool

	// Exchange is how a parent's token is exchanged for the token of a child
	// account; nil if that is not possible.
	Exchange *Exchange
	// Reconnect is how new tokens are issued without a person after the last
	// ones were lost; nil if a person has to authorise again.
	Reconnect *Reconnect
}

// TokenAuth is how a client authenticates at a token endpoint.
type TokenAuth string

// The ways of RFC 6749, section 2.3.1.
const (
	InParams TokenAuth = ""      // client_id and client_secret in the form
	InHeader TokenAuth = "basic" // in an Authorization header
)

// Scopes are the permissions that are requested. A scope is a word of the
// vendor, as in the scopes of operations and triggers.
type Scopes struct {
	// Param is the parameter for them, default "scope"; Separator is between
	// them, default " ".
	Param     string
	Separator string
	// Always are requested in addition to all others: offline_access.
	Always []string
	// Default is the set that connect offers first, ReadOnly that of
	// --read-only. Empty: the scopes that the present scripts need.
	Default  []string
	ReadOnly []string
}

// Answer has paths in the answer of a token request.
type Answer struct {
	// Within is the path of the object with access_token, refresh_token,
	// expires_in and scope; empty: the answer itself. The other paths begin at
	// the answer.
	Within string
	// Account is the path of the account that the token is for, Parent that of
	// the account's parent. An answer with a parent and no account has a token
	// of the parent.
	Account string
	Parent  string
	// Name are paths of names for people, of the account or of the person who
	// authorised.
	Name []string
}

// Exchange is the request for a location's token with a company's token.
type Exchange struct {
	URL    string            // a path below BaseURL
	Fields map[string]string // form field to {parent} or {account}
	Header map[string]string // further headers
}

// Reconnect is a request with the client's own credentials that returns an
// authorisation code for an account in which the app is installed. It is sent
// after a crash between a refresh and its storing, and never if a person
// removed the app.
type Reconnect struct {
	URL string // a path below BaseURL
	// Fields are sent as JSON: {client_id}, {client_secret} and {account} are
	// replaced by those of the connection. ParentFields are sent for a parent's
	// account.
	Fields, ParentFields map[string]string
	// Code is the path of the code in the answer.
	Code string
}

// Variant is another kind of connection than the app's usual one, selected with
// --as: a company's instead of a location's, a person's instead of a bot's.
type Variant struct {
	Name string // one word: "company"
	// Parent is set if its accounts are parents of those of the usual kind. A
	// connection that is the parent of another is of this kind without --as.
	Parent bool
	// The fields below that are not empty replace those of OAuth.
	ScopeParam  string
	Scopes      []string          // instead of Default
	ReadOnly    []string          // goes with Scopes
	TokenParams map[string]string // each replaces one of OAuth, or is added
	Within      string
	Test        *Test
}

// Test is an operation whose answer has the account of a connection.
type Test struct {
	// Operation is "group.operation"; it is read-only.
	Operation string
	// Args are its arguments; {account} is replaced by the connection's
	// account, which then has to be known before.
	Args map[string]string
	// Account is the path of the account's id in the answer, empty if the
	// answer does not have it; Name are paths of names for people.
	Account string
	Name    []string
	// Scopes is the header of the answer with the granted scopes.
	Scopes string
	// Others are further operations that only read and need no argument but the
	// account. The first that is allowed is called on a connection whose scopes
	// do not allow Operation; its answer is not read.
	Others []string
}

// Variant finds a variant by its name. None has an empty name.
func (a *App) Variant(name string) (*Variant, bool) {
	i := slices.IndexFunc(a.Variants, func(v Variant) bool { return v.Name == name })
	if name == "" || i < 0 {
		return nil, false
	}
	return &a.Variants[i], true
}

// ParentVariant returns the variant with Parent set, nil if the app
// has none.
func (a *App) ParentVariant() *Variant {
	i := slices.IndexFunc(a.Variants, func(v Variant) bool { return v.Parent })
	if i < 0 {
		return nil
	}
	return &a.Variants[i]
}

// Join returns scopes as the value of Param.
func (s Scopes) Join(scopes []string) string {
	separator := s.Separator
	if separator == "" {
		separator = " "
	}
	return strings.Join(scopes, separator)
}

// SplitScopes reads a list of scopes, with commas or blanks between them.
func SplitScopes(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// Secret reports whether a setting of this way is a secret.
func (a *Auth) Secret(field string) bool {
	return field != "client_id" && !slices.Contains(a.Plain, field)
}
