package engine

import (
	"encoding/json"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
)

// Config says what an engine works with. LoadConfig reads one from a folder;
// tests and the demo write one directly. Apps, Scripts and Data are required.
type Config struct {
	Apps []*bindings.App
	// Listen is the address for webhooks.
	Listen string
	// PublicURL is the address under which people reach the engine, for links
	// to its pages; empty means the address it listens on.
	PublicURL string
	// Scripts and Data are folders; Data is made if it is not there.
	Scripts string
	Data    string
	// Zone is where dates and schedules are meant.
	Zone *time.Location
	// VaultKey opens what is kept of connections: empty for a key in a file of
	// the data folder, "keyring", or the key itself. Keyring is then the
	// operating system's where it is nil.
	VaultKey    string
	Keyring     connection.Keyring
	Connections []connection.Settings
	// Accounts maps a connection to the one that its runs use for another app.
	Accounts map[string][]string
	Secrets  map[string]string
	// Params are the parameters of scripts, by script name.
	Params map[string]json.RawMessage
	HTTP   HTTPConfig
	// Retention says how long what has ended is kept; zero fields keep it.
	Retention journal.Retention
	// Flood is how many events of one trigger may come from an app in a minute
	// before their runs are paused; zero means no bound.
	Flood int
	// InFlight bounds runs between their first line and their end, Grace the
	// time that a shutdown waits for them.
	InFlight int
	Grace    time.Duration
	Log      *slog.Logger
	Now      func() time.Time
	// Timer waits by Now: it gives a channel on which the time comes once d has
	// passed, and a function that gives the timer up; nil means the machine's.
	Timer func(d time.Duration) (<-chan time.Time, func())
	// Finished is told of every run that ended.
	Finished func(journal.Run, []journal.Step)
}

// HTTPConfig says which addresses the http library may reach beyond public ones.
type HTTPConfig struct {
	AllowPrivate bool
	Allow        []string // host names or addresses
}
