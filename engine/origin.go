package engine

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/knadh/koanf/v2"
	"go.yaml.in/yaml/v3"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
)

// origin remembers where settings stand, so that an error can say it.
type origin struct {
	file    string
	text    []byte
	environ map[string]string // setting to variable
}

// problem is a setting that is wrong, where it stands and how.
type problem struct {
	key, place, text string
	line             int
	plain            bool // said only if nothing else is wrong with the setting
}

func (p *problem) Error() string { return p.place + ": " + p.text }

// problem names a setting, where it stands and what is wrong with it.
func (o origin) problem(key, text string) *problem {
	p := &problem{key: key, place: key, text: text}
	if name := o.environ[key]; name != "" {
		p.place = fmt.Sprintf("%s (%s)", name, key)
	} else if p.line = o.line(key); p.line > 0 {
		p.place = fmt.Sprintf("%s:%d: %s", o.file, p.line, key)
	}
	return p
}

// joined gives all problems in the order of the file's lines.
func joined(problems []*problem) error {
	slices.SortStableFunc(problems, func(a, b *problem) int { return a.line - b.line })
	said := map[string]bool{}
	for _, p := range problems {
		said[p.key] = said[p.key] || !p.plain
	}
	var all []error
	for _, p := range problems {
		if !p.plain || !said[p.key] {
			all = append(all, p)
		}
	}
	return errors.Join(all...)
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
	// plain are the credentials that are no secrets, by app.
	plain map[string][]string
}

var reference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// plainSettings are settings of a connection that are no secrets.
var plainSettings = map[string]bool{
	"account": true, "as": true, "parent": true, "base_url": true, "authorize_url": true, "token_url": true, "revoke_url": true, "client_id": true,
	"checks": true, "timeout": true, "poll": true, "reconcile": true, "since": true, "scopes": true, "signatures": true,
	"webhooks": true,
}

// openAll opens every text below connections and secrets, and refuses secrets
// that stand there in plain.
func (o opener) openAll(k *koanf.Koanf) []*problem {
	var problems []*problem
	all := k.All()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		text, isText := all[key].(string)
		var opened string
		var referred bool
		var err error
		if isText {
			opened, referred, err = o.open(text)
			if path, found := strings.CutPrefix(text, "file:"); found && key == "vault_key" && err == nil {
				err = connection.CheckPrivate(below(o.dir, path))
			}
		}
		switch {
		case err != nil:
			problems = append(problems, o.origin.problem(key, err.Error()))
		case referred:
			if err := k.Set(key, opened); err != nil {
				problems = append(problems, o.origin.problem(key, err.Error()))
			}
		case text != "" && o.secret(key, text), isNumber(all[key]) && o.secret(key, ""):
			p := o.origin.problem(key, "a secret stands here in plain text; write ${NAME} to take it from the environment, or file:PATH to read it from a file")
			p.plain = true
			problems = append(problems, p)
		}
	}
	return problems
}

func isNumber(v any) bool {
	switch v.(type) {
	case int, int64, uint64, float64:
		return true
	}
	return false
}

// secret reports whether a setting holds a secret.
func (o opener) secret(key, value string) bool {
	if key == "vault_key" {
		return value != connection.KeyInKeyring
	}
	if strings.HasPrefix(key, "secrets.") {
		return true
	}
	parts := strings.Split(key, ".")
	if len(parts) != 3 || parts[0] != "connections" || plainSettings[parts[2]] {
		return false
	}
	app, _, _ := strings.Cut(parts[1], "/")
	return !slices.Contains(o.plain[app], parts[2])
}

// plainCredentials are the credentials of apps that are no secrets.
func plainCredentials(apps []*bindings.App) map[string][]string {
	plain := map[string][]string{}
	for _, app := range apps {
		for _, auth := range app.Auth {
			plain[app.Name] = append(plain[app.Name], auth.Plain...)
		}
	}
	return plain
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
