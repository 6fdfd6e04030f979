package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
	"github.com/tidewire/tidewire/engine/ownership"
)

// withReader calls use with a reader of the installation's journal: a client of
// the running engine if there is one, else the file.
func withReader(ctx context.Context, from config.Sources, use func(journal.Reader) error) error {
	data, err := config.DataFolder(from)
	if err != nil {
		return err
	}
	client, err := control.Dial(data)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := client.Status(ctx); err == nil {
		return use(client)
	} else if !control.NotRunning(err) {
		return err
	}
	store, err := sqlite.OpenReader(engine.StorePath(data))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no journal in the data folder %s: no engine has run on it; --data-dir names another folder", data)
	}
	if err != nil {
		return err
	}
	return errors.Join(use(store), store.Close())
}

// changedFolder returns the data folder, for commands that change something in it.
func changedFolder(from config.Sources) (string, error) {
	data, err := config.DataFolder(from)
	if err != nil {
		return "", err
	}
	return data, ownership.CheckFolder("the data folder", data)
}

// withEngine calls use with a client of the running engine, which changes something.
func withEngine(ctx context.Context, from config.Sources, use func(*control.Client) error) error {
	data, err := changedFolder(from)
	if err != nil {
		return err
	}
	return withEngineOf(ctx, data, use)
}

// withEngineOf calls use with a client of the engine that runs on a data folder.
func withEngineOf(ctx context.Context, data string, use func(*control.Client) error) error {
	client, err := control.Dial(data)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := client.Status(ctx); control.NotRunning(err) {
		return fmt.Errorf("no engine runs on the data folder %s; start one with: tidewire run", data)
	} else if err != nil {
		return err
	}
	return use(client)
}
