package engine

import (
	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connect"
	"github.com/tidewire/tidewire/engine/journal"
)

// LoadConfig reads a configuration. Its error is that the engine cannot start with
// it, and names every setting that is wrong, its place, and what was expected. What
// is wrong with one connection is in ConnectionProblems: only that connection
// cannot be used.
func LoadConfig(from config.Sources, apps []*bindings.App) (Config, error) {
	file, err := connect.Read(from, apps)
	if err != nil {
		return Config{}, err
	}
	s := file.Settings
	wrong, err := connect.Usable(file)
	return Config{
		Apps: apps, Listen: s.Listen, PublicURL: s.PublicURL, TrustedProxies: s.TrustedProxies, Scripts: s.Scripts, Data: s.Data, VaultKey: s.VaultKey, Zone: s.Timezone,
		Connections: s.Connections, ConnectionProblems: wrong, Accounts: s.Accounts, Secrets: s.Secrets, Params: s.Params, InFlight: s.InFlight, Flood: s.Flood, Grace: s.Grace,
		HTTP: HTTPConfig(s.HTTP), Retention: journal.Retention(s.Retention), Warnings: file.Warnings,
		Limits: connect.Limits(s),
	}, err
}
