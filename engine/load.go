package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones on machines that have none

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// Sources are where a configuration is read from. Each overrides those before
// it: defaults, the file in Dir, Environ, Flags.
type Sources struct {
	// Dir holds tidewire.yaml; paths in it are relative to Dir.
	Dir string
	// File is another file instead, which must exist.
	File string
	// Environ are variables as os.Environ gives them. TIDEWIRE_LISTEN is
	// listen; two underscores go one level down and three stand for a slash:
	// TIDEWIRE_CONNECTIONS__HIGHLEVEL___PARIS__TOKEN. An empty one counts as
	// not set.
	Environ []string
	// Flags are settings by name, as given on the command line.
	Flags map[string]any
}

// settings are the words of tidewire.yaml.
type settings struct {
	Listen      string                    `koanf:"listen"`
	PublicURL   string                    `koanf:"public_url"`
	Scripts     string                    `koanf:"scripts"`
	Data        string                    `koanf:"data"`
	Timezone    string                    `koanf:"timezone"`
	VaultKey    string                    `koanf:"vault_key"`
	Connections map[string]map[string]any `koanf:"connections"`
	Accounts    map[string]any            `koanf:"accounts"`
	Secrets     map[string]string         `koanf:"secrets"`
	Params      map[string]map[string]any `koanf:"params"`
	HTTP        struct {
		AllowPrivate bool     `koanf:"allow_private"`
		Allow        []string `koanf:"allow"`
	} `koanf:"http"`
	Retention struct {
		Age   time.Duration `koanf:"age"`
		Count int           `koanf:"count"`
		IDs   time.Duration `koanf:"ids"`
	} `koanf:"retention"`
	InFlight int           `koanf:"in_flight"`
	Flood    int           `koanf:"flood"`
	Grace    time.Duration `koanf:"grace"`
}

const envPrefix = "TIDEWIRE_"

// LoadConfig reads a configuration. Its error names every setting that is
// wrong, where it stands, and what was expected.
func LoadConfig(from Sources, apps []*bindings.App) (Config, error) {
	c, problems, err := loadConfig(from, apps)
	if err != nil {
		return c, err
	}
	return c, joined(problems)
}

// loadConfig gives the configuration as far as it can be read, and what is
// wrong with it.
func loadConfig(from Sources, apps []*bindings.App) (Config, []*problem, error) {
	k, where, problems, err := layers(from, true, apps)
	if err != nil {
		return Config{}, nil, err
	}
	s := settings{Listen: DefaultListen, Scripts: "scripts", Data: defaultData, Timezone: "UTC", Grace: DefaultGrace, Flood: DefaultFlood}
	s.Retention.Age, s.Retention.IDs = DefaultRetention.Age, DefaultRetention.IDs
	problems = append(problems, decode(k, &s, where)...)
	c, wrong := s.config(from.Dir, where)
	problems = append(problems, wrong...)
	c.Apps = apps
	if len(apps) > 0 {
		for _, p := range connection.Check(connection.Config{Apps: apps, Settings: c.Connections, Accounts: c.Accounts, Folder: c.Data}) {
			problems = append(problems, where.problem(p.Path, p.Text))
		}
	}
	return c, problems, nil
}

const defaultData = "data"

// layers reads the file, the variables and the flags over each other. With
// open, references in the file are replaced by what they refer to.
func layers(from Sources, open bool, apps []*bindings.App) (*koanf.Koanf, origin, []*problem, error) {
	file, text, err := readConfigFile(from)
	if err != nil {
		return nil, origin{}, nil, err
	}
	where := origin{file: file, text: text, environ: map[string]string{}}
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(text), yaml.Parser()); err != nil {
		return nil, where, nil, fmt.Errorf("read %s: %w", file, err)
	}
	var problems []*problem
	if open {
		problems = opener{dir: from.Dir, lookup: lookupIn(from.Environ), origin: where, plain: plainCredentials(apps)}.openAll(k)
	}
	environ := env.Provider(".", env.Opt{Prefix: envPrefix, EnvironFunc: func() []string { return from.Environ },
		TransformFunc: func(name, value string) (string, any) {
			if value == "" {
				return "", nil
			}
			key := envKey(name)
			where.environ[key] = name
			return key, value
		}})
	if err := k.Load(environ, nil); err != nil {
		return nil, where, nil, fmt.Errorf("read %s variables: %w", envPrefix, err)
	}
	if err := k.Load(confmap.Provider(from.Flags, "."), nil); err != nil {
		return nil, where, nil, fmt.Errorf("read flags: %w", err)
	}
	return k, where, problems, nil
}

