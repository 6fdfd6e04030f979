package connect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/vm"
)

// Read reads a configuration and checks its connections against the apps, which
// may be none. Its error is that the file cannot be read or is not YAML; the
// file's Problems has all else that is wrong.
func Read(from config.Sources, apps []*bindings.App) (*config.File, error) {
	file, err := config.Read(from, config.Rules{ParseDuration: vm.ParseDuration, ParseLimit: parseLimit, IsSecret: secretCredentials(apps)})
	if err != nil {
		return nil, err
	}
	s := file.Settings
	if s.Flood < 0 {
		file.Problems = append(file.Problems, file.Problem("flood",
			fmt.Sprintf("found %d, expected how many events of one trigger a minute may bring, or 0 for no bound", s.Flood)))
	}
	if len(apps) > 0 {
		for _, p := range connection.Check(connection.Config{Apps: apps, Settings: s.Connections, Accounts: s.Accounts, Folder: s.Data}) {
			problem := file.Problem(p.Path, p.Text)
			problem.Partial = p.Missing
			file.Problems = append(file.Problems, problem)
		}
	}
	return file, nil
}

// connectionProblems joins the problems of each connection. It reports whether
// there are others with which the engine cannot start.
func connectionProblems(problems []*config.Problem) (byName map[string]string, others bool) {
	all := map[string][]*config.Problem{}
	for _, p := range problems {
		if name := connection.NameIn(p.Key); name != "" {
			all[name] = append(all[name], p)
		} else {
			others = others || !p.Partial
		}
	}
	byName = map[string]string{}
	for name, of := range all {
		byName[name] = strings.ReplaceAll(config.Join(of).Error(), "\n", "; ")
	}
	return byName, others
}

// Usable returns the problems of each connection in a configuration. Its error is
// that the engine cannot start with it, and names all that is wrong.
func Usable(file *config.File) (connections map[string]string, err error) {
	connections, others := connectionProblems(file.Problems)
	if others {
		err = config.Join(file.Problems)
	}
	return connections, err
}

// secretCredentials returns a function that reports whether a credential of an
// app is a secret.
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
