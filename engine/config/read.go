package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tidewire/tidewire/bindings/yamltext"
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
	Flags map[string]string
}

// FileName is the file that is looked for in Sources.Dir.
const FileName = "tidewire.yaml"

// Rules are what this package takes from those above it. All are required.
type Rules struct {
	// Length reads a length of time as scripts write it: "30 days".
	Length func(text string) (time.Duration, error)
	// Private refuses the file of a key that others on the machine can read.
	Private func(path string) error
	// Secret reports whether a credential of an app is a secret.
	Secret func(app, credential string) bool
}

// File is a configuration as it was read.
type File struct {
	Settings Settings
	// Problems are all that is wrong with it.
	Problems []*Problem

	name  string
	root  *yaml.Node        // the file, with variables and flags over it
	setBy map[string]string // the variable or flag that a key was set by
	from  Sources
	rules Rules
}

// Read reads a configuration, as far as that is possible. Its error is that the
// file cannot be read or is not YAML; Problems has the rest.
func Read(from Sources, rules Rules) (*File, error) {
	f, err := load(from)
	if err == nil {
		f.fill(rules)
	}
	return f, err
}

func (f *File) fill(rules Rules) {
	f.rules = rules
	f.openReferences()
	f.overlay()
	f.decode()
}

// DataFolder finds the data folder without opening any secret.
func DataFolder(from Sources) (string, error) {
	f, err := load(from)
	if err != nil {
		return "", err
	}
	name, value := yamltext.Get(f.root, "data")
	if f.root.Content = nil; name != nil {
		f.root.Content = []*yaml.Node{name, value}
	}
	f.openReferences()
	f.overlay()
	if _, value = yamltext.Get(f.root, "data"); value != nil {
		if data, found := yamltext.Text(value); found && data != "" {
			return from.below(data), Join(f.Problems)
		}
	}
	return from.below(Find("data").Default), Join(f.Problems)
}

func (from Sources) below(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(from.Dir, path)
}

// load reads the file; a missing one is empty unless it was asked for.
func load(from Sources) (*File, error) {
	name := from.File
	if name == "" {
		name = filepath.Join(from.Dir, FileName)
	}
	text, err := os.ReadFile(name)
	if err != nil && (from.File != "" || !errors.Is(err, fs.ErrNotExist)) {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return parse(name, text, from)
}

func parse(name string, text []byte, from Sources) (*File, error) {
	root, err := yamltext.Parse(name, text)
	switch {
	case err != nil:
		return nil, err
	case yamltext.IsNull(root):
		root = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	case root.Kind != yaml.MappingNode:
		return nil, fmt.Errorf("%s:%d: found %s, expected settings by name", name, root.Line, yamltext.KindOf(root))
	}
	return &File{name: name, root: root, from: from, setBy: map[string]string{}}, nil
}

const variablePrefix = "TIDEWIRE_"

// overlay puts variables and flags over the file.
func (f *File) overlay() {
	values := map[string]string{}
	for _, entry := range f.from.Environ {
		name, value, _ := strings.Cut(entry, "=")
		if key := keyOf(name); key != "" && value != "" {
			values[key], f.setBy[key] = value, name
		}
	}
	// What is deeper comes later, and wins where both cannot stand.
	for _, key := range slices.Sorted(maps.Keys(values)) {
		put(f.root, strings.Split(key, "."), values[key])
	}
	for name, value := range f.from.Flags {
		f.setBy[name] = Find(name).Flag
		put(f.root, []string{name}, value)
	}
}

// keyOf turns TIDEWIRE_CONNECTIONS__HIGHLEVEL___PARIS__TOKEN into
// connections.highlevel/paris.token; empty for a variable that is no setting's.
func keyOf(variable string) string {
	name, found := strings.CutPrefix(variable, variablePrefix)
	if !found {
		return ""
	}
	key := strings.ReplaceAll(strings.ToLower(name), "___", "/")
	return strings.ReplaceAll(key, "__", ".")
}

// put sets a text in a mapping, and makes the mappings that it stands in.
func put(mapping *yaml.Node, path []string, text string) {
	_, value := yamltext.Get(mapping, path[0])
	if value == nil {
		value = &yaml.Node{}
		mapping.Content = append(mapping.Content, quoted(path[0]), value)
	}
	if len(path) == 1 {
		*value = *quoted(text)
		return
	}
	if value.Kind != yaml.MappingNode {
		*value = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	put(value, path[1:], text)
}

// quoted is a text as it would stand in quotes.
func quoted(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: text}
}
