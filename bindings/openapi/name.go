package openapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// luaWords cannot be names behind a dot.
var luaWords = []string{"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
	"not", "or", "repeat", "return", "then", "true", "until", "while"}

// name gives every operation its name: the group is its first tag, else the
// first part of its path that says something; the rest follows the rule of
// all apps, or, without an id, method and path.
func name(all []*endpoint) (notes []Problem) {
	taken := map[string]*endpoint{}
	for _, e := range all {
		e.group = groupOf(e)
		base := ""
		if id := e.Str("operationId"); word(id) != "" {
			base = bindings.OperationName(e.group, id, e.made.Method, e.made.Path)
		} else {
			base = byPath(e)
		}
		base = word(base)
		if base == "" || slices.Contains(luaWords, base) || base == "request" {
			base = strings.ToLower(e.made.Method) + "_" + base
			base = strings.TrimSuffix(base, "_")
		}
		full := e.group + "." + base
		for n := 2; taken[full] != nil; n++ {
			full = fmt.Sprintf("%s.%s_%d", e.group, base, n)
		}
		if full != e.group+"."+base {
			other := taken[e.group+"."+base]
			notes = append(notes, Problem{Operation: e.where(), Note: true,
				Text: fmt.Sprintf("it is called %s, since %s has the same name", full, other.where())})
		}
		taken[full] = e
		e.made.Name = full
	}
	return notes
}

func (e *endpoint) where() string { return strings.ToUpper(e.method) + " " + e.path }

// word makes a name of letters, digits and "_" that begins with a letter.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return -1
	}, bindings.Snake(s))
	return strings.TrimLeft(s, "0123456789_")
}

// plain words of a path that name no group.
var versions = []string{"api", "v1", "v2", "v3", "v4", "rest", "public"}

func groupOf(e *endpoint) string {
	tags := e.Texts("tags")
	if len(tags) > 0 && word(tags[0]) != "" {
		return kept(word(tags[0]))
	}
	for _, part := range strings.Split(e.path, "/") {
		if w := word(part); w != "" && !strings.HasPrefix(part, "{") && !slices.Contains(versions, w) {
			return kept(w)
		}
	}
	return "root"
}

func kept(group string) string {
	if slices.Contains(luaWords, group) || group == "request" {
		return group + "_"
	}
	return group
}

// byPath names an operation without an id: list, get, create, update, delete,
// and what stands behind the record in its path.
func byPath(e *endpoint) string {
	parts := strings.Split(strings.Trim(e.path, "/"), "/")
	onRecord := len(parts) > 0 && strings.HasSuffix(parts[len(parts)-1], "}")
	verb := map[string]string{"get": "list", "post": "create", "put": "replace", "patch": "update", "delete": "delete_all", "head": "head", "options": "options"}[e.method]
	if onRecord {
		verb = map[string]string{"get": "get", "post": "post", "put": "replace", "patch": "update", "delete": "delete", "head": "head", "options": "options"}[e.method]
	}
	words := []string{verb}
	seen := false
	for _, part := range parts {
		w := word(part)
		switch {
		case strings.HasPrefix(part, "{"), w == "", slices.Contains(versions, w):
		case !seen && (w == e.group || w+"_" == e.group):
			seen = true
		default:
			words = append(words, w)
		}
	}
	return strings.Join(words, "_")
}