// readConfigFile gives the name and text of the file; a missing one is empty
// unless it was asked for.
func readConfigFile(from Sources) (string, []byte, error) {
	name := from.File
	if name == "" {
		name = filepath.Join(from.Dir, ConfigFile)
	}
	text, err := os.ReadFile(name)
	switch {
	case err == nil:
		return name, text, nil
	case errors.Is(err, fs.ErrNotExist) && from.File == "":
		return name, nil, nil
	}
	return "", nil, fmt.Errorf("read the configuration: %w", err)
}

// envKey turns CONNECTIONS__HIGHLEVEL___PARIS__TOKEN into
// connections.highlevel/paris.token.
func envKey(name string) string {
	key := strings.ToLower(strings.TrimPrefix(name, envPrefix))
	key = strings.ReplaceAll(key, "___", "/")
	return strings.ReplaceAll(key, "__", ".")
}

func lookupIn(environ []string) func(string) (string, bool) {
	values := make(map[string]string, len(environ))
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		values[name] = value
	}
	return func(name string) (string, bool) {
		v, found := values[name]
		return v, found
	}
}

// config turns words into what the engine works with.
func (s settings) config(dir string, where origin) (Config, []*problem) {
	var problems []*problem
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil {
		problems = append(problems, where.problem("timezone",
			fmt.Sprintf("found %q, expected a name such as Europe/Paris or UTC", s.Timezone)))
	}
	c := Config{
		Listen: s.Listen, PublicURL: strings.TrimSuffix(s.PublicURL, "/"), Scripts: below(dir, s.Scripts), Data: below(dir, s.Data), VaultKey: s.VaultKey, Zone: zone,
		Secrets: s.Secrets, InFlight: s.InFlight, Flood: s.Flood, Grace: s.Grace, Retention: journal.Retention(s.Retention), Accounts: map[string][]string{},
		HTTP: HTTPConfig{AllowPrivate: s.HTTP.AllowPrivate, Allow: s.HTTP.Allow},
	}
	if s.Flood < 0 {
		problems = append(problems, where.problem("flood",
			fmt.Sprintf("found %d, expected how many events of one trigger a minute may bring, or 0 for no bound", s.Flood)))
	}
	for name, value := range s.Accounts {
		for _, part := range anyList(value) {
			text, ok := part.(string)
			if !ok {
				problems = append(problems, where.problem("accounts."+name,
					"found "+described(part)+", expected the name of a connection"))
				continue
			}
			c.Accounts[name] = append(c.Accounts[name], text)
		}
	}
	for script, params := range s.Params {
		raw, err := json.Marshal(params)
		if err != nil {
			problems = append(problems, where.problem("params."+script, err.Error()))
			continue
		}
		if c.Params == nil {
			c.Params = map[string]json.RawMessage{}
		}
		c.Params[script] = raw
	}
	for _, name := range sortedKeys(s.Connections) {
		one, wrong := connectionSettings(name, s.Connections[name], where)
		problems = append(problems, wrong...)
		c.Connections = append(c.Connections, one)
	}
	return c, problems
}

// connectionSettings splits the settings of a connection from its credentials,
// which are named by the app.
func connectionSettings(name string, values map[string]any, where origin) (connection.Settings, []*problem) {
	one := connection.Settings{Name: name}
	problems := fill(&one, values, "connections."+name+".", where)
	for _, key := range sortedKeys(values) {
		if connectionWords[key] != "" {
			continue
		}
		text, ok := values[key].(string)
		if !ok { // it may be a secret, so it is not shown
			problems = append(problems, where.problem("connections."+name+"."+key, "found "+kind(values[key])+", expected text; put it in quotes"))
			continue
		}
		if one.Credentials == nil {
			one.Credentials = map[string]string{}
		}
		one.Credentials[key] = text
	}
	return one, problems
}

func below(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func anyList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// durationHook reads lengths of time as Go writes them and as scripts do: 20s,
// 1h30m, "30 days".
func durationHook(from, to reflect.Type, value any) (any, error) {
	if from.Kind() != reflect.String || to != reflect.TypeFor[time.Duration]() {
		return value, nil
	}
	text := value.(string)
	if text == "off" {
		return connection.Off, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	return vm.ParseDuration(text)
}

// momentHook reads a date, which begins in UTC, or a time of RFC 3339.
func momentHook(from, to reflect.Type, value any) (any, error) {
	if from.Kind() != reflect.String || to != reflect.TypeFor[time.Time]() {
		return value, nil
	}
	if t, err := time.Parse(time.DateOnly, value.(string)); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, value.(string))
}
