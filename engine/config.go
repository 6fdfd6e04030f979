package engine

import (
	"encoding/json"
	"log/slog"
	"net/netip"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// Config makes an engine. LoadConfig reads one from a folder. Scripts and Data are
// required.
type Config struct {
	// Apps are those that scripts can use; none is an engine of scripts that use
	// no app.
	Apps []*bindings.App
	// Listen is the address for webhooks; empty means 127.0.0.1:8080.
	Listen string
	// Mounted is set when the caller serves Engine.Handler itself: the engine
	// then does not listen. PublicURL is needed for links to its pages.
	Mounted bool
	// PublicURL is the address under which people reach the engine, for links
	// to its pages; empty means the address it listens on.
	PublicURL string
	// TrustedProxies are the networks of proxies in front of the engine. The
	// X-Forwarded-For of requests from elsewhere is not read.
	TrustedProxies []netip.Prefix
	// Warnings are what is wrong with the configuration and does not prevent a start.
	// They are logged.
	Warnings []string
	// Scripts and Data are folders; Data is made if it is not there. A Data that users
	// other than its owner can write is refused.
	Scripts string
	Data    string
	// Version is that of the program, for people; backups have it.
	Version string
	// Libraries are modules of Go functions for scripts.
	Libraries []vm.Library
	// Zone is the time zone of dates and schedules; nil means UTC.
	Zone *time.Location
	// VaultKey decrypts the vault: empty for a key in a file of the data folder,
	// "keyring", or the key itself. Keyring is used for "keyring"; nil means the
	// operating system's.
	VaultKey    string
	Keyring     connection.Keyring
	Connections []connection.Settings
	// ConnectionProblems are problems with settings of connections that are known
	// already, by their names: these connections cannot be used.
	ConnectionProblems map[string]string
	// Accounts maps a connection to the one that its runs use for another app.
	Accounts map[string][]string
	Secrets  map[string]string
	// Params are the parameters of scripts, by script name.
	Params map[string]json.RawMessage
	HTTP   HTTPConfig
	// Retention is how long what has ended is stored; zero means without end, while
	// the settings of a folder have 30 days.
	Retention journal.Retention
	// Flood is how many events of one trigger may come from an app in a minute
	// before their runs are paused; zero means no bound.
	Flood int
	// Limits returns the bounds of a script's limits; nil: the defaults, and ceilings of
	// ten times those.
	Limits func(script string) script.Bounds
	// InFlight bounds runs between their first line and their end; zero means 256.
	InFlight int
	// Grace is how long a shutdown waits for runs; zero means 20 s.
	Grace time.Duration
	// Log is the engine's log; nil means that nothing is logged.
	Log *slog.Logger
	// Clock is the time that runs, timers and schedules use; nil means the
	// machine's.
	Clock clock.Clock
	// Finished, if it is set, is called for every run that ended.
	Finished func(journal.Run, []journal.Step)
}

// HTTPConfig has the addresses that the http library, and apps that are not built in,
// may reach beside public ones.
type HTTPConfig struct {
	AllowPrivate bool
	Allow        []string // host names or addresses
}
