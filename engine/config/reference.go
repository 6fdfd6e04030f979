package config

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidewire/tidewire/bindings/yamltext"
	"github.com/tidewire/tidewire/engine/ownership"
)

var variableReference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// resolveReferences replaces references in the file: ${NAME} by the value of a
// variable, file:PATH by the text of a file. A secret in plain text is a problem.
// Items of lists are not replaced.
func (f *File) resolveReferences() {
	variables := make(map[string]string, len(f.sources.Environ))
	for _, entry := range f.sources.Environ {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	f.resolveBelow(f.root, nil, variables)
}

func (f *File) resolveBelow(mapping *yaml.Node, path []string, variables map[string]string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		name, value := mapping.Content[i], mapping.Content[i+1]
		at := append(path, name.Value)
		if value.Kind == yaml.MappingNode {
			f.resolveBelow(value, at, variables)
			continue
		}
		text, isText := yamltext.Text(value)
		if !isText {
			continue
		}
		resolved, isReference, err := f.resolve(text, at, variables)
		problem := func(text string) *Problem { return f.problem(strings.Join(at, "."), name.Line, text) }
		switch {
		case err != nil:
			f.Problems = append(f.Problems, problem(err.Error()))
		case isReference:
			f.readFrom[strings.Join(at, ".")] = f.describeReference(text)
			*value = *quotedText(resolved)
		case text != "" && f.isPlainSecret(at, text):
			p := problem("this secret is in plain text; write ${NAME} to take it from the environment, or file:PATH to read it from a file")
			p.plainSecret = true
			f.Problems = append(f.Problems, p)
		}
	}
}

// resolve returns the value that a text refers to, and reports whether the text
// is a reference.
func (f *File) resolve(text string, at []string, variables map[string]string) (resolved string, isReference bool, err error) {
	if path, found := strings.CutPrefix(text, "file:"); found {
		path = f.sources.absolute(path)
		content, err := os.ReadFile(path)
		switch {
		case err != nil:
		case len(at) == 1 && Find(at[0]).Secret:
			err = ownership.CheckPrivate("the vault's key", path)
		case f.isSecret(at) && ownership.Readable(path): // mounted secrets often are
			f.Warnings = append(f.Warnings, fmt.Sprintf("the secret %s is read from the file %s, which other users can read; if that is not intended: chmod 600 %[2]s", strings.Join(at, "."), path))
		}
		return strings.TrimRight(string(content), "\r\n"), true, err
	}
	resolved = variableReference.ReplaceAllStringFunc(text, func(match string) string {
		isReference = true
		name := match[len("${") : len(match)-len("}")]
		value, found := variables[name]
		if !found && err == nil {
			err = fmt.Errorf("the environment has no variable %s; set it before starting tidewire", name)
		}
		return value
	})
	return resolved, isReference, err
}

// describeReference names what a reference refers to, as the subject of "is empty"
// or "are empty".
func (f *File) describeReference(text string) string {
	if path, found := strings.CutPrefix(text, "file:"); found {
		return "the file " + f.sources.absolute(path) + " is"
	}
	var variables []string
	for _, match := range variableReference.FindAllStringSubmatch(text, -1) {
		variables = append(variables, match[1])
	}
	if len(variables) == 1 {
		return "the variable " + variables[0] + " is"
	}
	return "the variables " + strings.Join(variables, " and ") + " are"
}

// checkSecrets adds a problem for each secret without a value. With an empty
// secret everybody could sign, and an empty key of the vault means another one.
func (f *File) checkSecrets(mapping *yaml.Node, path []string) {
	for name, value := range members(mapping) {
		at := append(slices.Clone(path), name.Value)
		if value.Kind == yaml.MappingNode {
			f.checkSecrets(value, at)
			continue
		}
		text, isText := yamltext.Text(value)
		if !isText || strings.TrimSpace(text) != "" || !f.isSecret(at) {
			continue
		}
		key := strings.Join(at, ".")
		source := "it is"
		if f.setBy[key] == "" && f.readFrom[key] != "" {
			source = f.readFrom[key]
		}
		f.addProblem(key, name, source+" empty; a secret needs a value")
	}
}

// isPlainSecret reports whether a value is a secret in plain text.
func (f *File) isPlainSecret(at []string, text string) bool {
	return f.isSecret(at) && !slices.Contains(Find(at[0]).Choices, text)
}

// isSecret reports whether the setting at a path is a secret.
func (f *File) isSecret(at []string) bool {
	switch {
	case Find(at[0]).Secret:
		return true
	case at[0] != "connections" || len(at) != 3:
		return false
	}
	if r := find(connectionSettings, at[2]); r.Name != "" {
		return r.Secret
	}
	app, _, _ := strings.Cut(at[1], "/")
	return f.rules.IsSecret(app, at[2])
}
