package config

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidewire/tidewire/bindings/yamltext"
)

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// openReferences replaces references in the file: ${NAME} by a variable's
// value, file:PATH by a file's text. Secrets in plain text are refused. Items
// of lists are left as they are.
func (f *File) openReferences() {
	variables := make(map[string]string, len(f.from.Environ))
	for _, entry := range f.from.Environ {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	f.openBelow(f.root, nil, variables)
}

func (f *File) openBelow(mapping *yaml.Node, path []string, variables map[string]string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		name, value := mapping.Content[i], mapping.Content[i+1]
		at := append(path, name.Value)
		if value.Kind == yaml.MappingNode {
			f.openBelow(value, at, variables)
			continue
		}
		text, isText := yamltext.Text(value)
		if !isText {
			continue
		}
		opened, referred, err := f.open(text, at, variables)
		problem := func(text string) *Problem { return f.problem(strings.Join(at, "."), name.Line, text) }
		switch {
		case err != nil:
			f.Problems = append(f.Problems, problem(err.Error()))
		case referred:
			*value = *quoted(opened)
		case text != "" && f.secret(at, text):
			p := problem("a secret stands here in plain text; write ${NAME} to take it from the environment, or file:PATH to read it from a file")
			p.plain = true
			f.Problems = append(f.Problems, p)
		}
	}
}

// open gives what a text refers to; referred is false if it is no reference.
func (f *File) open(text string, at []string, variables map[string]string) (opened string, referred bool, err error) {
	if path, found := strings.CutPrefix(text, "file:"); found {
		path = f.from.below(path)
		content, err := os.ReadFile(path)
		if err == nil && len(at) == 1 && Find(at[0]).Secret {
			err = f.rules.Private(path)
		}
		return strings.TrimRight(string(content), "\r\n"), true, err
	}
	opened = variable.ReplaceAllStringFunc(text, func(match string) string {
		referred = true
		name := match[len("${") : len(match)-len("}")]
		value, found := variables[name]
		if !found && err == nil {
			err = fmt.Errorf("the environment has no variable %s; set it before starting tidewire", name)
		}
		return value
	})
	return opened, referred, err
}

// secret reports whether a value is a secret in plain text.
func (f *File) secret(at []string, text string) bool {
	switch top := Find(at[0]); {
	case top.Secret:
		return !slices.Contains(top.Choices, text)
	case at[0] != "connections" || len(at) != 3:
		return false
	}
	if r := find(ofConnection, at[2]); r.Name != "" {
		return r.Secret
	}
	app, _, _ := strings.Cut(at[1], "/")
	return f.rules.Secret(app, at[2])
}
