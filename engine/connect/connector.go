// Package connect connects an installation to its apps: it reads the
// configuration of connections, and makes, tests, renames and removes them,
// beside a running engine or without one. It sends no calls of scripts, and has no
// tokens: those are in package connection.
package connect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/ownership"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// Connector makes, tests and removes the connections of an installation. A
// running engine is notified of each change and uses it at once. Make one with
// Open.
type Connector struct {
	apps     []*bindings.App
	settings config.Settings
	problems []*config.Problem
	service  Service
	clock    clock.Clock
	log      *slog.Logger
	scripts  *script.Set // of generation
}

// Open reads the configuration and the vault. A mistake in the settings of one
// connection is returned only by what uses that connection.
func Open(from config.Sources, apps []*bindings.App) (*Connector, error) {
	file, err := Read(from, apps)
	if err != nil {
		return nil, err
	}
	s := file.Settings
	c := &Connector{apps: apps, settings: s, problems: file.Problems, clock: clock.System, log: slog.New(slog.DiscardHandler)}
	if err := c.problemsOf("data", "vault_key"); err != nil {
		return nil, fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	wrong, _ := connectionProblems(c.problems)
	set, found := connection.Open(connection.Config{
		Apps: apps, Settings: s.Connections, KnownProblems: wrong, Accounts: s.Accounts, Folder: s.Data, VaultKey: s.VaultKey,
		HTTP: call.NewTokenHTTPClient(nil), AddedHTTP: call.NewAddedTokenHTTPClient(nil, s.HTTP.AllowPrivate, s.HTTP.Allow), Clock: c.clock, Log: c.log,
	})
	for _, p := range found {
		if name := connection.NameIn(p.Path); wrong[name] == "" {
			c.problems = append(c.problems, &config.Problem{Key: p.Path, Place: p.Path, Text: p.Text})
		}
	}
	calls := call.New(call.Config{Connections: set, Clock: c.clock, Log: c.log, AllowPrivate: s.HTTP.AllowPrivate, AllowHosts: s.HTTP.Allow})
	c.service = Service{Apps: apps, Set: set, Calls: calls, Generation: c.generation, Clock: c.clock}
	return c, nil
}

// Close ends the calls under way and closes the vault.
func (c *Connector) Close() {
	c.service.Calls.Close()
	c.service.Set.Close()
}

// problemsOf joins the problems of settings and of those below them.
func (c *Connector) problemsOf(keys ...string) error {
	var all []*config.Problem
	for _, p := range c.problems {
		if slices.ContainsFunc(keys, func(key string) bool { return p.Key == key || strings.HasPrefix(p.Key, key+".") }) {
			all = append(all, p)
		}
	}
	return config.Join(all)
}

// generation returns the scripts present, for the scopes that they need; nil
// where they cannot be loaded. It loads them once.
func (c *Connector) generation() *script.Generation {
	if c.scripts == nil {
		set, err := script.Open(context.Background(), script.Config{
			Dir: c.settings.Scripts, Machine: vm.New(vm.Config{Apps: c.apps}), Params: c.settings.Params, Zone: c.settings.Timezone,
			Apps: c.apps, Limits: Limits(c.settings), Log: c.log, Clock: c.clock,
			Connections: func(name string) bool { _, found := c.service.Set.Get(name); return found },
		})
		if err != nil {
			return nil // no folder, or one that cannot be read: an error of tidewire run
		}
		c.scripts = set
	}
	return c.scripts.Generation()
}

// withEngine calls use with a client of the engine that runs on the
// installation. It reports whether one runs.
func (c *Connector) withEngine(ctx context.Context, use func(*control.Client) error) (bool, error) {
	client, err := control.Dial(c.settings.Data)
	if err != nil {
		return false, err
	}
	defer client.Close()
	if _, err := client.Status(ctx); err != nil {
		if control.NotRunning(err) {
			return false, nil
		}
		return false, err
	}
	return true, use(client)
}

// List returns the state of all connections: the engine's, where one runs.
func (c *Connector) List(ctx context.Context) (all []connection.Status, err error) {
	running, err := c.withEngine(ctx, func(client *control.Client) error {
		all, err = client.Connections(ctx)
		return err
	})
	if !running && err == nil {
		all = c.service.List()
	}
	return all, err
}

// Show returns the state of one connection.
func (c *Connector) Show(ctx context.Context, name string) (connection.Status, error) {
	all, err := c.List(ctx)
	if err != nil {
		return connection.Status{}, err
	}
	for _, one := range all {
		if one.Name == name || slices.Contains(one.FormerNames, name) {
			return one, nil
		}
	}
	return connection.Status{}, c.service.unknown(name)
}

// Test makes one harmless call on a connection; see Service.Test.
func (c *Connector) Test(ctx context.Context, name string) (t control.ConnectionTest, err error) {
	running, err := c.withEngine(ctx, func(client *control.Client) error {
		t, err = client.TestConnection(ctx, name)
		return err
	})
	if running || err != nil {
		return t, err
	}
	if err := c.problemsOf("connections." + name); err != nil {
		return t, err
	}
	return c.service.Test(ctx, name)
}

// Read calls what a connection may list, and compares the answers; see
// Service.Read.
func (c *Connector) Read(ctx context.Context, name string) (r control.ReadReport, err error) {
	running, err := c.withEngine(ctx, func(client *control.Client) error {
		r, err = client.ReadConnection(ctx, name)
		return err
	})
	if running || err != nil {
		return r, err
	}
	if err := c.problemsOf("connections." + name); err != nil {
		return r, err
	}
	return c.service.Read(ctx, name)
}

// vault opens the vault.
func (c *Connector) vault() (*connection.Vault, error) {
	if err := c.checkFolder(); err != nil {
		return nil, err
	}
	return connection.OpenVault(c.vaultConfig())
}

// checkFolder returns an error if others could change what is saved in the data folder.
func (c *Connector) checkFolder() error {
	return ownership.CheckFolder("the data folder", c.settings.Data)
}

func (c *Connector) vaultConfig() connection.VaultConfig {
	return connection.VaultConfig{Folder: c.settings.Data, Key: c.settings.VaultKey}
}

// notifyEngine has a running engine load the vault again, with key where the key
// changed. It reports whether an engine runs.
func (c *Connector) notifyEngine(ctx context.Context, key string) (running bool, err error) {
	running, err = c.withEngine(ctx, func(client *control.Client) error {
		_, err := client.ReloadConnections(ctx, key)
		return err
	})
	if err != nil {
		err = fmt.Errorf("the change is saved, and the running engine did not load it: %w; restart the engine", err)
	}
	return running, err
}

// Rename changes the name of a connection in the vault.
func (c *Connector) Rename(ctx context.Context, from, to string) error {
	for _, one := range c.settings.Connections {
		if one.Name == from {
			return fmt.Errorf("%s is in the configuration; rename connections.%s there first, then run this again to rename its entry in the vault", from, from)
		}
	}
	app, _, err := c.app(to)
	if err != nil {
		return err
	}
	if name, _, _ := strings.Cut(from, "/"); name != app.Name {
		return fmt.Errorf("%s is of another app than %s", to, from)
	}
	v, err := c.vault()
	if err != nil {
		return err
	}
	if err := v.Rename(ctx, from, to); err != nil {
		return err
	}
	_, err = c.notifyEngine(ctx, "")
	return err
}

// Removed is the result of Remove.
type Removed struct {
	Revoked bool   // the vendor revoked its tokens
	Problem string // why not, where the vendor has an address for it
	// Configured is set when the configuration still has the connection.
	Configured bool
}

// Remove deletes the entry of a connection in the vault. With revoke its tokens
// are revoked first, where the vendor has an address for it.
func (c *Connector) Remove(ctx context.Context, name string, revoke bool) (Removed, error) {
	one, found := c.service.Set.Get(name)
	if !found {
		return Removed{}, c.service.unknown(name)
	}
	name = one.Name()
	if users := c.service.Set.Children(name); len(users) > 0 {
		return Removed{}, fmt.Errorf("%s uses the tokens of %s; remove it first", strings.Join(users, ", "), name)
	}
	done := Removed{Configured: one.Status().Configured}
	v, err := c.vault()
	if err != nil {
		return done, err
	}
	saved, err := v.Names()
	if err != nil {
		return done, err
	}
	if !slices.Contains(saved, name) {
		return done, fmt.Errorf("the vault has no entry for %s; it is in the configuration only: remove connections.%s there", name, name)
	}
	if revoke {
		done.Revoked, err = c.service.Set.Revoke(ctx, name)
		if err != nil {
			done.Revoked, done.Problem = false, err.Error()
		}
	}
	if err := v.Remove(ctx, name); err != nil {
		return done, fmt.Errorf("remove the entry of %s in the vault: %w", name, err)
	}
	_, err = c.notifyEngine(ctx, "")
	return done, err
}

// RotateVault encrypts the vault with a new key. Old is a file with the present
// key, where the configuration has the next one already. With lost, entries that
// no key decrypts are moved aside; otherwise they are an error.
func (c *Connector) RotateVault(ctx context.Context, old string, lost bool) (connection.RotationResult, error) {
	if err := c.checkFolder(); err != nil {
		return connection.RotationResult{}, err
	}
	how := connection.RotationConfig{Lost: lost, Clock: c.clock}
	if old != "" {
		if err := ownership.CheckPrivate("the vault's key", old); err != nil {
			return connection.RotationResult{}, err
		}
		text, err := os.ReadFile(old)
		if err != nil {
			return connection.RotationResult{}, err
		}
		how.Old = string(text)
	}
	done, err := connection.RotateVault(ctx, c.vaultConfig(), how)
	if err != nil {
		return done, err
	}
	_, err = c.notifyEngine(ctx, c.settings.VaultKey)
	return done, err
}

// app returns the app in a connection's name, and the name behind the slash.
func (c *Connector) app(name string) (*bindings.App, string, error) {
	appName, short, _ := strings.Cut(name, "/")
	var names []string
	for _, app := range c.apps {
		if app.Name == appName {
			if !connection.ValidName(name) {
				return nil, "", fmt.Errorf(`%q is not a name of a connection; expected one such as "highlevel" or "highlevel/paris": an app, and after a slash letters, digits, "-" and "_"`, name)
			}
			return app, short, nil
		}
		names = append(names, app.Name)
	}
	text := fmt.Sprintf("there is no app %q", appName)
	if near := bindings.Nearest(appName, names); near != "" {
		text += fmt.Sprintf("; did you mean %s?", near)
	} else {
		text += "; there are " + strings.Join(names, ", ")
	}
	return nil, "", errors.New(text)
}
