package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/doctor"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// Diagnose lists what is wrong with an installation whose engine does not answer, or
// does not start, as far as it is found without one. It changes nothing.
func Diagnose(ctx context.Context, from config.Sources, apps []*bindings.App) []control.Finding {
	d := diagnosis{examined: doctor.Engine{Apps: apps, Clock: clock.System}}
	data, err := config.DataFolder(from)
	if err != nil {
		d.add("configuration", err.Error(), "fix the configuration; what follows is about "+data+", the data folder without it")
	}
	folder := doctor.Folder{Data: data, Journal: StorePath(data), Clock: clock.System}
	found, reader := folder.Examine(ctx)
	d.findings = append(d.findings, found...)
	if reader != nil {
		defer reader.Close()
		d.examined.Store = reader
	}
	if err == nil {
		d.configured(ctx, from, reader)
	}
	found, err = doctor.Examine(ctx, d.examined)
	if d.findings = append(d.findings, found...); err != nil {
		d.add("journal", err.Error(), "fix what is wrong with the journal; then tidewire doctor again")
	}
	return d.findings
}

// diagnosis has the parts and the results of Diagnose.
type diagnosis struct {
	examined doctor.Engine
	findings []control.Finding
}

func (d *diagnosis) add(kind, text, do string) {
	d.findings = append(d.findings, control.Finding{Kind: kind, Text: text, Do: do})
}

// errReadOnly prevents that a diagnosis changes the vault.
var errReadOnly = errors.New("a diagnosis changes nothing")

// configured examines what the configuration names: vault, connections and scripts.
func (d *diagnosis) configured(ctx context.Context, from config.Sources, reader *sqlite.Reader) {
	c, wrong := LoadConfig(from, d.examined.Apps)
	if wrong != nil {
		d.add("configuration", wrong.Error(), "fix the configuration: the engine does not start")
	}
	readOnly := func() error { return errReadOnly }
	_, err := connection.OpenVault(connection.VaultConfig{Folder: c.Data, Key: c.VaultKey, Check: readOnly})
	if errors.Is(err, errReadOnly) {
		err = nil // the next start finishes a rotation of the key
	}
	var wrongKey *connection.KeyError
	switch {
	case errors.As(err, &wrongKey):
		d.add("vault", wrongKey.Text, "put the right key back; if it is lost: tidewire vault rotate --lost, and then tidewire connect each of "+fmt.Sprint(wrongKey.Names))
	case err != nil:
		d.add("vault", err.Error(), "put the vault back from a copy, or make its files readable")
	}
	connections, _ := connection.Open(connection.Config{
		Apps: c.Apps, Settings: c.Connections, KnownProblems: c.ConnectionProblems, Accounts: c.Accounts, Folder: c.Data, VaultKey: c.VaultKey, Keyring: c.Keyring, Check: readOnly,
	})
	defer connections.Close()
	d.examined.Connections = connections
	config := script.Config{
		Dir: c.Scripts, Machine: vm.New(vm.Config{Apps: c.Apps, Libraries: c.Libraries}), Params: c.Params, Zone: c.Zone, Apps: c.Apps, Limits: c.Limits,
		Connections: func(name string) bool { _, found := connections.Get(name); return found },
	}
	if reader != nil {
		config.Versions = storedVersions{reader}
	}
	set, err := script.Open(ctx, config)
	if err != nil && config.Versions != nil { // the journal may be damaged
		config.Versions = nil
		set, err = script.Open(ctx, config)
	}
	if err != nil {
		d.add("script", err.Error(), "--scripts names another folder")
	}
	d.examined.Scripts = set
}

// storedVersions are the versions in a journal that is only read.
type storedVersions struct{ *sqlite.Reader }

// SetLive implements script.Versions.
func (storedVersions) SetLive(context.Context, []journal.Version, []string) error { return nil }
