package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
)

// Draft is a connection that is being made, or made again.
type Draft struct {
	App *bindings.App
	// Auth is the way that was chosen, nil until one is.
	Auth     *bindings.Auth
	Settings connection.Settings
	// Again says that there is such a connection already.
	Again bool

	file *connection.Settings // what the configuration says of it
}

// Draft begins a connection with what is known of it: given here, in the
// configuration, or kept from when it was connected before, in this order.
func (c *Connector) Draft(name string, given connection.Settings) (*Draft, error) {
	app, _, err := c.app(name)
	if err != nil {
		return nil, err
	}
	if err := c.about("connections." + name); err != nil {
		return nil, fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	given.Name = name
	d := &Draft{App: app, Settings: given}
	for i, one := range c.config.Connections {
		if one.Name == name {
			d.file = &c.config.Connections[i]
			d.Settings = d.Settings.Over(one)
		}
	}
	v, err := c.vault()
	if err != nil {
		return nil, err
	}
	entry, err := v.Load(name) // one that cannot be read is made anew
	if err == nil && entry != nil {
		d.Again = true
		if entry.Settings != nil {
			d.Settings = d.Settings.Over(*entry.Settings)
		}
	}
	if _, found := app.Variant(d.Settings.As); d.Settings.As != "" && !found {
		var names []string
		for _, v := range app.Variants {
			names = append(names, v.Name)
		}
		return nil, fmt.Errorf("--as: %s has no kind of connection %q; it has %s", app.Title, d.Settings.As, orNone(names))
	}
	return d, nil
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none beside the usual one"
	}
	return strings.Join(words, ", ")
}

// Choose takes one of the app's ways by name, or, without one, the way that
// the configuration has begun. False if a person has to choose.
func (d *Draft) Choose(way string) (bool, error) {
	if d.file != nil && way == "" && d.file.Credentials["client_id"] != "" {
		for i := range d.App.Auth {
			if o := d.App.Auth[i].OAuth; o != nil && !o.ClientCredentials {
				d.Auth = &d.App.Auth[i]
				break
			}
		}
	}
	var names []string
	for i := range d.App.Auth {
		if names = append(names, d.App.Auth[i].Name); names[i] == way || way == "" && len(d.App.Auth) == 1 {
			d.Auth = &d.App.Auth[i]
		}
	}
	switch {
	case d.Auth == nil && way != "":
		return false, fmt.Errorf("--way: %s cannot be connected by %q; it has %s", d.App.Title, way, strings.Join(names, ", "))
	case d.Auth == nil:
		return false, nil
	case d.file == nil:
		return true, nil
	}
	whole := len(d.file.Credentials) > 0
	for _, name := range append(slices.Clone(d.Auth.Fields), refreshField(d.Auth)...) {
		whole = whole && d.file.Credentials[name] != ""
	}
	if whole && refreshField(d.Auth) == nil {
		return false, fmt.Errorf("connections.%s in the configuration has %s of its own, which stand over what connect keeps; take them out of there first, or change them there",
			d.Settings.Name, strings.Join(d.Auth.Fields, " and "))
	}
	return true, nil
}

// refreshField is the setting that a way goes on from, none where it needs none.
func refreshField(auth *bindings.Auth) []string {
	if auth.OAuth == nil || auth.OAuth.ClientCredentials {
		return nil
	}
	return []string{"refresh_token"}
}

// Missing are the settings that somebody has to give: the way's fields and,
// where nothing else tells it, the account.
func (d *Draft) Missing() []string {
	var missing []string
	for _, name := range d.Auth.Fields {
		if d.Settings.Credentials[name] == "" {
			missing = append(missing, name)
		}
	}
	if d.asksAccount() && d.Settings.Account == "" {
		missing = append(missing, "account")
	}
	return missing
}

// asksAccount reports whether the account has to be known beforehand.
func (d *Draft) asksAccount() bool {
	if d.Auth.OAuth != nil && !d.Auth.OAuth.ClientCredentials && (d.Auth.OAuth.Answer.Account != "" || d.Auth.OAuth.Answer.Parent != "") {
		return false
	}
	test := d.test()
	return test != nil && slices.Contains(slices.Collect(maps.Values(test.Args)), "{account}")
}

func (d *Draft) test() *bindings.Test {
	if v, found := d.App.Variant(d.Settings.As); found && v.Test != nil {
		return v.Test
	}
	return d.App.Test
}

