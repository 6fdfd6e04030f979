package connection

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
)

// Config makes a Set.
type Config struct {
	Apps []*bindings.App
	// Settings are those of the configuration. Those in the vault, of these and
	// of other connections, are added.
	Settings []Settings
	// KnownProblems are problems with settings that are known already, by
	// connection; such a connection exists and cannot be used.
	KnownProblems map[string]string
	// Accounts maps a connection to those of other apps that belong to it:
	// calls from its runs go there, and the other way round where that leaves
	// one choice.
	Accounts map[string][]string
	// Folder is the data folder; the vault is a folder below it, made when
	// there is something to store.
	Folder string
	// VaultKey and Keyring are those of a VaultConfig.
	VaultKey string
	Keyring  Keyring
	// Check returns why nothing in the vault may be changed now, nil if all may;
	// a nil Check allows all.
	Check func() error
	// MaxInstalled bounds the connections that installations make of one parent;
	// zero means 1000.
	MaxInstalled int
	// HTTP sends token requests; nil means http.DefaultClient. AddedHTTP sends those of
	// apps that are not built in; nil means HTTP.
	HTTP, AddedHTTP *http.Client
	Clock           clock.Clock  // nil: the machine's
	Log             *slog.Logger // nil: none
}

// httpOf returns the client of an app's token requests.
func (c Config) httpOf(app *bindings.App) *http.Client {
	if app.Added {
		return c.AddedHTTP
	}
	return c.HTTP
}

// Set is all connections of an installation. It is safe for concurrent use.
type Set struct {
	config     Config
	fetches    sync.WaitGroup
	present    atomic.Pointer[snapshot]
	recoveries atomic.Uint64
	installs   sync.Mutex // one installation at a time

	mu    sync.Mutex // one change at a time
	vault *Vault     // nil: none, or it cannot be opened
}

// snapshot is all connections as they are at one moment.
type snapshot struct {
	byName       map[string]*Connection
	byFormerName map[string]*Connection // by each name that it had
	sorted       []*Connection
	accounts     map[string][]string
	problems     []*Problem // that are of none of these
}

// New checks all settings and makes the connections. One whose settings are wrong,
// or whose entry the vault does not open, is broken, and logged with the reason:
// the others can be used. The error joins what is wrong beside connections, each
// named by its path in the configuration.
func New(config Config) (*Set, error) {
	s, b := open(config)
	if err := b.otherProblems(); err != nil {
		return nil, err
	}
	b.logProblems()
	return s, nil
}

// Open is New for commands that manage connections: it returns all problems, and
// logs none.
func Open(config Config) (*Set, []*Problem) {
	s, b := open(config)
	return s, b.problems
}

func open(config Config) (*Set, *builder) {
	config = config.filled()
	s := &Set{config: config}
	b := newBuilder(config, &s.fetches)
	b.openVault()
	b.build()
	s.vault = b.vault
	s.present.Store(b.snapshot)
	return s, b
}

func (c Config) filled() Config {
	if c.HTTP == nil {
		c.HTTP = http.DefaultClient
	}
	if c.AddedHTTP == nil {
		c.AddedHTTP = c.HTTP
	}
	if c.MaxInstalled <= 0 {
		c.MaxInstalled = 1000
	}
	c.Clock = clock.OrSystem(c.Clock)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Close waits for token requests under way, so that no new refresh token is
// lost between the vendor and the vault.
func (s *Set) Close() {
	s.fetches.Wait()
	s.config.HTTP.CloseIdleConnections()
	s.config.AddedHTTP.CloseIdleConnections()
}

// Problems returns what is wrong in the settings beside the connections that there
// are: with connections of unknown apps, and in accounts:.
func (s *Set) Problems() []*Problem { return slices.Clone(s.present.Load().problems) }

// Get finds a connection by its whole name, or by one that it had.
func (s *Set) Get(name string) (*Connection, bool) { return s.present.Load().get(name) }

func (s *snapshot) get(name string) (*Connection, bool) {
	c, found := s.byName[name]
	if !found {
		c, found = s.byFormerName[name]
	}
	return c, found
}

// All are the connections, sorted by name.
func (s *Set) All() []*Connection { return slices.Clone(s.present.Load().sorted) }

// OfApp are the connections of an app, sorted by name.
func (s *Set) OfApp(app string) []*Connection { return s.present.Load().ofApp(app) }

func (s *snapshot) ofApp(app string) []*Connection {
	var all []*Connection
	for _, c := range s.sorted {
		if c.app.Name == app {
			all = append(all, c)
		}
	}
	return all
}

// ByAccount finds the connection of an account; of several that share it, the
// one of the usual kind.
func (s *Set) ByAccount(app, account string) (*Connection, bool) {
	var found *Connection
	for _, c := range s.present.Load().sorted {
		if account == "" || c.app.Name != app || c.Account() != account {
			continue
		}
		if c.Misconfigured() {
			continue
		}
		if found == nil || found.settings.As != "" && c.settings.As == "" {
			found = c
		}
	}
	return found, found != nil
}

// compareNames sorts connections.
func compareNames(x, y *Connection) int { return strings.Compare(x.Name(), y.Name()) }
