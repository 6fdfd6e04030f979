package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/openapi"
)

// appsFolder is the folder of the apps that an installation adds.
const appsFolder = "apps"

// appsOf returns the apps that are built in and those of an installation.
func appsOf(dir string) ([]*bindings.App, error) {
	own, err := openapi.Load(filepath.Join(dir, appsFolder))
	if err != nil {
		return nil, fmt.Errorf("an app of this folder cannot be used:\n%w", err)
	}
	apps := all.Apps()
	for _, app := range own {
		if builtIn(app.Name) {
			return nil, fmt.Errorf("%s: %s is built in; give yours another name", filepath.Join(dir, appsFolder, app.Name+".app.yaml"), app.Name)
		}
		apps = append(apps, app)
	}
	return apps, nil
}

// checkedApps is appsOf for commands that read whole catalogues: it returns an
// error for each line that cannot be decoded.
func checkedApps(dir string) ([]*bindings.App, error) {
	apps, err := appsOf(dir)
	if err != nil {
		return nil, err
	}
	for _, app := range apps {
		for _, c := range app.Catalogues() {
			if err := c.Check(); err != nil {
				return nil, fmt.Errorf("%s: %w", app.Name, err)
			}
		}
	}
	return apps, nil
}

func builtIn(name string) bool {
	return slices.ContainsFunc(all.Apps(), func(app *bindings.App) bool { return app.Name == name })
}

func appCommand(t terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "app",
		Short: "Add an app of your own, from its OpenAPI document",
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(appAdd(t))
	return c
}

func appAdd(t terminal) *cobra.Command {
	var name, dir string
	c := &cobra.Command{
		Use:   "add DOCUMENT",
		Short: `Make an OpenAPI document an app that scripts can require`,
		Long: `Read an OpenAPI document (version 2, 3.0 or 3.1, JSON or YAML, with references into
files beside it) and write two files below apps/ in DIR:

  NAME.catalogue.txt   its operations and types; made anew each time
  NAME.app.yaml        what documents do not have: accounts, pages, limits, errors,
                       webhooks, polls; yours to complete, and not changed from then on

Then require "NAME" works in scripts, with checks and in the sandbox. Operations that
cannot be mapped are named one by one, and the others go on. tidewire run takes the app
up at its next start.

  tidewire app add ./acme.openapi.yaml --name acme`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := openapi.CheckName(name); err != nil {
				return usageError{fmt.Errorf("--name: %w", err)}
			}
			if builtIn(name) {
				return usageError{fmt.Errorf("--name: %s is built in; choose another name", name)}
			}
			document, err := readDocument(args[0])
			if err != nil {
				return err
			}
			files, err := document.Write(filepath.Join(dir, appsFolder), name, filepath.Base(args[0]))
			printProblems(t, document)
			if err != nil {
				return fmt.Errorf("%s: %w", files.App, err)
			}
			printf(t.out, "%s has %d operations; tidewire catalog show %s lists them\n", name, document.Operations, name)
			if files.AppExisted {
				printf(t.out, "%s was there and is not changed\n", files.App)
				return nil
			}
			printf(t.out, "next: complete %s, and add a connection:\n\n  connections:\n    %s:\n", files.App, name)
			for _, auth := range document.Auth[:min(1, len(document.Auth))] {
				for _, field := range auth.Fields {
					printf(t.out, "      %s: ${%s}\n", field, variable(name, field))
				}
			}
			if document.BaseURL == "" {
				fmt.Fprintln(t.out, "      base_url: https://…")
			}
			return nil
		},
	}
	c.Flags().StringVar(&name, "name", "", "what scripts call it: lower-case letters")
	c.Flags().StringVarP(&dir, "dir", "C", ".", "folder that tidewire run is given")
	return c
}

// readDocument reads a document and the files below its folder that it refers to.
func readDocument(file string) (*openapi.Document, error) {
	source, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s", file)
	}
	if err != nil {
		return nil, err
	}
	folder := os.DirFS(filepath.Dir(file))
	document, err := openapi.Read(source, func(name string) ([]byte, error) { return fs.ReadFile(folder, path.Clean(name)) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return document, nil
}

// printProblems prints what could not be mapped.
func printProblems(t terminal, d *openapi.Document) {
	left := 0
	for _, p := range d.Problems {
		word := "left out"
		if p.Note {
			word = "note"
		} else if p.Operation != "" {
			left++
		}
		printf(t.err, "%s: %s\n", word, p)
	}
	if left > 0 {
		printf(t.err, "%d operations were left out\n", left)
	}
}

// variable returns the environment variable for a setting, such as ACME_API_KEY.
func variable(app, field string) string {
	up := []byte(app + "_" + field)
	for i, b := range up {
		if b >= 'a' && b <= 'z' {
			up[i] = b - 'a' + 'A'
		}
	}
	return string(up)
}
