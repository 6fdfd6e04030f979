package connection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// HandleInstall applies a vendor's report that an app was installed in an
// account of a parent: the account gets a connection of its own under it, or
// the one that it has can be used again. It returns the names of the
// connections that can be used now. One company makes at most
// Config.MaxInstalled connections.
func (s *Set) HandleInstall(ctx context.Context, parent *Connection, account string, at time.Time) ([]string, error) {
	if account == "" || account == parent.Account() {
		return nil, nil // the parent's own tokens are from connect
	}
	s.installs.Lock()
	defer s.installs.Unlock()
	if c, found := s.ByAccount(parent.app.Name, account); found {
		if !c.isBelow(parent) {
			return nil, nil
		}
		return s.handleReinstall(ctx, c, at)
	}
	if parent.auth == nil || parent.auth.OAuth == nil || parent.auth.OAuth.Exchange == nil || parent.parent != nil {
		return nil, nil // it has no tokens for others
	}
	v, err := s.openedVault()
	if err != nil || v == nil {
		return nil, err
	}
	if s.installed(parent) >= s.config.MaxInstalled {
		s.config.Log.Error("the app was installed, and no connection is made: its parent has too many; make it with tidewire connect, or remove others",
			"account", account, "parent", parent.Name(), "max", s.config.MaxInstalled)
		return nil, nil
	}
	name := s.unusedName(parent.app, account)
	entry := Entry{Connection: name, ConnectedAt: at, Settings: &Settings{Name: name, Account: account, Parent: parent.Name()}}
	if err := v.Save(ctx, entry); err != nil {
		return nil, fmt.Errorf("save the connection %q: %w", name, err)
	}
	s.config.Log.Info("connection made, since the app was installed there", "connection", name, "account", account, "parent", parent.Name())
	return s.Reload("")
}

// installed counts the connections below a parent that the configuration does not
// have.
func (s *Set) installed(parent *Connection) int {
	count := 0
	for _, c := range s.present.Load().sorted {
		if c.isBelow(parent) && !c.configured {
			count++
		}
	}
	return count
}

// isBelow reports whether a connection is the parent of this one. Each reload
// makes other values of both.
func (c *Connection) isBelow(parent *Connection) bool {
	return c.parent != nil && c.parent.Name() == parent.Name()
}

// handleReinstall makes a child usable again that an earlier report ended.
func (s *Set) handleReinstall(ctx context.Context, c *Connection, at time.Time) ([]string, error) {
	problem, kind, since := c.currentProblem()
	if c.parent == nil || problem == nil || kind != Refused || since.After(at) {
		return nil, nil
	}
	err := s.updateEntry(ctx, c.Name(), func(e *Entry) bool {
		e.ConnectedAt = at
		return true
	})
	if err != nil {
		return nil, err
	}
	return []string{c.Name()}, s.ClearBroken(ctx, c.Name())
}

// HandleUninstall applies a vendor's report that an app was removed from an
// account, or, without one, from that of the connection itself. Connections of
// other client ids are of other apps of the vendor, and go on.
func (s *Set) HandleUninstall(ctx context.Context, c *Connection, account string, at time.Time) error {
	if account == "" {
		return s.endInstallation(ctx, c, at)
	}
	var problems []error
	for _, one := range s.OfApp(c.app.Name) {
		if one.Account() == account && one.ClientID() == c.ClientID() {
			problems = append(problems, s.endInstallation(ctx, one, at))
		}
	}
	return errors.Join(problems...)
}

func (s *Set) endInstallation(ctx context.Context, c *Connection, at time.Time) error {
	if c.entry != nil && c.entry.ConnectedAt.After(at) {
		return nil // it came late: the app was installed again since
	}
	return s.setBrokenAt(ctx, c, fmt.Sprintf("%s reports that the app was uninstalled", c.app.Title), at)
}

// unusedName makes a name from an account.
func (s *Set) unusedName(app *bindings.App, account string) string {
	word := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r < 0x80 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return '-'
	}, account)
	word = strings.TrimLeft(word, "-_")
	if word == "" {
		word = "account"
	}
	stored, _ := StoredNames(s.config.Folder) // what cannot be read has no names
	name := app.Name + "/" + word
	for n := 2; ; n++ {
		if _, found := s.Get(name); !found && !slices.Contains(stored, name) {
			return name
		}
		name = fmt.Sprintf("%s/%s-%d", app.Name, word, n)
	}
}
