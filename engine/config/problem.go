package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Problem is a setting that is wrong.
type Problem struct {
	// Key is the path of names to the setting, with dots between them:
	// "connections.highlevel/paris.token".
	Key string
	// Place is where it was set, as text for people: file and line, a variable or a
	// flag.
	Place string
	Text  string
	line  int
	// plainSecret is set for the problem of a secret in plain text. Join leaves it
	// out if the setting has another problem.
	plainSecret bool
	// Partial is set if the engine can start with it: only what needs the setting
	// cannot be done.
	Partial bool
}

func (p *Problem) Error() string { return p.Place + ": " + p.Text }

// Join returns one error of all problems, in the order of the file's lines; nil
// if there is none.
func Join(problems []*Problem) error {
	problems = slices.Clone(problems)
	slices.SortStableFunc(problems, func(a, b *Problem) int { return a.line - b.line })
	other := map[string]bool{}
	for _, p := range problems {
		other[p.Key] = other[p.Key] || !p.plainSecret
	}
	var all []error
	for _, p := range problems {
		if !p.plainSecret || !other[p.Key] {
			all = append(all, p)
		}
	}
	return errors.Join(all...)
}

// Problem returns a problem of a setting, with its place.
func (f *File) Problem(key, text string) *Problem {
	return f.problem(key, f.line(key), text)
}

func (f *File) problem(key string, line int, text string) *Problem {
	p := &Problem{Key: key, Place: key, Text: text}
	switch name := f.setBy[key]; {
	case name != "":
		p.Place = fmt.Sprintf("%s (%s)", name, key)
	case line > 0:
		p.line = line
		p.Place = fmt.Sprintf("%s:%d: %s", f.name, line, key)
	}
	return p
}

// line returns the line of a key in the file, or of the innermost mapping that
// would contain it; 0 if the file has neither.
func (f *File) line(key string) int {
	node, line := f.root, 0
	for key != "" && node.Kind == yaml.MappingNode {
		var inner *yaml.Node
		for i := 0; i+1 < len(node.Content); i += 2 {
			name := node.Content[i]
			if rest, found := strings.CutPrefix(key, name.Value); found && (rest == "" || rest[0] == '.') {
				inner, line, key = node.Content[i+1], name.Line, strings.TrimPrefix(rest, ".")
				break
			}
		}
		if inner == nil {
			return line
		}
		node = inner
	}
	return line
}
