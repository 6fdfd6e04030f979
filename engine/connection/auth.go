package connection

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/config"
)

const refreshToken = "refresh_token"

// authorise chooses the way in which a connection authorises its calls: that
// which connect used, else the first of the app's for which it has everything.
func (b *builder) authorise(c *Connection) {
	if text := b.Wrong[c.Name()]; text != "" {
		c.stop(Misconfigured, broken(c.app.Name, c.Name(), "%s", text), b.Now())
	}
	good := b.checkCredentials(c) && b.checkVariant(c)
	if _, kind, _ := c.stopped(); kind == Misconfigured || !good || len(c.app.Auth) == 0 {
		return
	}
	if len(c.settings.Credentials) == 0 && c.settings.Parent != "" {
		b.inherit(c)
		return
	}
	for i := range c.app.Auth {
		auth := &c.app.Auth[i]
		if c.entry != nil && c.entry.Way != "" && c.entry.Way != auth.Name {
			continue
		}
		if len(b.absent(c, auth)) == 0 {
			c.auth = auth
			b.supply(c, auth)
			return
		}
	}
	b.lacks(c)
}

// checkCredentials finds empty, unknown and unsendable ones.
func (b *builder) checkCredentials(c *Connection) bool {
	var known []string
	for _, auth := range c.app.Auth {
		known = append(append(known, fields(&auth)...), auth.Optional...)
	}
	good := true
	for _, name := range slices.Sorted(maps.Keys(c.settings.Credentials)) {
		value := c.settings.Credentials[name]
		switch {
		case !slices.Contains(known, name):
			b.wrong(c, name, "%s has no such setting%s", c.app.Name, didYouMean(name, append(known, config.ConnectionNames()...)))
		case value == "":
			b.wrong(c, name, "is empty; is the variable or file that it refers to filled?")
		case strings.ContainsFunc(value, isControl):
			b.wrong(c, name, "holds a line break or another control character")
		case isAddress(c.app, name) && wrongAddress(value) != "":
			b.wrong(c, name, "%s", wrongAddress(value))
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
	b.wrong(c, "as", "%s has no such kind of connection%s; it has %s", c.app.Name, didYouMean(c.settings.As, names), orNone(names))
	return false
}

// fields are the settings that a way needs; OAuth goes on from a refresh token.
func fields(auth *bindings.Auth) []string {
	all := auth.Fields
	if auth.OAuth != nil && !auth.OAuth.ClientCredentials && !slices.Contains(all, refreshToken) {
		all = append(slices.Clone(all), refreshToken)
	}
	return all
}

// absent are the settings of a way that a connection lacks. A token that the
// vault has stands for the refresh token.
func (b *builder) absent(c *Connection, auth *bindings.Auth) []string {
	var absent []string
	for _, name := range fields(auth) {
		kept := name == refreshToken && c.entry != nil && (c.entry.Token.Refresh != "" || c.entry.Token.Access != "")
		if c.settings.Credentials[name] == "" && !kept {
			absent = append(absent, name)
		}
	}
	return absent
}

// lacks is for a connection that has no way whole. One that waits for nothing
// but to be authorised is there, and says so to whoever calls on it; half a
// key is a mistake.
func (b *builder) lacks(c *Connection) {
	for i := range c.app.Auth {
		auth := &c.app.Auth[i]
		absent := b.absent(c, auth)
		asked := auth.OAuth != nil && !slices.ContainsFunc(absent, func(name string) bool { return name != refreshToken && name != "client_secret" })
		if len(absent) == len(fields(auth)) || asked {
			continue
		}
		for _, name := range absent {
			b.wrong(c, name, "is missing; the way %q needs %s", auth.Name, strings.Join(fields(auth), ", "))
		}
		return
	}
	kind, text := Unconnected, "is not connected yet; connect it with: tidewire connect "+c.Name()
	if err := b.unread[c.Name()]; err != nil {
		kind, text = Unreadable, err.Error()
	}
	c.stop(kind, broken(c.app.Name, c.Name(), "%s", text), b.Now())
}

// inherit uses the parent's credentials: exchanged for the account's own
// token where the vendor does that, else as they are.
func (b *builder) inherit(c *Connection) {
	if c.parent == nil {
		return // said already
	}
	auth := c.parent.auth
	if auth == nil || auth.OAuth == nil || auth.OAuth.Exchange == nil {
		return
	}
	for _, of := range []*Connection{c, c.parent} {
		_, kept := b.entries[of.Name()]
		if of.settings.Account == "" && !(b.dry && kept) {
			b.wrong(of, "account", "is missing; the token of %q is asked for with it", c.Name())
			return
		}
	}
	c.auth = auth
	c.state = b.stateOf(c, func(s *state) grant { return &exchange{c: c, http: b.HTTP, now: b.Now} })
}

// supply gives a connection what it needs to be called.
func (b *builder) supply(c *Connection, auth *bindings.Auth) {
	switch {
	case auth.OAuth == nil:
		c.state = b.stateOf(c, nil)
	case b.dry:
	case auth.OAuth.ClientCredentials:
		ask := newAsker(c, auth, b.HTTP, b.Now)
		c.state = b.stateOf(c, func(s *state) grant {
			return &clientGrant{ask: ask, scopes: ask.oauth.Scopes.Default, state: s}
		})
	default:
		b.supplyRefresh(c, auth)
	}
}

func (b *builder) supplyRefresh(c *Connection, auth *bindings.Auth) {
	if b.vault == nil {
		text := "its tokens rotate and there is no data folder to keep them in"
		if b.vaultErr == nil {
			b.wrong(c, "", "%s", text)
			return
		}
		c.stop(Unreadable, broken(c.app.Name, c.Name(), "%v", b.vaultErr), b.Now())
		return
	}
	if err := b.unread[c.Name()]; err != nil { // a configured refresh token may be spent long ago
		c.stop(Unreadable, broken(c.app.Name, c.Name(), "%v", err), b.Now())
		return
	}
	ask := newAsker(c, auth, b.HTTP, b.Now)
	c.state = b.stateOf(c, func(s *state) grant {
		return newRefresh(ask, b.vault, c.entry, c.settings.Credentials[refreshToken], s, b.Log)
	})
}

// stateOf is the state that the connection had before, if it is as it was, or
// a new one.
func (b *builder) stateOf(c *Connection, from func(*state) grant) *state {
	s := &state{print: c.print()}
	if former := b.former[c.Name()]; former != nil && former.print == s.print && (former.source == nil) == (from == nil) {
		return former
	}
	if from != nil {
		s.source = &source{now: b.Now, fetches: b.fetches}
		s.source.grant = from(s)
		if r, ok := s.source.grant.(*refresh); ok {
			s.source.token = r.newest()
		}
	}
	c.state = s
	if c.entry != nil && c.entry.Broken != nil && c.entry.Broken.Of == c.refusedPrint(c.entry) {
		s.stop(Refused, broken(c.app.Name, c.Name(), "%s", c.entry.Broken.Said), c.entry.Broken.At)
	}
	return s
}

// refusedPrint tells credentials that were refused from others that are worth
// trying.
func (c *Connection) refusedPrint(e *Entry) string {
	if c.source != nil {
		if r, ok := c.source.grant.(*refresh); ok {
			return r.print(r.presentOf(e))
		}
	}
	return c.credentialPrint()
}

// print tells whether a connection is as it was.
func (c *Connection) print() string {
	parts := []string{c.app.Name, c.settings.Account, c.settings.As, c.settings.Parent, c.BaseURL(), c.settings.AuthorizeURL,
		c.settings.TokenURL, c.settings.RevokeURL, c.auth.Name, c.credentialPrint()}
	if c.entry != nil && !c.entry.Made.IsZero() {
		parts = append(parts, c.entry.Made.UTC().String())
	}
	if c.parent != nil && c.parent.auth != nil {
		parts = append(parts, c.parent.print())
	}
	if c.variant() != nil {
		parts = append(parts, c.variant().Name)
	}
	return hashOf(parts...)
}

// credentialPrint tells one set of credentials from another.
func (c *Connection) credentialPrint() string {
	var parts []string
	credentials := c.credentials()
	for _, name := range slices.Sorted(maps.Keys(credentials)) {
		parts = append(parts, name, credentials[name])
	}
	return hashOf(parts...)
}
