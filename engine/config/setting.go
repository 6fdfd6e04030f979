// Package config has the table of all settings, and reads them: the file
// tidewire.yaml, TIDEWIRE_* variables, which override it, and flags, which
// override both. The errors, the reference of settings, the flags of connect and
// the part of a connection that the vault stores are made from the same table.
// The package checks the form of values only: package engine and the packages
// that use a setting check its meaning.
package config

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Setting describes one setting. Every setting can be set in the file and in a
// variable.
type Setting struct {
	// Name is the setting's name. The name of a setting in a group begins with the
	// group: "http.allow".
	Name string
	Kind Kind
	// Expected completes "expected …" in errors.
	Expected string
	Help     string
	// Default is the value of a setting that is not set, as it would be written in
	// the file; empty if there is none.
	Default string
	// Choices are the allowed values of a Choice. Those of a Secret setting are the
	// values that are no secret and may be in plain text.
	Choices []string
	// Secret is set for a value that no message may contain, and that the file may
	// contain only as a reference.
	Secret bool
	// Flag is the flag of tidewire run that sets it or, for a setting of a
	// connection, the flag of tidewire connect; empty if there is none.
	Flag string
	// Live is set for a setting of a connection that tidewire connect writes to the
	// vault: a running engine uses the new value at once. Every other change takes
	// effect at the next start, also a change of a Live setting in the file or in a
	// variable.
	Live bool
}

// Kind is the kind of a setting's value.
type Kind string

// The kinds of settings.
const (
	Text     Kind = "text"
	URL      Kind = "address"
	Folder   Kind = "folder"
	Choice   Kind = "choice"
	Number   Kind = "number"
	Bool     Kind = "true or false"
	Duration Kind = "length of time"
	Time     Kind = "time"
	TimeZone Kind = "time zone"
	List     Kind = "list"
	Map      Kind = "names with values"
)

// A row is a setting with the field of T that it sets. The value is decoded by
// the type of that field.
type row[T any] struct {
	Setting
	at func(*T) any
}

// Off is the value of a Duration that is set to "off": no interval.
const Off time.Duration = -1

// Defaults that are used also where no configuration is read.
const (
	DefaultListen   = "127.0.0.1:8080"
	DefaultGrace    = 20 * time.Second
	DefaultInFlight = 256
)

// KeyInKeyring is the value of vault_key for a key in the system's keyring.
const KeyInKeyring = "keyring"

// Settings are the values of all settings.
type Settings struct {
	Listen, PublicURL string
	TrustedProxies    []netip.Prefix
	Scripts, Data     string // folders, relative to the working directory
	Timezone          *time.Location
	VaultKey          string
	InFlight, Flood   int
	Grace             time.Duration
	HTTP              struct {
		AllowPrivate bool
		Allow        []string
	}
	Retention struct {
		Age   time.Duration
		Count int
		IDs   time.Duration
	}
	// Limits are those of all scripts, and of some by name.
	Limits struct {
		Default, Ceiling map[string]int64
		Scripts          map[string]Limits
	}
	Connections []Connection
	Accounts    map[string][]string
	Secrets     map[string]string
	// Params has the parameters of each script, by its name, as a JSON object.
	Params map[string]json.RawMessage
}

// Limits are limits of scripts by name: counts, bytes and nanoseconds. Those in Default
// are for hooks that set none; none can set more than Ceiling.
type Limits struct{ Default, Ceiling map[string]int64 }

