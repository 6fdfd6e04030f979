package connection

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/tidewire/tidewire/bindings"
)

// builder makes connections from settings and the entries of the vault, and
// collects problems.
type builder struct {
	config     Config
	snapshot   *snapshot
	oldStates  map[string]*state // of the snapshot before
	fetches    *sync.WaitGroup
	vault      *Vault
	vaultErr   error            // the vault cannot be opened
	unreadable map[string]error // for each entry that cannot be opened, by name
	entries    map[string]*Entry
	problems   []error
	// checkOnly is set where only settings are checked: neither the vault nor
	// tokens are used.
	checkOnly bool
}

func newBuilder(config Config, fetches *sync.WaitGroup) *builder {
	return &builder{
		config: config, fetches: fetches, oldStates: map[string]*state{}, unreadable: map[string]error{}, entries: map[string]*Entry{},
		snapshot: &snapshot{byName: map[string]*Connection{}, byFormerName: map[string]*Connection{}, accounts: config.Accounts},
	}
}

// Problem is something wrong with a setting, named by its path.
type Problem struct{ Path, Text string }

func (p *Problem) Error() string { return p.Path + ": " + p.Text }

// Check returns the problems that New would find with settings, as far as they
// can be found without the vault's key.
func Check(config Config) []*Problem {
	b := newBuilder(config.filled(), nil)
	b.checkOnly = true
	if config.Folder != "" {
		if names, err := StoredNames(config.Folder); err == nil {
			for _, name := range names {
				b.entries[name] = nil
			}
		}
	}
	b.build()
	return b.settingProblems()
}

func (b *builder) settingProblems() []*Problem {
	found := make([]*Problem, 0, len(b.problems))
	for _, err := range b.problems {
		var p *Problem
		if errors.As(err, &p) {
			found = append(found, p)
		}
	}
	return found
}

// openVault reads all entries of the vault.
func (b *builder) openVault() {
	if b.config.Folder == "" {
		return
	}
	v, err := OpenVault(VaultConfig{Folder: b.config.Folder, Key: b.config.VaultKey, Keyring: b.config.Keyring, Check: b.config.Check})
	if err != nil {
		b.vaultErr = err
		names, _ := StoredNames(b.config.Folder) // err has the reason, if the folder cannot be read
		for _, name := range names {
			b.unreadable[name], b.entries[name] = err, nil
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
			b.unreadable[name], b.entries[name] = err, nil
		case entry != nil:
			b.entries[name] = entry
		}
	}
	// A crash in the middle of a renaming leaves the old name beside the new.
	for _, entry := range b.entries {
		for _, name := range formerNames(entry) {
			if old := b.entries[name]; old != nil && old.ConnectedAt.Equal(entry.ConnectedAt) {
				delete(b.entries, name)
			}
		}
	}
}

func formerNames(e *Entry) []string {
	if e == nil {
		return nil
	}
	return e.FormerNames
}

// build makes the connections and collects their problems.
func (b *builder) build() {
	inFile := map[string]bool{}
	for _, settings := range b.config.Settings {
		inFile[settings.Name] = true
		b.add(settings, true)
	}
	for _, name := range slices.Sorted(maps.Keys(b.entries)) {
		entry := b.entries[name]
		switch {
		case inFile[name]:
		case entry != nil && entry.Settings != nil:
			b.add(*entry.Settings, false)
		case entry == nil && b.isConnectionName(name): // its entry cannot be read, but it exists
			b.add(Settings{Name: name}, false)
		}
	}
	for _, c := range b.snapshot.sorted {
		b.setParent(c)
	}
	slices.SortFunc(b.snapshot.sorted, compareNames)
	b.checkAccounts()
	for _, children := range []bool{false, true} {
		for _, c := range b.snapshot.sorted {
			if (c.parent != nil) == children {
				b.chooseAuth(c)
			}
		}
	}
	b.addFormerNames()
}

// isConnectionName reports whether a text is the name of a connection to one of
// the apps.
func (b *builder) isConnectionName(name string) bool {
	return namePattern.MatchString(name) && slices.ContainsFunc(b.config.Apps, func(app *bindings.App) bool { return app.Name == appOf(name) })
}

// add makes a connection from its settings in the configuration, if it has any
// there, and from its entry in the vault.
func (b *builder) add(settings Settings, inFile bool) {
	entry := b.entries[settings.Name]
	if inFile && entry != nil && entry.Settings != nil {
		if b.isComplete(settings) { // the stored settings are not needed
			own := *entry
			own.Settings, own.AuthName = nil, ""
			entry = &own
		} else {
			settings = settings.Or(*entry.Settings)
		}
	}
	b.check(&Connection{settings: settings, entry: entry, configured: inFile, state: &state{kind: Connected}})
}

// isComplete reports whether settings have all fields of an Auth of the app.
func (b *builder) isComplete(settings Settings) bool {
	bare := &Connection{settings: settings}
	for _, app := range b.config.Apps {
		if app.Name != appOf(settings.Name) {
			continue
		}
		for i := range app.Auth {
			if len(b.missingFields(bare, &app.Auth[i])) == 0 {
				return true
			}
		}
	}
	return false
}

// addFormerNames makes connections available under the names that they had.
func (b *builder) addFormerNames() {
	for _, c := range b.snapshot.sorted {
		if c.entry == nil {
			continue
		}
		for _, name := range c.entry.FormerNames {
			if b.snapshot.byName[name] == nil {
				b.snapshot.byFormerName[name] = c
			}
		}
	}
}

// logProblems logs at a start which connections cannot be used, and what to do.
func (b *builder) logProblems() {
	if b.vaultErr != nil && len(b.unreadable) > 0 {
		b.config.Log.Error("the vault cannot be opened; connections that need it wait", "error", b.vaultErr)
	}
	for _, c := range b.snapshot.sorted {
		problem, kind, _ := c.currentProblem()
		if problem != nil && (kind != Unreadable || b.vaultErr == nil) {
			b.config.Log.Error("connection cannot be used", "connection", c.Name(), "state", kind, "error", fmt.Sprint(problem.Message))
		}
	}
}
