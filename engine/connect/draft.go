package connect

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

// Draft is a connection before it is saved.
type Draft struct {
	App      *bindings.App
	Settings connection.Settings
	// Exists is set when the vault has an entry of this name already.
	Exists   bool
	Previous *Previous // of that entry; nil without one

	file *connection.Settings // of the configuration
}

// Draft makes a draft from the settings given, those of the configuration and
// those of the vault; the first that has a value counts.
func (c *Connector) Draft(name string, given connection.Settings) (*Draft, error) {
	app, _, err := c.app(name)
	if err != nil {
		return nil, err
	}
	if err := c.problemsOf("connections." + name); err != nil {
		return nil, fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	given.Name = name
	d := &Draft{App: app, Settings: given}
	for i, one := range c.settings.Connections {
		if one.Name == name {
			d.file = &c.settings.Connections[i]
			d.Settings = d.Settings.Or(one)
		}
	}
	v, err := c.vault()
	if err != nil {
		return nil, err
	}
	entry, err := v.Load(name) // an entry that cannot be read is replaced
	if err == nil && entry != nil {
		d.Exists, d.Previous = true, previousOf(entry)
		if entry.Settings != nil {
			d.Settings = d.Settings.Or(*entry.Settings)
		}
	}
	if _, found := app.Variant(d.Settings.As); d.Settings.As != "" && !found {
		var names []string
		for _, v := range app.Variants {
			names = append(names, v.Name)
		}
		return nil, fmt.Errorf("--as: %s has no kind of connection %q; it has %s", app.Title, d.Settings.As, orNone(names))
	}
	if d.emptySecret() != "" { // save has the error
		return d, nil
	}
	return d, c.check(d)
}

// check returns an error if a connection with the settings of a draft could not be
// used.
func (c *Connector) check(d *Draft) error {
	var all []error
	for _, p := range connection.CheckSettings(c.apps, d.Settings) {
		all = append(all, errors.New(strings.TrimPrefix(p.Error(), "connections.")))
	}
	return errors.Join(all...)
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none beside the usual one"
	}
	return strings.Join(words, ", ")
}

// AuthDraft is a draft with the way to authenticate.
type AuthDraft struct {
	*Draft
	Auth *bindings.Auth
}

// WithAuth selects one of the app's ways to authenticate by name. Without a name it
// is that of the connection that is connected again, the only one, or the one for
// which the configuration has credentials; it returns nil where a person has to
// choose.
func (d *Draft) WithAuth(way string) (*AuthDraft, error) {
	auth := d.selectAuth(way)
	switch {
	case auth == nil && way != "":
		var names []string
		for _, a := range d.App.Auth {
			names = append(names, a.Name)
		}
		return nil, fmt.Errorf("--way: %s cannot be connected by %q; it has %s", d.App.Title, way, strings.Join(names, ", "))
	case auth == nil:
		return nil, nil
	case d.file == nil:
		return &AuthDraft{d, auth}, nil
	}
	whole := len(d.file.Credentials) > 0
	for _, name := range append(slices.Clone(auth.Fields), refreshField(auth)...) {
		whole = whole && d.file.Credentials[name] != ""
	}
	if whole && refreshField(auth) == nil {
		return nil, fmt.Errorf("connections.%s in the configuration has its own %s, which override what connect saves; remove them there first, or change them there",
			d.Settings.Name, strings.Join(auth.Fields, " and "))
	}
	return &AuthDraft{d, auth}, nil
}

func (d *Draft) selectAuth(way string) *bindings.Auth {
	ways := d.App.Auth
	if way != "" {
		return authNamed(d.App, way)
	}
	if d.Previous != nil {
		if previous := authNamed(d.App, d.Previous.AuthName); previous != nil {
			return previous
		}
	}
	i := -1
	switch {
	case len(ways) == 1:
		i = 0
	case d.configured("client_id") != "":
		i = slices.IndexFunc(ways, func(a bindings.Auth) bool { return a.OAuth != nil && !a.OAuth.ClientCredentials })
	}
	if i < 0 {
		return nil
	}
	return &ways[i]
}

// refreshField returns the credential of a way that tokens are refreshed by, nil
// where it has none.
func refreshField(auth *bindings.Auth) []string {
	if auth.OAuth == nil || auth.OAuth.ClientCredentials {
		return nil
	}
	return []string{"refresh_token"}
}

// Missing returns the names of the settings that a person has to enter: fields
// of Auth and, where the vendor's answers do not have it, the account.
func (d *AuthDraft) Missing() []string {
	var missing []string
	for _, name := range d.Auth.Fields {
		if d.Settings.Credentials[name] == "" {
			missing = append(missing, name)
		}
	}
	if d.needsAccount() && d.Settings.Account == "" {
		missing = append(missing, "account")
	}
	return missing
}

