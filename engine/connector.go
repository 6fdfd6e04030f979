package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// Connector makes, tests and ends the connections of an installation, beside
// an engine or without one. An engine that runs is told, and goes on with what
// changed.
type Connector struct {
	config   Config
	desk     desk
	problems []*config.Problem
	scripts  *script.Set // nil until it is asked for
}

// OpenConnector reads the configuration and the vault. What is wrong with a
// connection hinders those alone that are about it.
func OpenConnector(from config.Sources, apps []*bindings.App) (*Connector, error) {
	loaded, problems, err := loadConfig(from, apps)
	if err != nil {
		return nil, err
	}
	loaded.Log, loaded.Now = slog.New(slog.DiscardHandler), time.Now
	c := &Connector{config: loaded, problems: problems}
	if err := c.about("data", "vault_key"); err != nil {
		return nil, fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	wrong := map[string]string{}
	for _, p := range problems {
		if name := connectionOf(p.Key); name != "" {
			wrong[name] = p.Error()
		}
	}
	set, found := connection.Open(connection.Config{
		Apps: apps, Settings: loaded.Connections, Wrong: wrong, Accounts: loaded.Accounts, Folder: loaded.Data,
		VaultKey: loaded.VaultKey, Keyring: loaded.Keyring, HTTP: call.TokenClient(), Now: loaded.Now, Log: loaded.Log,
	})
	for _, p := range found {
		if name := connectionOf(p.Path); wrong[name] == "" {
			c.problems = append(c.problems, &config.Problem{Key: p.Path, Place: p.Path, Text: p.Text})
		}
	}
	calls := call.New(call.Config{Connections: set, Log: loaded.Log, AllowPrivate: loaded.HTTP.AllowPrivate, AllowHosts: loaded.HTTP.Allow})
	c.desk = desk{apps: apps, set: set, calls: calls, generation: c.generation}
	return c, nil
}

// Close ends what is under way.
func (c *Connector) Close() {
	c.desk.calls.Close()
	c.desk.set.Close()
}

// connectionOf is the connection that a setting is about, empty for none.
func connectionOf(key string) string {
	rest, found := strings.CutPrefix(key, "connections.")
	name, _, _ := strings.Cut(rest, ".")
	if !found {
		return ""
	}
	return name
}

// about joins what is wrong with settings.
func (c *Connector) about(keys ...string) error {
	var all []*config.Problem
	for _, p := range c.problems {
		if slices.ContainsFunc(keys, func(key string) bool { return p.Key == key || strings.HasPrefix(p.Key, key+".") }) {
			all = append(all, p)
		}
	}
	return config.Join(all)
}

// generation loads the scripts present, to see what they use; nil where there
// are none.
func (c *Connector) generation() *script.Generation {
	if c.scripts == nil {
		set, err := script.Open(context.Background(), script.Config{
			Dir: c.config.Scripts, Machine: vm.New(vm.Config{Apps: c.config.Apps}), Params: c.config.Params, Zone: c.config.Zone,
			Apps: c.config.Apps, Log: c.config.Log, Now: c.config.Now,
			Connections: func(name string) bool { _, found := c.desk.set.Get(name); return found },
			Keep:        func(context.Context, ...journal.Version) error { return nil },
		})
		if err != nil {
			return nil // no folder, or one that cannot be read: tidewire run says so
		}
		c.scripts = set
	}
	return c.scripts.Generation()
}

// withEngine lends a client of the engine that runs on the installation; false
// if none does.
func (c *Connector) withEngine(ctx context.Context, use func(*control.Client) error) (bool, error) {
	client, err := control.Dial(c.config.Data)
	if err != nil {
		return false, err
	}
	defer client.Close()
	if _, err := client.Status(ctx); err != nil {
		if NobodyListens(err) {
			return false, nil
		}
		return false, err
	}
	return true, use(client)
}

// NobodyListens reports whether an error of a control client means that no
// engine is running.
func NobodyListens(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist))
}

// List tells how all connections stand: as the engine knows it, where one runs.
func (c *Connector) List(ctx context.Context) (all []connection.Status, err error) {
	running, err := c.withEngine(ctx, func(client *control.Client) error {
		all, err = client.Connections(ctx)
		return err
	})
	if !running && err == nil {
		all = c.desk.list()
	}
	return all, err
}

// Show tells how one stands.
func (c *Connector) Show(ctx context.Context, name string) (connection.Status, error) {
	all, err := c.List(ctx)
	if err != nil {
		return connection.Status{}, err
	}
	for _, one := range all {
		if one.Name == name || slices.Contains(one.Formerly, name) {
			return one, nil
		}
	}
	return connection.Status{}, c.desk.unknown(name)
}

