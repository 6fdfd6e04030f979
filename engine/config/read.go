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

// Sources are the places that a configuration is read from. Each overrides those
// before it: defaults, the file in Dir, Environ, Flags.
type Sources struct {
	// Dir is the folder of tidewire.yaml; paths in that file are relative to Dir.
	Dir string
	// File is read instead of the file in Dir, if it is not empty. It must exist.
	File string
	// Environ has variables in the form of os.Environ. TIDEWIRE_LISTEN sets listen.
	// Two underscores go one level down and three mean a slash:
	// TIDEWIRE_CONNECTIONS__HIGHLEVEL___PARIS__TOKEN. An empty variable counts as
	// not set; for a secret it is a problem.
	Environ []string
	// Flags has the settings of the command line, by name.
	Flags map[string]string
}

// FileName is the name of the file that is read from Sources.Dir.
const FileName = "tidewire.yaml"

// Rules are functions of packages that config may not import. All are required.
type Rules struct {
	// ParseDuration reads a length of time as scripts write it: "30 days".
	ParseDuration func(text string) (time.Duration, error)
	// ParseLimit reads the value of a limit of scripts: a count, bytes or nanoseconds.
	ParseLimit func(name, text string) (int64, error)
	// IsSecret reports whether a credential of an app is a secret.
	IsSecret func(app, credential string) bool
}

// File is a configuration as it was read.
type File struct {
	Settings Settings
	// Problems has all that is wrong with it.
	Problems []*Problem
	// Warnings has what is used although it is not safe.
	Warnings []string

	name  string
	root  *yaml.Node        // the file, changed by variables and flags
	setBy map[string]string // the variable or flag that set a key
	// readFrom has what the file refers to for a key: "the variable NAME is".
	readFrom map[string]string
	sources  Sources
	rules    Rules
}

// Read reads a configuration. It returns an error only if the file cannot be read
// or is not YAML. What is wrong with settings is in Problems, and the other
// settings are set.
func Read(from Sources, rules Rules) (*File, error) {
	f, err := load(from)
	if err == nil {
		f.fill(rules)
	}
	return f, err
}

func (f *File) fill(rules Rules) {
	f.rules = rules
	f.resolveReferences()
	f.overlay()
	f.checkSecrets(f.root, nil)
	f.decode()
}

// DataFolder returns the data folder. It reads no secret and no other setting. If
// the file cannot be read, it returns the error and the folder without the file.
func DataFolder(from Sources) (string, error) {
	f, err := load(from)
	if err != nil {
		if f, _ = parse("", nil, from); f == nil {
			return "", err
		}
		folder, _ := f.dataFolder()
		return folder, err
	}
	return f.dataFolder()
}

func (f *File) dataFolder() (string, error) {
	from := f.sources
	name, value := yamltext.Get(f.root, "data")
	if f.root.Content = nil; name != nil {
		f.root.Content = []*yaml.Node{name, value}
	}
	f.resolveReferences()
	f.overlay()
	if _, value = yamltext.Get(f.root, "data"); value != nil {
		if data, found := yamltext.Text(value); found && data != "" {
			return from.absolute(data), Join(f.Problems)
		}
	}
	return from.absolute(Find("data").Default), Join(f.Problems)
}

func (from Sources) absolute(path string) string {
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
	return &File{name: name, root: root, sources: from, setBy: map[string]string{}, readFrom: map[string]string{}}, nil
}

const variablePrefix = "TIDEWIRE_"

// overlay sets what variables and flags set in the tree of the file.
func (f *File) overlay() {
	values := map[string]string{}
	for _, entry := range f.sources.Environ {
		name, value, _ := strings.Cut(entry, "=")
		if key := keyOfVariable(name); key != "" && (value != "" || f.rules.IsSecret != nil && f.isSecret(strings.Split(key, "."))) {
			values[key], f.setBy[key] = value, name
		}
	}
	// In the sorted order a key comes after the group that contains it, so it
	// replaces a text that was set for the group.
	for _, key := range slices.Sorted(maps.Keys(values)) {
		setText(f.root, strings.Split(key, "."), values[key])
	}
	for name, value := range f.sources.Flags {
		f.setBy[name] = Find(name).Flag
		setText(f.root, []string{name}, value)
	}
}

// keyOfVariable turns TIDEWIRE_CONNECTIONS__HIGHLEVEL___PARIS__TOKEN into
// connections.highlevel/paris.token; empty for a variable that sets no setting.
func keyOfVariable(variable string) string {
	name, found := strings.CutPrefix(variable, variablePrefix)
	if !found {
		return ""
	}
	key := strings.ReplaceAll(strings.ToLower(name), "___", "/")
	return strings.ReplaceAll(key, "__", ".")
}

// setText sets the text at a path in a mapping, and makes the mappings on the way
// that do not exist.
func setText(mapping *yaml.Node, path []string, text string) {
	_, value := yamltext.Get(mapping, path[0])
	if value == nil {
		value = &yaml.Node{}
		mapping.Content = append(mapping.Content, quotedText(path[0]), value)
	}
	if len(path) == 1 {
		*value = *quotedText(text)
		return
	}
	if value.Kind != yaml.MappingNode {
		*value = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	setText(value, path[1:], text)
}

// quotedText returns the node of a text in quotes.
func quotedText(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: text}
}
