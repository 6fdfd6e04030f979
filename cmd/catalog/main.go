// Command catalog generates the catalogue that an app's folder embeds, from the
// vendor's public documents and the app's names and corrections. It is a tool
// for maintainers; a build does not need it.
//
//	go run ./cmd/catalog -app highlevel -documents DIR          writes bindings/highlevel/catalogue.txt
//	go run ./cmd/catalog -app highlevel -documents DIR -check   fails when that file differs
//	go run ./cmd/catalog -app highlevel.v3 -documents DIR       writes bindings/highlevel/v3/catalogue.txt
//
// It does not use the network. Everything in a catalogue comes from the
// documents, names.txt and corrections.txt.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	asana "github.com/tidewire/tidewire/bindings/asana/document"
	googlecalendar "github.com/tidewire/tidewire/bindings/googlecalendar/document"
	highlevel "github.com/tidewire/tidewire/bindings/highlevel/document"
	"github.com/tidewire/tidewire/bindings/openapi"
	qonto "github.com/tidewire/tidewire/bindings/qonto/document"
	slack "github.com/tidewire/tidewire/bindings/slack/document"
	"github.com/tidewire/tidewire/bindings/source"
	teams "github.com/tidewire/tidewire/bindings/teams/document"
)

// reader reads the folder of a vendor's documents.
type reader func(documents string) (*source.Source, error)

// readers returns the readers of the apps with documents that are not, or not
// only, OpenAPI. An app with a folder and no reader has OpenAPI documents.
func readers() map[string]reader {
	return map[string]reader{
		"asana":          asana.Read,
		"googlecalendar": googlecalendar.Read,
		"highlevel":      highlevel.Read,
		"highlevel.v3":   highlevel.ReadV3,
		"qonto":          qonto.Read,
		"slack":          slack.Read,
		"teams":          teams.Read,
	}
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "catalog:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("catalog", flag.ContinueOnError)
	apps := strings.Join(slices.Sorted(maps.Keys(readers())), ", ")
	app := flags.String("app", "", "the app, or an edition of it: "+apps)
	documents := flags.String("documents", "", "the folder with the vendor's documents")
	folder := flags.String("folder", "", "the app's folder (default bindings/<app>), an edition's is below it")
	check := flags.Bool("check", false, "compare with the catalogue there instead of writing it")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if *folder == "" {
		*folder = filepath.Join("bindings", strings.ReplaceAll(*app, ".", "/"))
	}
	read := readers()[*app]
	if info, err := os.Stat(*folder); read == nil && *app != "" && err == nil && info.IsDir() {
		read = openapi.Folder{}.Read
	}
	if read == nil {
		return fmt.Errorf("-app %q: expected one of %s, or another that has the folder %s", *app, apps, *folder)
	}
	if *documents == "" {
		return fmt.Errorf("-documents is missing: the folder with the vendor's documents")
	}
	text, err := generate(*app, *folder, *documents, read)
	if err != nil {
		return err
	}
	path := filepath.Join(*folder, "catalogue.txt")
	if *check {
		return compare(path, text)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %s\n", path, summary(text))
	return err
}

// generate returns the text of the catalogue of an app or of an edition.
func generate(app, folder, documents string, read reader) ([]byte, error) {
	names, err := readNames(filepath.Join(folder, "names.txt"))
	if err != nil {
		return nil, err
	}
	corrections, err := readCorrections(filepath.Join(folder, "corrections.txt"))
	if err != nil {
		return nil, err
	}
	from, err := read(documents)
	if err != nil {
		return nil, err
	}
	var appBase *base // nil unless it is an edition
	if strings.Contains(app, ".") {
		if appBase, err = readBase(filepath.Dir(filepath.Clean(folder))); err != nil {
			return nil, err
		}
		appBase.setNames(from)
	}
	if err := names.apply(app, from); err != nil {
		return nil, err
	}
	if appBase != nil {
		if err := appBase.correct(from, corrections); err != nil {
			return nil, err
		}
	}
	if err := corrections.apply(from); err != nil {
		return nil, err
	}
	return from.Catalogue()
}

// compare returns an error with the first line in which the catalogue at path
// differs; nil if it is the same.
func compare(path string, want []byte) error {
	found, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if bytes.Equal(found, want) {
		return nil
	}
	old, generated := strings.Split(string(found), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(old), len(generated)) {
		var a, b string
		if i < len(old) {
			a = old[i]
		}
		if i < len(generated) {
			b = generated[i]
		}
		if a != b {
			return fmt.Errorf("%s:%d differs from the catalogue of the documents; run without -check\n  found     %.200q\n  expected  %.200q", path, i+1, a, b)
		}
	}
	return nil
}

func summary(text []byte) string {
	counts := map[string]int{}
	for line := range bytes.Lines(text) {
		kind, _, _ := bytes.Cut(line, []byte(" "))
		counts[string(kind)]++
	}
	return fmt.Sprintf("%d operations, %d types, %d triggers, %d bytes", counts["operation"], counts["type"], counts["trigger"], len(text))
}
