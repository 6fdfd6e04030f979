package bindings

import (
	"slices"
	"strings"
	"time"
)

// Auth is one way to authorise a call.
type Auth struct {
	// Name tells it from the others of the app: "oauth", "token".
	Name string
	// Title is what people call it, for a list to choose from: "private
	// integration token". Empty: the name.
	Title string
	// Help says in one sentence where at the vendor the Fields are found.
	Help string
	// Fields are the settings of a connection that it needs; all are secrets
	// except the OAuth client_id and those in Plain.
	Fields []string
	// Plain are those of Fields and Optional that are no secret: "tenant".
	Plain []string
	// Addresses are those of Fields and Optional that are whole addresses and
	// secret themselves, for Operation.Address. A way that has nothing else for
	// Fields authorises no other operation, and has no Header.
	Addresses []string
	// Header and Format say what is sent; {field} stands for a setting,
	// {access_token} for the token that OAuth gave, and {base64:a:b} for the
	// settings a and b with a colon between them, in base64. Query is the
	// parameter that takes it where no header does.
	Header string
	Query  string
	Format string
	// Extra are headers sent too, token requests included, where the
	// connection has the settings that their formats name; those settings are
	// Optional.
	Extra    map[string]string
	Optional []string
	// Defaults are the values of Optional settings that are left out.
	Defaults map[string]string
	OAuth    *OAuth
}

// OAuth says where tokens come from. Names of fields in requests are those of
// RFC 6749 where nothing else is said. In its addresses {field} stands for a
// setting of the connection: https://login.example/{tenant}/authorize.
type OAuth struct {
	// AuthorizeURL is where a person's browser is sent, AuthorizeParams what
	// goes there beside client_id, redirect_uri, response_type, scope and
	// state: access_type=offline. Empty with ClientCredentials.
	AuthorizeURL    string
	AuthorizeParams map[string]string
	// PKCE says that the vendor takes a code challenge (RFC 7636, S256). It
	// is left out where a vendor refuses parameters that it does not know.
	PKCE bool
	// HTTPSRedirect says that the vendor takes no redirect address with http,
	// not even on the person's own machine.
	HTTPSRedirect bool
	Scopes        Scopes

	TokenURL string
	// TokenParams are sent with every token request.
	TokenParams map[string]string
	// TokenAuth says how client_id and client_secret are sent to TokenURL.
	TokenAuth TokenAuth
	// ClientCredentials says that a token is given for client_id and
	// client_secret alone, with no person and no refresh token.
	ClientCredentials bool
	// Answer says where things stand in what TokenURL answers.
	Answer Answer

	// Rotates says that each refresh answers a new refresh token and ends
	// the old one.
	Rotates bool
	// Grace is how long after its first use a spent refresh token still gives
	// a token: the way back after a crash between an answer and its storing.
	// Zero: it is dead at once.
	Grace time.Duration
	// Expired are codes at Errors.Code that mean that the access token has
	// expired, whatever the status. A 401 means it without being listed.
	Expired []string

	// RevokeURL ends a token (RFC 7009), empty where the vendor has no such
	// thing. It is given the refresh token, if there is one, unless
	// RevokeAccess says that it takes the access token.
	RevokeURL    string
	RevokeAccess bool

	// Exchange gives a token for a child account out of its parent's, nil
	// where there is no such thing.
	Exchange *Exchange
	// Reconnect gives tokens anew where the last ones were lost, without a
	// person; nil where a person has to authorise again.
	Reconnect *Reconnect
}

// TokenAuth is how a client proves itself at a token endpoint.
type TokenAuth string

// The ways of RFC 6749, section 2.3.1.
const (
	InParams TokenAuth = ""      // client_id and client_secret in the form
	InHeader TokenAuth = "basic" // in an Authorization header
)

// Scopes says which permissions are asked for and how. A scope is a word of
// the vendor's, as operations and triggers list it.
type Scopes struct {
	// Param carries them, default "scope"; Separator joins them, default " ".
	Param     string
	Separator string
	// Always are asked for whatever else is: offline_access.
	Always []string
	// Default is the set that connect offers first, ReadOnly that of
	// --read-only. Empty: the scopes that the scripts present need.
	Default  []string
	ReadOnly []string
}

// Answer says where things stand in the answer of a token request, as paths.
type Answer struct {
	// Within is the object that holds access_token, refresh_token, expires_in
	// and scope; empty: the answer itself. The other paths begin at the answer.
	Within string
	// Account is the account that the token is for, Parent the account that
	// it belongs to. With a Parent alone the token is the parent's own.
	Account string
	Parent  string
	// Name are names for people, of the account or of who authorised.
	Name []string
}

// Exchange is the request that turns a company's token into a location's.
type Exchange struct {
	URL    string            // a path below BaseURL
	Fields map[string]string // form field to {parent} or {account}
	Header map[string]string // sent with it
}

// Reconnect is a request with the client's own credentials that answers an
// authorisation code for an account in which the app is installed. It is made
// after a crash between a refresh and its storing, and never where a person
// took the app away.
type Reconnect struct {
	URL string // a path below BaseURL
	// Fields are sent as JSON: {client_id}, {client_secret} and {account} stand
	// for the connection's. ParentFields are sent for a parent's account.
	Fields, ParentFields map[string]string
	// Code is the path of the code in the answer.
	Code string
}

// Variant is another kind of connection than the app's usual one, chosen with
// --as: a company's instead of a location's, a person's instead of a bot's.
type Variant struct {
	Name string // one word: "company"
	// Parent says that its accounts are parents of those of the usual kind. A
	// connection that others name as parent is of this kind without being told.
	Parent bool
	// What is not empty here stands in place of what OAuth says.
	ScopeParam  string
	Scopes      []string          // instead of Default
	ReadOnly    []string          // goes with Scopes
	TokenParams map[string]string // over OAuth's, one by one
	Within      string
	Test        *Test
}

// Test is one harmless operation whose answer says whose a connection is.
type Test struct {
	// Operation is "group.operation"; it reads only.
	Operation string
	// Args are its arguments; {account} stands for the connection's account,
	// which must then be known beforehand.
	Args map[string]string
	// Account is the path of the account's id in the answer, empty where it
	// does not tell; Name are paths of names for people.
	Account string
	Name    []string
	// Scopes is the header of the answer that lists the granted scopes.
	Scopes string
}

// Variant finds a variant by name; the empty name is none.
func (a *App) Variant(name string) (*Variant, bool) {
	i := slices.IndexFunc(a.Variants, func(v Variant) bool { return v.Name == name })
	if name == "" || i < 0 {
		return nil, false
	}
	return &a.Variants[i], true
}

// ParentVariant is the variant of accounts that are parents, nil if the app
// has none.
func (a *App) ParentVariant() *Variant {
	i := slices.IndexFunc(a.Variants, func(v Variant) bool { return v.Parent })
	if i < 0 {
		return nil
	}
	return &a.Variants[i]
}

// Join writes scopes as the vendor wants them.
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

// Secret reports whether a setting of this way holds a secret.
func (a *Auth) Secret(field string) bool {
	return field != "client_id" && !slices.Contains(a.Plain, field)
}
