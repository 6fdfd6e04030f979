package connection

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/config"
)

const refreshToken = "refresh_token"

// chooseAuth chooses how a connection authorises its calls: by the Auth that
// connect used, else by the first of the app's for which it has all fields.
func (b *builder) chooseAuth(c *Connection) {
	if text := b.config.KnownProblems[c.Name()]; text != "" {
		c.setProblem(Misconfigured, broken(c.app.Name, c.Name(), "%s", text), b.config.Clock.Now())
	}
	good := b.checkCredentials(c) && b.checkVariant(c)
	if _, kind, _ := c.currentProblem(); kind == Misconfigured || !good || len(c.app.Auth) == 0 {
		return
	}
	if len(c.settings.Credentials) == 0 && c.settings.Parent != "" {
		b.inheritAuth(c)
		return
	}
	for i := range c.app.Auth {
		auth := &c.app.Auth[i]
		if c.entry != nil && c.entry.AuthName != "" && c.entry.AuthName != auth.Name {
			continue
		}
		if len(b.missingFields(c, auth)) == 0 {
			c.auth = auth
			b.addState(c, auth)
			return
		}
	}
	b.reportMissing(c)
}

// checkCredentials adds problems for credentials that are empty, unknown or
// cannot be sent.
func (b *builder) checkCredentials(c *Connection) bool {
	var known []string
	for _, auth := range c.app.Auth {
		known = append(append(known, requiredFields(&auth)...), auth.Optional...)
	}
	good := true
	for _, name := range slices.Sorted(maps.Keys(c.settings.Credentials)) {
		value := c.settings.Credentials[name]
		switch {
		case !slices.Contains(known, name):
			b.addProblem(c, name, "%s has no such setting%s", c.app.Name, didYouMean(name, append(known, config.ConnectionNames()...)))
		case strings.TrimSpace(value) == "":
			b.addEmpty(c, name)
		case strings.ContainsFunc(value, isControl):
			b.addProblem(c, name, "holds a line break or another control character")
		case isAddress(c.app, name) && addressProblem(value) != "":
			b.addProblem(c, name, "%s", addressProblem(value))
		default:
			continue
		}
		good = false
	}
	return good
}

func (b *builder) checkVariant(c *Connection) bool {
	_, found := c.app.Variant(c.settings.As)
	if c.settings.As == "" || found {
		return true
	}
	var names []string
	for _, v := range c.app.Variants {
		names = append(names, v.Name)
	}
	b.addProblem(c, "as", "%s has no such kind of connection%s; it has %s", c.app.Name, didYouMean(c.settings.As, names), joinOrNone(names))
	return false
}

// requiredFields are the settings that an Auth needs; OAuth starts from a
// refresh token.
func requiredFields(auth *bindings.Auth) []string {
	all := auth.Fields
	if auth.OAuth != nil && !auth.OAuth.ClientCredentials && !slices.Contains(all, refreshToken) {
		all = append(slices.Clone(all), refreshToken)
	}
	return all
}

// missingFields are the settings of an Auth that a connection lacks. A token in
// the vault replaces the refresh token.
func (b *builder) missingFields(c *Connection, auth *bindings.Auth) []string {
	var missing []string
	for _, name := range requiredFields(auth) {
		stored := name == refreshToken && c.entry != nil && (c.entry.Token.Refresh != "" || c.entry.Token.Access != "")
		if c.settings.Credentials[name] == "" && !stored {
			missing = append(missing, name)
		}
	}
	return missing
}

// reportMissing is for a connection that has the fields of no Auth. One that
// only has to be authorised exists, and calls on it get an error; with only
// some of the fields the settings are wrong.
func (b *builder) reportMissing(c *Connection) {
	for i := range c.app.Auth {
		auth := &c.app.Auth[i]
		missing := b.missingFields(c, auth)
		onlyUnauthorised := auth.OAuth != nil && !slices.ContainsFunc(missing, func(name string) bool { return name != refreshToken && name != "client_secret" })
		if len(missing) == len(requiredFields(auth)) || onlyUnauthorised {
			continue
		}
		for _, name := range missing {
			b.addProblem(c, name, "is missing; the way %q needs %s", auth.Name, strings.Join(requiredFields(auth), ", "))
		}
		return
	}
	kind, text := Unconnected, "is not connected yet; connect it with: tidewire connect "+c.Name()
	if err := b.unreadable[c.Name()]; err != nil {
		kind, text = Unreadable, err.Error()
	}
	c.setProblem(kind, broken(c.app.Name, c.Name(), "%s", text), b.config.Clock.Now())
}