// needsAccount reports whether the account must be entered before the
// connection can be tested.
func (d *AuthDraft) needsAccount() bool {
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

// Secret reports whether a setting must not be displayed.
func (d *AuthDraft) Secret(name string) bool { return name != "account" && d.Auth.Secret(name) }

// SetField sets a setting that is a text, or else a credential.
func (d *Draft) SetField(name, value string) {
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

// ClearFields removes the fields of Auth that are not in the configuration, so
// that Missing has them.
func (d *AuthDraft) ClearFields() {
	credentials := maps.Clone(d.Settings.Credentials)
	for _, name := range d.Auth.Fields {
		if d.file == nil || d.file.Credentials[name] == "" {
			delete(credentials, name)
		}
	}
	d.Settings.Credentials = credentials
}

// ScopeChoices returns the scopes to choose from: the usual ones, those that
// only read, and those that the scripts present need.
func (c *Connector) ScopeChoices(d *AuthDraft) (usual, readOnly, needed []string) {
	usual, readOnly = connection.ScopeChoices(d.App, d.Auth, d.Settings.As)
	needs, _ := c.service.needs(d.App)
	for _, need := range needs {
		if !slices.ContainsFunc(need.Scopes, func(scope string) bool { return slices.Contains(needed, scope) }) {
			needed = append(needed, need.Scopes[0])
		}
	}
	return usual, readOnly, needed
}

// Login starts an authorisation by a person.
func (c *Connector) Login(d *AuthDraft, redirect string, scopes []string) *connection.Login {
	return connection.NewLogin(connection.LoginConfig{
		App: d.App, Auth: d.Auth, Settings: d.Settings, Redirect: redirect, Scopes: scopes, Clock: c.clock,
		HTTP: call.NewTokenHTTPClient(nil), AddedHTTP: call.NewAddedTokenHTTPClient(nil, c.settings.HTTP.AllowPrivate, c.settings.HTTP.Allow),
	})
}

// Result is a connection that was saved.
type Result struct {
	Test control.ConnectionTest
	// Running is set when an engine runs; it uses the connection from now on.
	Running bool
	// Lacking are scopes that were requested and not granted.
	Lacking []string
}

// SaveOAuth saves the grant of a login and tests the connection. It saves
// first: some refresh tokens can be used once only.
func (c *Connector) SaveOAuth(ctx context.Context, d *AuthDraft, login *connection.Login, grant connection.TokenResponse) (Result, error) {
	s := &d.Settings
	if s.Account != "" && grant.Account != "" && s.Account != grant.Account {
		return Result{}, fmt.Errorf("the %s %q was authorised, and %s is that of %q; nothing was changed: choose that one, or connect this one by another name, such as tidewire connect %s/NAME",
			d.App.Account.Noun, grant.Account, s.Name, s.Account, d.App.Name)
	}
	if grant.Account != "" {
		s.Account = grant.Account
	}
	if parent := d.App.ParentVariant(); parent != nil && grant.Account != "" {
		switch {
		case grant.IsParent:
			s.As = parent.Name
		case s.As == parent.Name:
			s.As = ""
		}
	}
	made := Result{}
	for _, scope := range login.Scopes {
		if !slices.Contains(grant.Scopes, scope) && !slices.Contains(d.Auth.OAuth.Scopes.Always, scope) {
			made.Lacking = append(made.Lacking, scope)
		}
	}
	if err := c.save(ctx, d.Draft, func(e *connection.Entry) {
		e.AuthName = d.Auth.Name
		e.Token, e.DisplayName, e.SeedHash = grant.Token, grant.DisplayName, connection.SeedHash(d.configured("refresh_token"))
	}); err != nil {
		return made, err
	}
	return c.finish(ctx, d.Draft, made)
}

// configured returns a credential of the configuration.
func (d *Draft) configured(name string) string {
	if d.file == nil {
		return ""
	}
	return d.file.Credentials[name]
}

// SaveKey tests credentials that need no login, and saves them if the vendor
// accepts them, or, with untested, without a test.
func (c *Connector) SaveKey(ctx context.Context, d *AuthDraft, untested bool) (Result, error) {
	var scopes []string
	var who string
	if !untested {
		found, err := c.identify(ctx, d.Draft)
		var e *bindings.Error
		switch {
		case errors.Is(err, call.ErrNoTest):
		case err == nil:
			scopes, who = found.Scopes, strings.Join(found.Names, ", ")
			if d.Settings.Account == "" {
				d.Settings.Account = found.Account
			}
			if found.Account != "" && found.Account != d.Settings.Account {
				return Result{}, fmt.Errorf("these credentials are of the %s %q, and %s is that of %q; nothing was changed", d.App.Account.Noun, found.Account, d.Settings.Name, d.Settings.Account)
			}
		case errors.As(err, &e) && e.Kind == bindings.BrokenConnection:
			return Result{}, fmt.Errorf("%s refuses these credentials: %s; nothing was saved", d.App.Title, e.Message)
		default:
			return Result{}, fmt.Errorf("the credentials could not be tested (%w); nothing was saved; --untested saves them without a test", err)
		}
	}
	if err := c.save(ctx, d.Draft, func(e *connection.Entry) {
		e.AuthName = d.Auth.Name
		e.Token, e.DisplayName = connection.Token{Scopes: scopes}, who
	}); err != nil {
		return Result{}, err
	}
	return c.finish(ctx, d.Draft, Result{})
}

// finish tests a saved connection, in the running engine where there is one, and
// saves what only the vendor's answer has.
func (c *Connector) finish(ctx context.Context, d *Draft, made Result) (Result, error) {
	running, err := c.notifyEngine(ctx, "")
	made.Running = running
	if err != nil {
		return made, err
	}
	if _, err := c.service.Set.Reload(""); err != nil {
		return made, fmt.Errorf("the connection is saved, and cannot be used together with the others:\n%w", err)
	}
	made.Test, err = c.Test(ctx, d.Settings.Name)
	if err != nil || made.Test.Problem != "" {
		return made, err
	}
	t := &made.Test
	incomplete := t.DisplayName == "" && len(t.Names) > 0 || d.Settings.Account == "" && t.Account != ""
	if t.DisplayName == "" {
		t.DisplayName = strings.Join(t.Names, ", ")
	}
	if !incomplete {
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
		e.DisplayName, e.Settings.Account = t.DisplayName, t.Account
		return true
	})
	if err == nil {
		_, err = c.notifyEngine(ctx, "")
	}
	return made, err
}

// emptySecret returns the name of a secret that is blank, empty if there is none.
func (d *Draft) emptySecret() string {
	for _, name := range slices.Sorted(maps.Keys(d.Settings.Credentials)) {
		if strings.TrimSpace(d.Settings.Credentials[name]) == "" {
			return name
		}
	}
	if secret := d.Settings.WebhookSecret; secret != "" && strings.TrimSpace(secret) == "" {
		return "webhook_secret"
	}
	return ""
}

// save replaces the vault's entry of a connection by a draft.
func (c *Connector) save(ctx context.Context, d *Draft, fill func(*connection.Entry)) error {
	if name := d.emptySecret(); name != "" {
		return fmt.Errorf("%s is empty; nothing was saved", name)
	}
	if err := c.check(d); err != nil {
		return fmt.Errorf("%w\nnothing was saved", err)
	}
	for _, other := range c.service.Set.OfApp(d.App.Name) {
		s := other.Status()
		if s.Account != "" && s.Account == d.Settings.Account && s.Kind == d.Settings.As && s.Name != d.Settings.Name {
			return fmt.Errorf("%s is connected to the %s %q already; nothing was changed: connect that one again, or remove it first", other.Name(), d.App.Account.Noun, d.Settings.Account)
		}
	}
	v, err := c.vault()
	if err != nil {
		return err
	}
	if _, err := v.Load(d.Settings.Name); err != nil { // it is moved to a folder of its own, not deleted
		if _, err := v.SetAside(ctx, d.Settings.Name, c.clock.Now()); err != nil {
			return err
		}
	}
	return v.Update(ctx, d.Settings.Name, func(e *connection.Entry) bool {
		settings := d.Settings
		*e = connection.Entry{Connection: settings.Name, Settings: &settings, ConnectedAt: c.clock.Now(), FormerNames: e.FormerNames, WebhookSecrets: e.WebhookSecrets}
		fill(e)
		return true
	})
}

// identify asks the vendor for the account of a draft's credentials.
func (c *Connector) identify(ctx context.Context, d *Draft) (call.Identity, error) {
	set, problems := connection.Open(connection.Config{Apps: c.apps, Settings: []connection.Settings{d.Settings}, HTTP: call.NewTokenHTTPClient(nil),
		AddedHTTP: call.NewAddedTokenHTTPClient(nil, c.settings.HTTP.AllowPrivate, c.settings.HTTP.Allow), Clock: c.clock})
	defer set.Close()
	for _, p := range problems {
		return call.Identity{}, fmt.Errorf("%s", strings.TrimPrefix(p.Error(), "connections."))
	}
	calls := call.New(call.Config{Connections: set, Log: c.log, Clock: c.clock, AllowPrivate: c.settings.HTTP.AllowPrivate, AllowHosts: c.settings.HTTP.Allow})
	defer calls.Close()
	return calls.Identify(ctx, d.Settings.Name)
}

// SaveChild saves and tests a connection that uses its parent's tokens.
func (c *Connector) SaveChild(ctx context.Context, d *Draft) (Result, error) {
	if d.Settings.Account == "" {
		return Result{}, fmt.Errorf("--account is missing: expected the %s to connect", d.App.Account.Noun)
	}
	if _, found := c.service.Set.Get(d.Settings.Parent); !found {
		return Result{}, c.service.unknown(d.Settings.Parent)
	}
	d.Settings.Credentials = nil
	if err := c.save(ctx, d, func(*connection.Entry) {}); err != nil {
		return Result{}, err
	}
	return c.finish(ctx, d, Result{})
}
