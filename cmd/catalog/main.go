// Command catalog makes the catalogue that an app's folder embeds from the
// vendor's public documents, the app's names and its corrections. It is the
// maintainer's tool: a build needs only what it once wrote.
//
//	go run ./cmd/catalog -app highlevel -documents DIR          writes bindings/highlevel/catalogue.txt
//	go run ./cmd/catalog -app highlevel -documents DIR -check   fails when that file differs
//	go run ./cmd/catalog -app highlevel.v3 -documents DIR       writes bindings/highlevel/v3/catalogue.txt
//
// It reads no network, and says nothing that the documents, names.txt and
// corrections.txt do not say.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
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

// reader turns the folder of a vendor's documents into a Source.
type reader func(documents string) (*source.Source, error)

// readers are those of the apps whose documents are more or other than OpenAPI.
// An app with a folder and no reader has OpenAPI documents.
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
	app := flags.String("app", "", "the app, or an edition of it: "+strings.Join(apps(), ", "))
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
		return fmt.Errorf("-app %q: expected one of %s, or another that has the folder %s", *app, strings.Join(apps(), ", "), *folder)
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

// generate makes the text of an app's catalogue, or of an edition's.
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
	var of *base
	if strings.Contains(app, ".") {
		if of, err = readBase(filepath.Dir(filepath.Clean(folder))); err != nil {
			return nil, err
		}
		of.name(from)
	}
	if err := names.apply(app, from); err != nil {
		return nil, err
	}
	if of != nil {
		if err := of.correct(from, corrections); err != nil {
			return nil, err
		}
	}
	if err := corrections.apply(from); err != nil {
		return nil, err
	}
	return from.Catalogue()
}

func apps() []string {
	var names []string
	for name := range readers() {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// compare tells the first line in which the catalogue at path differs.
func compare(path string, want []byte) error {
	found, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if bytes.Equal(found, want) {
		return nil
	}
	have, made := strings.Split(string(found), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(have), len(made)) {
		var a, b string
		if i < len(have) {
			a = have[i]
		}
		if i < len(made) {
			b = made[i]
		}
		if a != b {
			return fmt.Errorf("%s:%d differs from what the documents give; run without -check\n  there  %.200q\n  made   %.200q", path, i+1, a, b)
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
