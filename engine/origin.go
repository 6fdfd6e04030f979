package engine

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/knadh/koanf/v2"
	"go.yaml.in/yaml/v3"
)

// origin remembers where settings stand, so that an error can say it.
type origin struct {
	file    string
	text    []byte
	environ map[string]string // setting to variable
}

// problem names a setting, where it stands and what is wrong with it.
func (o origin) problem(key, text string) error {
	if name := o.environ[key]; name != "" {
		return fmt.Errorf("%s (%s): %s", name, key, text)
	}
	if line := o.line(key); line > 0 {
		return fmt.Errorf("%s:%d: %s: %s", o.file, line, key, text)
	}
	return fmt.Errorf("%s: %s", key, text)
}

// line finds a dotted key in the file, 0 if it is not there.
func (o origin) line(key string) int {
	var root yaml.Node
	if yaml.Unmarshal(o.text, &root) != nil || len(root.Content) == 0 {
		return 0
	}
	node, line := root.Content[0], 0
	for key != "" && node.Kind == yaml.MappingNode {
		inner := (*yaml.Node)(nil)
		for i := 0; i+1 < len(node.Content); i += 2 {
			name := node.Content[i].Value
			if rest, found := strings.CutPrefix(key, name); found && (rest == "" || rest[0] == '.') {
				inner, line, key = node.Content[i+1], node.Content[i].Line, strings.TrimPrefix(rest, ".")
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

// opener replaces references in the file's settings: ${NAME} by a variable,
// file:PATH by a file's text.
type opener struct {
	dir    string
	lookup func(string) (string, bool)
	origin origin
}

var reference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// plainCredentials are settings of a connection that are no secrets.
var plainSettings = map[string]bool{
	"account": true, "parent": true, "base_url": true, "token_url": true, "client_id": true, "checks": true, "timeout": true,
}

// openAll opens every text below connections and secrets, and refuses secrets
// that stand there in plain.
func (o opener) openAll(k *koanf.Koanf) []error {
	var problems []error
	all := k.All()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		text, ok := all[key].(string)
		if !ok {
			continue
		}
		opened, referred, err := o.open(text)
		if err == nil && !referred && text != "" && secretSetting(key) {
			err = fmt.Errorf("a secret stands here in plain text; write ${NAME} to take it from the environment, or file:PATH to read it from a file")
		}
		if err == nil && opened != text {
			err = k.Set(key, opened)
		}
		if err != nil {
			problems = append(problems, o.origin.problem(key, err.Error()))
		}
	}
	return problems
}

// secretSetting reports whether a setting holds a secret.
func secretSetting(key string) bool {
	if strings.HasPrefix(key, "secrets.") {
		return true
	}
	parts := strings.Split(key, ".")
	return len(parts) == 3 && parts[0] == "connections" && !plainSettings[parts[2]]
}

func (o opener) open(text string) (opened string, referred bool, err error) {
	if path, found := strings.CutPrefix(text, "file:"); found {
		content, err := os.ReadFile(below(o.dir, path))
		if err != nil {
			return "", true, err
		}
		return strings.TrimRight(string(content), "\r\n"), true, nil
	}
	opened = reference.ReplaceAllStringFunc(text, func(match string) string {
		referred = true
		name := reference.FindStringSubmatch(match)[1]
		value, found := o.lookup(name)
		if !found && err == nil {
			err = fmt.Errorf("the environment has no variable %s; set it before starting tidewire", name)
		}
		return value
	})
	return opened, referred, err
}