var settings = []row[Settings]{
	{Setting{Name: "listen", Kind: Text, Default: DefaultListen, Flag: "--listen",
		Expected: "an address such as " + DefaultListen, Help: "address for webhooks"},
		func(s *Settings) any { return &s.Listen }},
	{Setting{Name: "public_url", Kind: URL,
		Expected: "an address such as https://hooks.example.com", Help: "address under which vendors and people reach the engine; without it the one it listens on"},
		func(s *Settings) any { return &s.PublicURL }},
	{Setting{Name: "trusted_proxies", Kind: List,
		Expected: "a list of addresses or networks such as 10.0.0.0/8", Help: "proxies in front of the engine, whose X-Forwarded-For has the sender's address"},
		func(s *Settings) any { return &s.TrustedProxies }},
	{Setting{Name: "scripts", Kind: Folder, Default: "scripts", Flag: "--scripts",
		Expected: "the name of a folder", Help: "scripts folder"},
		func(s *Settings) any { return &s.Scripts }},
	{Setting{Name: "data", Kind: Folder, Default: "data", Flag: "--data-dir",
		Expected: "the name of a folder", Help: "data folder"},
		func(s *Settings) any { return &s.Data }},
	{Setting{Name: "timezone", Kind: TimeZone, Default: "UTC",
		Expected: "a name such as Europe/Paris or UTC", Help: "zone in which dates and schedules are meant"},
		func(s *Settings) any { return &s.Timezone }},
	{Setting{Name: "vault_key", Kind: Text, Choices: []string{KeyInKeyring}, Secret: true,
		Expected: "keyring, or a key that age-keygen made", Help: "key of the vault; without it a file in the data folder"},
		func(s *Settings) any { return &s.VaultKey }},
	{Setting{Name: "in_flight", Kind: Number,
		Expected: "a whole number", Help: "runs that execute at the same time, at most; without it " + strconv.Itoa(DefaultInFlight)},
		func(s *Settings) any { return &s.InFlight }},
	{Setting{Name: "flood", Kind: Number, Default: "1000",
		Expected: "a whole number, 0 for no bound", Help: "events of one trigger in a minute; the runs of more wait for a decision"},
		func(s *Settings) any { return &s.Flood }},
	{Setting{Name: "grace", Kind: Duration, Default: DefaultGrace.String(),
		Expected: "a length of time such as 20s", Help: "how long a shutdown waits for runs"},
		func(s *Settings) any { return &s.Grace }},
	{Setting{Name: "http.allow", Kind: List,
		Expected: "a list of hosts", Help: "hosts that the http library and added apps may reach although they are not public"},
		func(s *Settings) any { return &s.HTTP.Allow }},
	{Setting{Name: "http.allow_private", Kind: Bool, Default: "false",
		Expected: "true or false", Help: "let the http library and added apps reach private addresses"},
		func(s *Settings) any { return &s.HTTP.AllowPrivate }},
	{Setting{Name: "retention.age", Kind: Duration, Default: "30 days",
		Expected: "a length of time such as 30 days", Help: "how long ended runs and their events are stored"},
		func(s *Settings) any { return &s.Retention.Age }},
	{Setting{Name: "retention.count", Kind: Number,
		Expected: "a whole number", Help: "ended runs that are stored, at most; without it as many as there are"},
		func(s *Settings) any { return &s.Retention.Count }},
	{Setting{Name: "retention.ids", Kind: Duration, Default: "90 days",
		Expected: "a length of time such as 90 days", Help: "how long the ids of events are stored, to find repeats"},
		func(s *Settings) any { return &s.Retention.IDs }},
	{Setting{Name: "limits.ceiling", Kind: Map,
		Expected: "limits by name, such as memory: 256 MiB", Help: "limits of scripts, by name, that no hook can exceed; without it ten times the default"},
		func(s *Settings) any { return &s.Limits.Ceiling }},
	{Setting{Name: "limits.default", Kind: Map,
		Expected: "limits by name, such as memory: 256 MiB", Help: "limits of hooks that set none, by name"},
		func(s *Settings) any { return &s.Limits.Default }},
	{Setting{Name: "limits.scripts", Kind: Map,
		Expected: "scripts by name, each with default and ceiling", Help: "default and ceiling of single scripts, by script"},
		func(s *Settings) any { return &s.Limits.Scripts }},
	{Setting{Name: "connections", Kind: Map,
		Expected: "connections by name, each with settings of its own", Help: "connections by name (highlevel, highlevel/paris), with the settings below"},
		func(s *Settings) any { return &s.Connections }},
	{Setting{Name: "accounts", Kind: Map,
		Expected: "names of connections, each with those that belong to it", Help: "connections, each with those that its runs use for other apps"},
		func(s *Settings) any { return &s.Accounts }},
	{Setting{Name: "secrets", Kind: Map, Secret: true,
		Expected: "secrets by name", Help: "secrets of scripts, by name"},
		func(s *Settings) any { return &s.Secrets }},
	{Setting{Name: "params", Kind: Map,
		Expected: "scripts by name, each with parameters of its own", Help: "parameters of scripts, by script"},
		func(s *Settings) any { return &s.Params }},
}

// Find returns the setting with a name, the zero Setting if there is none.
func Find(name string) Setting { return find(settings, name).Setting }

func find[T any](rows []row[T], name string) row[T] {
	for _, r := range rows {
		if r.Name == name {
			return r
		}
	}
	return row[T]{}
}

// names returns the names of rows that begin with a prefix.
func names[T any](rows []row[T], prefix string) []string {
	var all []string
	for _, r := range rows {
		if strings.HasPrefix(r.Name, prefix) {
			all = append(all, r.Name)
		}
	}
	return all
}
