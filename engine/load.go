package engine

import (
	"fmt"
	"slices"
	_ "time/tzdata" // zones on machines that have none

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// LoadConfig reads a configuration. Its error names every setting that is
// wrong, where it stands, and what was expected.
func LoadConfig(from config.Sources, apps []*bindings.App) (Config, error) {
	c, problems, err := loadConfig(from, apps)
	if err != nil {
		return c, err
	}
	return c, config.Join(problems)
}

// loadConfig gives the configuration as far as it can be read, and what is
// wrong with it.
func loadConfig(from config.Sources, apps []*bindings.App) (Config, []*config.Problem, error) {
	file, err := config.Read(from, config.Rules{Length: vm.ParseDuration, Private: connection.CheckPrivate, Secret: secretCredentials(apps)})
	if err != nil {
		return Config{}, nil, err
	}
	s, problems := file.Settings, file.Problems
	c := Config{
		Apps: apps, Listen: s.Listen, PublicURL: s.PublicURL, Scripts: s.Scripts, Data: s.Data, VaultKey: s.VaultKey, Zone: s.Timezone,
		Connections: s.Connections, Accounts: s.Accounts, Secrets: s.Secrets, Params: s.Params, InFlight: s.InFlight, Flood: s.Flood, Grace: s.Grace,
		HTTP: HTTPConfig(s.HTTP), Retention: journal.Retention(s.Retention),
	}
	if c.Flood < 0 {
		problems = append(problems, file.Problem("flood",
			fmt.Sprintf("found %d, expected how many events of one trigger a minute may bring, or 0 for no bound", c.Flood)))
	}
	if len(apps) > 0 {
		for _, p := range connection.Check(connection.Config{Apps: apps, Settings: c.Connections, Accounts: c.Accounts, Folder: c.Data}) {
			problems = append(problems, file.Problem(p.Path, p.Text))
		}
	}
	return c, problems, nil
}

// secretCredentials tells the credentials of apps that are secrets from those
// that are not.
func secretCredentials(apps []*bindings.App) func(app, credential string) bool {
	plain := map[string][]string{}
	for _, app := range apps {
		for _, auth := range app.Auth {
			plain[app.Name] = append(plain[app.Name], auth.Plain...)
		}
	}
	return func(app, credential string) bool {
		return credential != "client_id" && !slices.Contains(plain[app], credential)
	}
}