// Secret reports whether a setting is not to be shown.
func (d *Draft) Secret(name string) bool { return name != "account" && d.Auth.Secret(name) }

// Give sets what was missing: a setting that is a text, or a credential.
func (d *Draft) Give(name, value string) {
	for setting, at := range d.Settings.Fields() {
		if text, isText := at.(*string); isText && setting.Name == name {
			*text = value
			return
		}
	}
	credentials := map[string]string{}
	maps.Copy(credentials, d.Settings.Credentials)
	credentials[name] = value
	d.Settings.Credentials = credentials
}

// Forget has the fields of the way asked for again although they are known.
func (d *Draft) Forget() {
	credentials := maps.Clone(d.Settings.Credentials)
	for _, name := range d.Auth.Fields {
		if d.file == nil || d.file.Credentials[name] == "" {
			delete(credentials, name)
		}
	}
	d.Settings.Credentials = credentials
}

// Offered are the scopes to choose from: the usual ones, those that only read,
// and those that the scripts present need.
func (c *Connector) Offered(d *Draft) (usual, readOnly, needed []string) {
	usual, readOnly = connection.Offered(d.App, d.Auth, d.Settings.As)
	needs, _ := c.desk.needs(d.App)
	for _, need := range needs {
		if !slices.ContainsFunc(need.Scopes, func(scope string) bool { return slices.Contains(needed, scope) }) {
			needed = append(needed, need.Scopes[0])
		}
	}
	return usual, readOnly, needed
}

// Login begins the authorisation by a person.
func (c *Connector) Login(d *Draft, redirect string, scopes []string) *connection.Login {
	return connection.NewLogin(connection.LoginConfig{App: d.App, Auth: d.Auth, Settings: d.Settings, Redirect: redirect, Scopes: scopes})
}

// Made is a connection that was made.
type Made struct {
	Test control.ConnectionTest
	// Running says that an engine runs and has taken it up.
	Running bool
	// Lacking are scopes that were asked for and not granted.
	Lacking []string
}

// Authorised keeps what a person authorised. It is kept before anything is
// done with it: the refresh token may be good once.
func (c *Connector) Authorised(ctx context.Context, d *Draft, login *connection.Login, grant connection.Grant) (Made, error) {
	s := &d.Settings
	if s.Account != "" && grant.Account != "" && s.Account != grant.Account {
		return Made{}, fmt.Errorf("the %s %q was authorised, and %s is that of %q; nothing was changed: choose that one, or connect this one by another name, such as tidewire connect %s/NAME",
			d.App.Account.Noun, grant.Account, s.Name, s.Account, d.App.Name)
	}
	if grant.Account != "" {
		s.Account = grant.Account
	}
	if parent := d.App.ParentVariant(); parent != nil && grant.Account != "" {
		switch {
		case grant.Parental:
			s.As = parent.Name
		case s.As == parent.Name:
			s.As = ""
		}
	}
	made := Made{}
	for _, scope := range login.Scopes {
		if !slices.Contains(grant.Scopes, scope) && !slices.Contains(d.Auth.OAuth.Scopes.Always, scope) {
			made.Lacking = append(made.Lacking, scope)
		}
	}
	if err := c.keep(ctx, d, func(e *connection.Entry) {
		e.Token, e.Who, e.Seed = grant.Token, grant.Who, connection.SeedOf(d.configured("refresh_token"))
	}); err != nil {
		return made, err
	}
	return c.finish(ctx, d, made)
}

// configured is a credential that the configuration holds.
func (d *Draft) configured(name string) string {
	if d.file == nil {
		return ""
	}
	return d.file.Credentials[name]
}

// Keyed tries credentials that need no person, and keeps them if the vendor
// takes them, or untested where that is wanted.
func (c *Connector) Keyed(ctx context.Context, d *Draft, untested bool) (Made, error) {
	var scopes []string
	var who string
	if !untested {
		found, err := c.try(ctx, d)
		var e *bindings.Error
		switch {
		case errors.Is(err, call.ErrNoTest):
		case err == nil:
			scopes, who = found.Scopes, strings.Join(found.Names, ", ")
			if d.Settings.Account == "" {
				d.Settings.Account = found.Account
			}
			if found.Account != "" && found.Account != d.Settings.Account {
				return Made{}, fmt.Errorf("these credentials are of the %s %q, and %s is that of %q; nothing was changed", d.App.Account.Noun, found.Account, d.Settings.Name, d.Settings.Account)
			}
		case errors.As(err, &e) && e.Kind == bindings.BrokenConnection:
			return Made{}, fmt.Errorf("%s refuses these credentials: %s; nothing was kept", d.App.Title, e.Message)
		default:
			return Made{}, fmt.Errorf("the credentials could not be tested (%w); nothing was kept, --untested keeps them all the same", err)
		}
	}
	if err := c.keep(ctx, d, func(e *connection.Entry) {
		e.Token, e.Who = connection.Token{Scopes: scopes}, who
	}); err != nil {
		return Made{}, err
	}
	return c.finish(ctx, d, Made{})
}

