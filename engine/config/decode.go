package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/yamltext"
)

// decode sets Settings: first the defaults, then what the file has.
func (f *File) decode() {
	for _, r := range settings {
		if r.Default != "" {
			f.decodeValue(r.at(&f.Settings), quotedText(r.Default))
		}
	}
	for name, value := range members(f.root) {
		if r := find(settings, name.Value); r.Name != "" {
			f.decodeSetting(r.Setting, r.at(&f.Settings), name.Value, name, value)
			continue
		}
		group := name.Value + "."
		inside := names(settings, group)
		switch {
		case len(inside) == 0:
			f.unknown(name.Value, name, topNames())
		case yamltext.IsNull(value):
		case value.Kind != yaml.MappingNode:
			f.addProblem(name.Value, name, "found "+yamltext.Describe(value)+", expected "+joinNames(inside, group))
		default:
			for inner, value := range members(value) {
				key := group + inner.Value
				if r := find(settings, key); r.Name != "" {
					f.decodeSetting(r.Setting, r.at(&f.Settings), key, inner, value)
				} else {
					f.unknown(key, inner, inside)
				}
			}
		}
	}
	f.Settings.Scripts, f.Settings.Data = f.sources.absolute(f.Settings.Scripts), f.sources.absolute(f.Settings.Data)
	f.checkLimits()
	f.Settings.PublicURL = strings.TrimSuffix(f.Settings.PublicURL, "/")
}

// members yields the keys and values of a mapping.
func members(mapping *yaml.Node) func(yield func(name, value *yaml.Node) bool) {
	return func(yield func(name, value *yaml.Node) bool) {
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			if !yield(mapping.Content[i], mapping.Content[i+1]) {
				return
			}
		}
	}
}

// addProblem adds a problem of the setting with a name.
func (f *File) addProblem(key string, name *yaml.Node, text string) {
	f.Problems = append(f.Problems, f.problem(key, name.Line, text))
}

func (f *File) unknown(key string, name *yaml.Node, known []string) {
	text := "unknown setting; the settings are " + strings.Join(known, ", ")
	if near := bindings.Nearest(key, known); near != "" {
		text = fmt.Sprintf("unknown setting; did you mean %s?", near)
	}
	f.addProblem(key, name, text)
}

// topNames returns the names at the top level of the file.
func topNames() []string {
	var all []string
	for _, r := range settings {
		name, _, _ := strings.Cut(r.Name, ".")
		all = append(all, name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// joinNames lists the settings of a group: "age, count and ids".
func joinNames(inside []string, group string) string {
	var short []string
	for _, name := range inside {
		short = append(short, strings.TrimPrefix(name, group))
	}
	last := len(short) - 1
	return strings.Join(short[:last], ", ") + " and " + short[last]
}

// decodeSetting decodes one setting. A null value leaves the setting as it is.
func (f *File) decodeSetting(s Setting, into any, key string, name, value *yaml.Node) {
	if yamltext.IsNull(value) {
		return
	}
	member := f.memberDecoder(into)
	switch {
	case member != nil && value.Kind == yaml.MappingNode:
		for name, value := range members(value) {
			member(key+"."+name.Value, name, value)
		}
	case member != nil || !f.decodeValue(into, value):
		found := yamltext.Describe(value)
		if s.Secret {
			found = yamltext.KindOf(value)
		}
		f.addProblem(key, name, "found "+found+", expected "+s.Expected)
	}
}

// memberDecoder returns a function that decodes one member of a setting of names
// with values; nil for other settings.
func (f *File) memberDecoder(into any) func(key string, name, value *yaml.Node) {
	switch into := into.(type) {
	case *map[string]string:
		return func(key string, name, value *yaml.Node) { f.decodeText(into, key, name, value) }
	case *map[string][]string:
		return func(key string, name, value *yaml.Node) { f.decodeNames(into, key, name, value) }
	case *map[string]json.RawMessage:
		return func(key string, name, value *yaml.Node) { f.decodeParams(into, key, name, value) }
	case *map[string]int64:
		return func(key string, name, value *yaml.Node) { f.decodeLimit(into, key, name, value) }
	case *map[string]Limits:
		return func(key string, name, value *yaml.Node) { f.decodeLimits(into, key, name, value) }
	case *[]Connection:
		return func(key string, name, value *yaml.Node) { f.decodeConnection(into, key, name, value) }
	}
	return nil
}

// decodeText decodes a text. It may be a secret, so errors do not quote it.
func (f *File) decodeText(into *map[string]string, key string, name, value *yaml.Node) {
	text, isText := yamltext.Text(value)
	switch {
	case isText:
		add(into, name.Value, text)
	case !yamltext.IsNull(value):
		f.addProblem(key, name, "found "+yamltext.KindOf(value)+", expected text")
	}
}

func add[V any](into *map[string]V, name string, value V) {
	if *into == nil {
		*into = map[string]V{}
	}
	(*into)[name] = value
}

// decodeNames decodes the name of a connection, or a list of them.
func (f *File) decodeNames(into *map[string][]string, key string, name, value *yaml.Node) {
	all := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		all = value.Content
	}
	var texts []string
	for _, one := range all {
		text, isText := yamltext.Text(one)
		if !isText {
			f.addProblem(key, name, "found "+yamltext.Describe(one)+", expected the name of a connection")
			continue
		}
		texts = append(texts, text)
	}
	add(into, name.Value, texts)
}

// decodeParams encodes the parameters of a script as JSON.
func (f *File) decodeParams(into *map[string]json.RawMessage, key string, name, value *yaml.Node) {
	switch {
	case yamltext.IsNull(value):
		return
	case value.Kind != yaml.MappingNode:
		f.addProblem(key, name, "found "+yamltext.KindOf(value)+", expected settings by name")
		return
	}
	values, problems := yamltext.Value(f.name, value)
	for _, p := range problems {
		f.Problems = append(f.Problems, f.problem(key+"."+p.Key, p.Line, p.Text))
	}
	raw, err := json.Marshal(values)
	if err != nil {
		f.addProblem(key, name, err.Error())
		return
	}
	add(into, name.Value, raw)
}

// decodeConnection decodes the settings of a connection. Names that are no
// setting of every connection are credentials.
func (f *File) decodeConnection(into *[]Connection, key string, name, value *yaml.Node) {
	if value.Kind != yaml.MappingNode && !yamltext.IsNull(value) {
		f.addProblem(key, name, "found "+yamltext.KindOf(value)+", expected settings by name")
		return
	}
	one := Connection{Name: name.Value}
	for name, value := range members(value) {
		inner := key + "." + name.Value
		if r := find(connectionSettings, name.Value); r.Name != "" {
			f.decodeSetting(r.Setting, r.at(&one), inner, name, value)
			continue
		}
		if yamltext.IsNull(value) {
			f.addProblem(inner, name, "found nothing, expected text")
		}
		f.decodeText(&one.Credentials, inner, name, value)
	}
	at, _ := slices.BinarySearchFunc(*into, one, func(a, b Connection) int { return cmp.Compare(a.Name, b.Name) })
	*into = slices.Insert(*into, at, one)
}