// Test makes one harmless call on a connection.
func (c *Connector) Test(ctx context.Context, name string) (t control.ConnectionTest, err error) {
	running, err := c.withEngine(ctx, func(client *control.Client) error {
		t, err = client.TestConnection(ctx, name)
		return err
	})
	if running || err != nil {
		return t, err
	}
	if err := c.about("connections." + name); err != nil {
		return t, err
	}
	return c.desk.test(ctx, name)
}

// vault opens the vault.
func (c *Connector) vault() (*connection.Vault, error) { return connection.OpenVault(c.vaultConfig()) }

func (c *Connector) vaultConfig() connection.VaultConfig {
	return connection.VaultConfig{Folder: c.config.Data, Key: c.config.VaultKey, Keyring: c.config.Keyring}
}

// taken has a running engine take up what changed. It gives the connections
// that it can use now, and whether one runs at all.
func (c *Connector) taken(ctx context.Context, key string) (mended []string, running bool, err error) {
	running, err = c.withEngine(ctx, func(client *control.Client) error {
		mended, err = client.ReloadConnections(ctx, key)
		return err
	})
	if err != nil {
		err = fmt.Errorf("the change is kept, and the running engine did not take it up: %w; start it again", err)
	}
	return mended, running, err
}

// Rename gives a connection that the vault keeps another name.
func (c *Connector) Rename(ctx context.Context, from, to string) error {
	for _, one := range c.config.Connections {
		if one.Name == from {
			return fmt.Errorf("%s stands in the configuration; rename connections.%s there first, then run this again, so that what is kept follows", from, from)
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
	_, _, err = c.taken(ctx, "")
	return err
}

// Removed is what became of a connection that was removed.
type Removed struct {
	Revoked bool   // its tokens were ended at the vendor
	Problem string // why they were not, where the vendor can do it
	// Configured says that the configuration names it still.
	Configured bool
}

// Remove ends a connection: its tokens at the vendor, if revoke says so and the
// vendor has an address for it, and what the vault keeps of it.
func (c *Connector) Remove(ctx context.Context, name string, revoke bool) (Removed, error) {
	one, found := c.desk.set.Get(name)
	if !found {
		return Removed{}, c.desk.unknown(name)
	}
	name = one.Name()
	if users := c.desk.set.Users(name); len(users) > 0 {
		return Removed{}, fmt.Errorf("%s goes by the tokens of %s; remove it first", strings.Join(users, ", "), name)
	}
	done := Removed{Configured: one.Status().Configured}
	v, err := c.vault()
	if err != nil {
		return done, err
	}
	kept, err := v.Names()
	if err != nil {
		return done, err
	}
	if !slices.Contains(kept, name) {
		return done, fmt.Errorf("nothing is kept of %s; it stands in the configuration alone: take connections.%s out of there", name, name)
	}
	if revoke {
		done.Revoked, err = c.desk.set.Revoke(ctx, name)
		if err != nil {
			done.Revoked, done.Problem = false, err.Error()
		}
	}
	if err := v.Remove(ctx, name); err != nil {
		return done, fmt.Errorf("remove what is kept of %s: %w", name, err)
	}
	_, _, err = c.taken(ctx, "")
	return done, err
}

// RotateVault encrypts all that is kept under a new key. Old is a file that
// holds the present key, where the configuration holds the next one already.
func (c *Connector) RotateVault(ctx context.Context, old string, lost bool) (connection.Rotated, error) {
	how := connection.Rotation{Lost: lost, Now: c.config.Now}
	if old != "" {
		if err := connection.CheckPrivate(old); err != nil {
			return connection.Rotated{}, err
		}
		text, err := os.ReadFile(old)
		if err != nil {
			return connection.Rotated{}, err
		}
		how.Old = string(text)
	}
	done, err := connection.RotateVault(ctx, c.vaultConfig(), how)
	if err != nil {
		return done, err
	}
	_, _, err = c.taken(ctx, c.config.VaultKey)
	return done, err
}

// app finds the app that a connection's name is of.
func (c *Connector) app(name string) (*bindings.App, string, error) {
	appName, short, _ := strings.Cut(name, "/")
	var names []string
	for _, app := range c.config.Apps {
		if app.Name == appName {
			if !connection.ValidName(name) {
				return nil, "", fmt.Errorf(`%q is no name of a connection; expected such as "highlevel" or "highlevel/paris": an app, and behind a slash letters, digits, "-" and "_"`, name)
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
