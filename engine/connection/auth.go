package connection

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

const refreshToken = "refresh_token"

// authorise chooses the way in which a connection authorises its calls: the
// first of the app's for which it has everything.
func (b *builder) authorise(c *Connection) {
	if !b.checkCredentials(c) || len(c.app.Auth) == 0 {
		return
	}
	if len(c.settings.Credentials) == 0 && c.settings.Parent != "" {
		b.inherit(c)
		return
	}
	for i := range c.app.Auth {
		auth := &c.app.Auth[i]
		absent := b.absent(c, auth)
		if auth.OAuth != nil && slices.Equal(absent, []string{refreshToken}) {
			kept, err := b.kept(c)
			if err != nil {
				b.wrong(c, refreshToken, "%v", err)
				return
			}
			if kept {
				absent = nil
			}
		}
		if len(absent) == 0 {
			c.auth = auth
			if auth.OAuth != nil {
				b.refresh(c, auth.OAuth)
			}
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
			b.wrong(c, name, "%s has no such setting%s", c.app.Name, didYouMean(name, append(known, "account", "parent", "base_url", "token_url", "webhook_secret", "webhook_keys", "signatures", "scopes", "read_only", "checks", "timeout")))
		case value == "":
			b.wrong(c, name, "is empty; is the variable or file that it refers to filled?")
		case strings.ContainsFunc(value, isControl):
			b.wrong(c, name, "holds a line break or another control character")
		default:
			continue
		}
		good = false
	}
	return good
}

// fields are the settings that a way needs; OAuth goes on from a refresh token.
func fields(auth *bindings.Auth) []string {
	all := auth.Fields
	if auth.OAuth != nil && !slices.Contains(all, refreshToken) {
		all = append(slices.Clone(all), refreshToken)
	}
	return all
}

func (b *builder) absent(c *Connection, auth *bindings.Auth) []string {
	var absent []string
	for _, name := range fields(auth) {
		if c.settings.Credentials[name] == "" {
			absent = append(absent, name)
		}
	}
	return absent
}

// lacks says what is missing: of the way that was begun, else of each.
func (b *builder) lacks(c *Connection) {
	var ways []string
	for i := range c.app.Auth {
		auth := &c.app.Auth[i]
		absent := b.absent(c, auth)
		if len(absent) < len(fields(auth)) {
			for _, name := range absent {
				b.wrong(c, name, "is missing; the way %q needs %s", auth.Name, strings.Join(fields(auth), ", "))
			}
			return
		}
		ways = append(ways, strings.Join(fields(auth), " and "))
	}
	b.wrong(c, "", "has no credentials; expected %s", strings.Join(ways, ", or "))
}

// inherit uses the parent's credentials: exchanged for the account's own
// token where the vendor does that, else as they are.
func (b *builder) inherit(c *Connection) {
	if c.parent == nil {
		return // said already
	}
	if len(c.parent.settings.Credentials) == 0 {
		b.wrong(c, "parent", "%q has no credentials of its own", c.parent.Name())
		return
	}
	if c.parent.auth == nil || c.parent.auth.OAuth == nil || c.parent.auth.OAuth.Exchange == nil {
		return
	}
	for _, of := range []*Connection{c, c.parent} {
		if of.settings.Account == "" {
			b.wrong(of, "account", "is missing; the token of %q is asked for with it", c.Name())
			return
		}
	}
	c.auth = c.parent.auth
	c.source = b.source(&exchange{c: c, http: b.HTTP, now: b.Now})
}

// refresh gives a connection its source of access tokens.
func (b *builder) refresh(c *Connection, oauth *bindings.OAuth) {
	if b.dry {
		return
	}
	v, err := b.openVault()
	if err != nil {
		b.wrong(c, "", "%v", err)
		return
	}
	r, err := newRefresh(c, oauth, b.params(c, oauth), v, b.Config)
	if err != nil {
		b.wrong(c, refreshToken, "%v", err)
		return
	}
	c.source = b.source(r)
}

// params are what goes with the token requests of a connection.
func (b *builder) params(c *Connection, oauth *bindings.OAuth) map[string]string {
	isParent := slices.ContainsFunc(b.set.sorted, func(child *Connection) bool { return child.parent == c })
	variant := c.app.ParentVariant()
	if !isParent || variant == nil {
		return oauth.TokenParams
	}
	params := map[string]string{}
	maps.Copy(params, oauth.TokenParams)
	maps.Copy(params, variant.TokenParams)
	return params
}

// kept tells whether the vault has a token to go on from.
func (b *builder) kept(c *Connection) (bool, error) {
	if b.dry {
		return true, nil
	}
	if b.Folder == "" {
		return false, nil
	}
	v, err := b.openVault()
	if err != nil {
		return false, err
	}
	token, err := v.Load(c.Name())
	return token != nil, err
}

func (b *builder) openVault() (*Vault, error) {
	if b.vault == nil && b.vaultErr == nil {
		if b.Folder == "" {
			b.vaultErr = errors.New("its tokens rotate and there is no data folder to keep them in")
		} else {
			b.vault, b.vaultErr = OpenVault(b.Folder)
		}
	}
	return b.vault, b.vaultErr
}

func (b *builder) source(from grant) *source {
	return &source{grant: from, now: b.Now, fetches: &b.set.fetches}
}
