package connection

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Config makes a Set.
type Config struct {
	Apps     []*bindings.App
	Settings []Settings
	// Accounts maps a connection to those of other apps that belong to it:
	// calls from its runs go there, and the other way round where that leaves
	// one choice.
	Accounts map[string][]string
	// Folder is the data folder; the vault is a folder below it, made when a
	// connection first needs one.
	Folder string
	// HTTP sends token requests; nil means http.DefaultClient.
	HTTP *http.Client
	Now  func() time.Time // nil: time.Now
	Log  *slog.Logger     // nil: none
}

// Set is all connections of an installation.
type Set struct {
	byName   map[string]*Connection
	sorted   []*Connection
	accounts map[string][]string
	http     *http.Client
	fetches  sync.WaitGroup
}

// New checks all settings and makes the connections. The error joins
// everything that is wrong, each named by its path in the configuration.
func New(config Config) (*Set, error) {
	if config.HTTP == nil {
		config.HTTP = http.DefaultClient
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	b := newBuilder(config)
	b.build()
	if len(b.problems) > 0 {
		return nil, errors.Join(b.problems...)
	}
	return b.set, nil
}

func newBuilder(config Config) *builder {
	return &builder{Config: config, set: &Set{byName: map[string]*Connection{}, accounts: config.Accounts, http: config.HTTP}}
}

// build makes the connections and notes what is wrong with them.
func (b *builder) build() {
	for _, settings := range b.Settings {
		b.add(settings)
	}
	for _, c := range b.set.sorted {
		b.join(c)
	}
	slices.SortFunc(b.set.sorted, func(x, y *Connection) int { return strings.Compare(x.Name(), y.Name()) })
	b.checkAccounts()
	for _, children := range []bool{false, true} {
		for _, c := range b.set.sorted {
			if (c.parent != nil) == children {
				b.authorise(c)
			}
		}
	}
}

// Close waits for token requests under way, so that no new refresh token is
// lost between the vendor and the vault.
func (s *Set) Close() {
	s.fetches.Wait()
	s.http.CloseIdleConnections()
}

// Get finds a connection by its whole name.
func (s *Set) Get(name string) (*Connection, bool) {
	c, found := s.byName[name]
	return c, found
}

// All are the connections, sorted by name.
func (s *Set) All() []*Connection { return slices.Clone(s.sorted) }

// OfApp are the connections of an app, sorted by name.
func (s *Set) OfApp(app string) []*Connection {
	var all []*Connection
	for _, c := range s.sorted {
		if c.app.Name == app {
			all = append(all, c)
		}
	}
	return all
}

// ByAccount finds the connection of an account.
func (s *Set) ByAccount(app, account string) (*Connection, bool) {
	if account == "" {
		return nil, false
	}
	for _, c := range s.sorted {
		if c.app.Name == app && c.settings.Account == account {
			return c, true
		}
	}
	return nil, false
}