// finish has the connection taken up and tested.
func (c *Connector) finish(ctx context.Context, d *Draft, made Made) (Made, error) {
	_, running, err := c.taken(ctx, "")
	made.Running = running
	if err != nil {
		return made, err
	}
	if _, err := c.desk.set.Reload(""); err != nil {
		return made, fmt.Errorf("the connection is kept, and cannot be used together with the others:\n%w", err)
	}
	made.Test, err = c.Test(ctx, d.Settings.Name)
	if err != nil || made.Test.Problem != "" {
		return made, err
	}
	// What only the vendor could tell.
	t := &made.Test
	learnt := t.Who == "" && len(t.Names) > 0 || d.Settings.Account == "" && t.Account != ""
	if t.Who == "" {
		t.Who = strings.Join(t.Names, ", ")
	}
	if !learnt {
		return made, nil
	}
	v, err := c.vault()
	if err != nil {
		return made, err
	}
	err = v.Update(ctx, d.Settings.Name, func(e *connection.Entry) bool {
		if e.Settings == nil {
			return false
		}
		e.Who, e.Settings.Account = t.Who, t.Account
		return true
	})
	if err == nil {
		_, _, err = c.taken(ctx, "")
	}
	return made, err
}

// keep saves a draft in place of what was kept of the connection before.
func (c *Connector) keep(ctx context.Context, d *Draft, fill func(*connection.Entry)) error {
	for _, other := range c.desk.set.OfApp(d.App.Name) {
		s := other.Status()
		if s.Account != "" && s.Account == d.Settings.Account && s.As == d.Settings.As && s.Name != d.Settings.Name {
			return fmt.Errorf("%s is connected to the %s %q already; nothing was changed: connect that one again, or remove it first", other.Name(), d.App.Account.Noun, d.Settings.Account)
		}
	}
	v, err := c.vault()
	if err != nil {
		return err
	}
	if _, err := v.Load(d.Settings.Name); err != nil { // it stays, in a folder of its own
		if _, err := v.SetAside(ctx, d.Settings.Name, c.config.Now()); err != nil {
			return err
		}
	}
	return v.Update(ctx, d.Settings.Name, func(e *connection.Entry) bool {
		settings := d.Settings
		*e = connection.Entry{Connection: settings.Name, Settings: &settings, Made: c.config.Now(), Formerly: e.Formerly, Hooks: e.Hooks}
		if d.Auth != nil {
			e.Way = d.Auth.Name
		}
		fill(e)
		return true
	})
}

// try asks whose credentials are that are not kept yet.
func (c *Connector) try(ctx context.Context, d *Draft) (call.Identity, error) {
	set, problems := connection.Open(connection.Config{Apps: c.config.Apps, Settings: []connection.Settings{d.Settings}, HTTP: call.TokenClient(), Now: c.config.Now})
	defer set.Close()
	for _, p := range problems {
		return call.Identity{}, fmt.Errorf("%s", strings.TrimPrefix(p.Error(), "connections."))
	}
	calls := call.New(call.Config{Connections: set, Log: c.config.Log, Now: c.config.Now})
	defer calls.Close()
	return calls.Identify(ctx, d.Settings.Name)
}

// Child makes a connection that goes by its parent's tokens.
func (c *Connector) Child(ctx context.Context, d *Draft) (Made, error) {
	if d.Settings.Account == "" {
		return Made{}, fmt.Errorf("--account is missing: the %s that is meant", d.App.Account.Noun)
	}
	if _, found := c.desk.set.Get(d.Settings.Parent); !found {
		return Made{}, c.desk.unknown(d.Settings.Parent)
	}
	d.Settings.Credentials = nil
	if err := c.keep(ctx, d, func(*connection.Entry) {}); err != nil {
		return Made{}, err
	}
	return c.finish(ctx, d, Made{})
}
