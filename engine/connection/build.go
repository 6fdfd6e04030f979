package connection

import (
	"errors"
	"maps"
	"slices"
	"strings"
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
	problems   []*Problem
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
type Problem struct {
	Path, Text string
	// Missing is set if accounts: names a connection that does not exist, because
	// it was removed or has yet to be made.
	Missing bool
}

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
	return b.problems
}

// CheckSettings returns what makes the settings of a connection unusable, whether
// or not it has all credentials yet.
func CheckSettings(apps []*bindings.App, settings Settings) []*Problem {
	b := newBuilder(Config{Apps: apps}.filled(), nil)
	c := &Connection{settings: settings, configured: true, state: &state{kind: Connected}}
	b.check(c)
	if c.app != nil {
		b.checkCredentials(c)
	}
	return b.problems
}

// NameIn returns the name of the connection that a path in the configuration is
// of, empty for none.
func NameIn(path string) string {
	rest, found := strings.CutPrefix(path, "connections.")
	if !found {
		return ""
	}
	name, _, _ := strings.Cut(rest, ".")
	return name
}

// otherProblems joins the problems that are of no one connection.
func (b *builder) otherProblems() error {
	var all []error
	for _, p := range b.problems {
		if NameIn(p.Path) == "" && !p.Missing {
			all = append(all, p)
		}
	}
	return errors.Join(all...)
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
	for _, name := range slices.Sorted(maps.Keys(b.config.KnownProblems)) {
		if _, stored := b.entries[name]; !stored && !inFile[name] { // its settings could not be read
			b.add(Settings{Name: name}, true)
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
	for _, p := range b.problems {
		if b.snapshot.byName[NameIn(p.Path)] == nil {
			b.snapshot.problems = append(b.snapshot.problems, p)
		}
	}
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
			b.config.Log.Error("connection cannot be used", "connection", c.Name(), "state", kind, "error", trimPrefix(problem.Message, c.Name()))
		}
	}
	for _, p := range b.snapshot.problems {
		b.config.Log.Error("a setting is wrong", "setting", p.Path, "error", p.Text)
	}
}
