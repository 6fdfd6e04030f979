package connection

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/tidewire/tidewire/bindings"
)

// builder turns settings and what the vault keeps into connections, and
// gathers what is wrong.
type builder struct {
	Config
	made     *snapshot
	former   map[string]*state // of the snapshot before
	fetches  *sync.WaitGroup
	vault    *Vault
	vaultErr error            // the vault cannot be opened
	unread   map[string]error // what the vault keeps and does not open, by name
	entries  map[string]*Entry
	problems []error
	// dry builds nothing: neither vault nor tokens are touched.
	dry bool
}

func newBuilder(config Config, fetches *sync.WaitGroup) *builder {
	return &builder{
		Config: config, fetches: fetches, former: map[string]*state{}, unread: map[string]error{}, entries: map[string]*Entry{},
		made: &snapshot{byName: map[string]*Connection{}, formerly: map[string]*Connection{}, accounts: config.Accounts},
	}
}

// Problem is something wrong with a setting, named by its path.
type Problem struct{ Path, Text string }

func (p *Problem) Error() string { return p.Path + ": " + p.Text }

// Check finds what New would find wrong with settings, as far as that shows
// without the vault's key.
func Check(config Config) []*Problem {
	b := newBuilder(config.filled(), nil)
	b.dry = true
	if config.Folder != "" {
		if names, err := KeptNames(config.Folder); err == nil {
			for _, name := range names {
				b.entries[name] = nil
			}
		}
	}
	b.build()
	return b.found()
}

func (b *builder) found() []*Problem {
	found := make([]*Problem, 0, len(b.problems))
	for _, err := range b.problems {
		var p *Problem
		if errors.As(err, &p) {
			found = append(found, p)
		}
	}
	return found
}

// openVault reads everything that the vault keeps.
func (b *builder) openVault() {
	if b.Folder == "" {
		return
	}
	v, err := OpenVault(VaultConfig{Folder: b.Folder, Key: b.VaultKey, Keyring: b.Keyring})
	if err != nil {
		b.vaultErr = err
		names, _ := KeptNames(b.Folder) // where the folder cannot be read, the error says so
		for _, name := range names {
			b.unread[name], b.entries[name] = err, nil
		}
		return
	}
	b.readEntries(v)
}

func (b *builder) readEntries(v *Vault) {
	b.vault = v
	names, err := v.Names()
	if err != nil {
		b.vault, b.vaultErr = nil, err
		return
	}
	for _, name := range names {
		entry, err := v.Load(name)
		switch {
		case err != nil:
			b.unread[name], b.entries[name] = err, nil
		case entry != nil:
			b.entries[name] = entry
		}
	}
	// A crash in the middle of a renaming leaves the old name beside the new.
	for _, entry := range b.entries {
		for _, name := range formerly(entry) {
			if old := b.entries[name]; old != nil && old.Made.Equal(entry.Made) {
				delete(b.entries, name)
			}
		}
	}
}

func formerly(e *Entry) []string {
	if e == nil {
		return nil
	}
	return e.Formerly
}

// build makes the connections and notes what is wrong with them.
func (b *builder) build() {
	inFile := map[string]bool{}
	for _, settings := range b.Settings {
		inFile[settings.Name] = true
		b.add(settings, true)
	}
	for _, name := range slices.Sorted(maps.Keys(b.entries)) {
		entry := b.entries[name]
		switch {
		case inFile[name]:
		case entry != nil && entry.Settings != nil:
			b.add(*entry.Settings, false)
		case entry == nil && b.knows(name): // it cannot be read: that it is there is known
			b.add(Settings{Name: name}, false)
		}
	}
	for _, c := range b.made.sorted {
		b.join(c)
	}
	slices.SortFunc(b.made.sorted, byNames)
	b.checkAccounts()
	for _, children := range []bool{false, true} {
		for _, c := range b.made.sorted {
			if (c.parent != nil) == children {
				b.authorise(c)
			}
		}
	}
	b.nameFormerly()
}

// knows reports whether a name is one of a connection to an app that there is.
func (b *builder) knows(name string) bool {
	return namePattern.MatchString(name) && slices.ContainsFunc(b.Apps, func(app *bindings.App) bool { return app.Name == appOf(name) })
}

// add makes a connection of what the configuration says of it, if it does, and
// of what the vault keeps.
func (b *builder) add(settings Settings, inFile bool) {
	entry := b.entries[settings.Name]
	if inFile && entry != nil && entry.Settings != nil {
		if b.whole(settings) { // it needs nothing of what is kept
			own := *entry
			own.Settings, own.Way = nil, ""
			entry = &own
		} else {
			settings = settings.Over(*entry.Settings)
		}
	}
	b.check(&Connection{settings: settings, entry: entry, inFile: inFile, state: &state{kind: Connected}})
}

// whole reports whether settings hold one of the app's ways.
func (b *builder) whole(settings Settings) bool {
	bare := &Connection{settings: settings}
	for _, app := range b.Apps {
		if app.Name != appOf(settings.Name) {
			continue
		}
		for i := range app.Auth {
			if len(b.absent(bare, &app.Auth[i])) == 0 {
				return true
			}
		}
	}
	return false
}

// nameFormerly lets a connection be found by the names that it had.
func (b *builder) nameFormerly() {
	for _, c := range b.made.sorted {
		if c.entry == nil {
			continue
		}
		for _, name := range c.entry.Formerly {
			if b.made.byName[name] == nil {
				b.made.formerly[name] = c
			}
		}
	}
}

// tell says at a start what cannot be used, and what to do.
func (b *builder) tell() {
	if b.vaultErr != nil && len(b.unread) > 0 {
		b.Log.Error("the vault cannot be opened; connections that need it wait", "error", b.vaultErr)
	}
	for _, c := range b.made.sorted {
		verdict, kind, _ := c.stopped()
		if verdict != nil && (kind != Unreadable || b.vaultErr == nil) {
			b.Log.Error("connection cannot be used", "connection", c.Name(), "state", kind, "error", fmt.Sprint(verdict.Message))
		}
	}
}