// inheritAuth uses the parent's credentials: exchanged for the account's own
// token where the vendor does that, else as they are.
func (b *builder) inheritAuth(c *Connection) {
	if c.parent == nil {
		return // setParent has reported it
	}
	auth := c.parent.auth
	if auth == nil || auth.OAuth == nil || auth.OAuth.Exchange == nil {
		return
	}
	for _, of := range []*Connection{c, c.parent} {
		_, stored := b.entries[of.Name()]
		if of.settings.Account == "" && !(b.checkOnly && stored) {
			b.addProblem(of, "account", "is missing; the token of %q is asked for with it", c.Name())
			return
		}
	}
	c.auth = auth
	c.state = b.stateOf(c, func(s *state) grant { return &exchangeGrant{c: c, http: b.config.httpOf(c.app), clock: b.config.Clock} })
}

// addState sets the state of a connection that has all fields of an Auth.
func (b *builder) addState(c *Connection, auth *bindings.Auth) {
	switch {
	case auth.OAuth == nil:
		c.state = b.stateOf(c, nil)
	case b.checkOnly:
	case auth.OAuth.ClientCredentials:
		client := newTokenClient(c, auth, b.config.httpOf(c.app), b.config.Clock)
		c.state = b.stateOf(c, func(s *state) grant {
			return &clientGrant{client: client, scopes: client.oauth.Scopes.Default, state: s}
		})
	default:
		b.addRefreshState(c, auth)
	}
}

func (b *builder) addRefreshState(c *Connection, auth *bindings.Auth) {
	if b.vault == nil {
		text := "its tokens rotate and there is no data folder to store them in"
		if b.vaultErr == nil {
			b.addProblem(c, "", "%s", text)
			return
		}
		c.setProblem(Unreadable, broken(c.app.Name, c.Name(), "%v", b.vaultErr), b.config.Clock.Now())
		return
	}
	if err := b.unreadable[c.Name()]; err != nil { // a configured refresh token may be spent long ago
		c.setProblem(Unreadable, broken(c.app.Name, c.Name(), "%v", err), b.config.Clock.Now())
		return
	}
	client := newTokenClient(c, auth, b.config.httpOf(c.app), b.config.Clock)
	c.state = b.stateOf(c, func(s *state) grant {
		return newRefreshGrant(client, b.vault, c.entry, c.settings.Credentials[refreshToken], s, b.config.Log)
	})
}

// stateOf is the state that the connection had before, if its settings are the
// same, or a new one.
func (b *builder) stateOf(c *Connection, from func(*state) grant) *state {
	s := &state{settingsHash: c.settingsHash()}
	if old := b.oldStates[c.Name()]; old != nil && old.settingsHash == s.settingsHash && (old.tokens == nil) == (from == nil) {
		return old
	}
	if from != nil {
		s.tokens = &tokenSource{clock: b.config.Clock, fetches: b.fetches}
		s.tokens.grant = from(s)
		if r, ok := s.tokens.grant.(*refreshGrant); ok {
			s.tokens.token = r.newest()
		}
	}
	c.state = s
	if c.entry != nil && c.entry.Broken != nil && c.entry.Broken.CredentialHash == c.refusedHash(c.entry) {
		s.setProblem(Refused, broken(c.app.Name, c.Name(), "%s", c.entry.Broken.Reason), c.entry.Broken.At)
	}
	return s
}

// refusedHash is the hash of the credentials that an entry has now, to compare
// with the hash of those that were refused.
func (c *Connection) refusedHash(e *Entry) string {
	if c.tokens != nil {
		if r, ok := c.tokens.grant.(*refreshGrant); ok {
			return r.credentialHash(r.tokenOf(e))
		}
	}
	return c.credentialHash()
}

// settingsHash is the hash of all that a connection is made from.
func (c *Connection) settingsHash() string {
	parts := []string{c.app.Name, c.settings.Account, c.settings.As, c.settings.Parent, c.BaseURL(), c.settings.AuthorizeURL,
		c.settings.TokenURL, c.settings.RevokeURL, c.auth.Name, c.credentialHash()}
	if c.entry != nil && !c.entry.ConnectedAt.IsZero() {
		parts = append(parts, c.entry.ConnectedAt.UTC().String())
	}
	if c.parent != nil && c.parent.auth != nil {
		parts = append(parts, c.parent.settingsHash())
	}
	if c.variant() != nil {
		parts = append(parts, c.variant().Name)
	}
	return hashOf(parts...)
}

// credentialHash is the hash of a connection's credentials.
func (c *Connection) credentialHash() string {
	var parts []string
	credentials := c.credentials()
	for _, name := range slices.Sorted(maps.Keys(credentials)) {
		parts = append(parts, name, credentials[name])
	}
	return hashOf(parts...)
}
