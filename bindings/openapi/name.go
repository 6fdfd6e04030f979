package openapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// luaWords are the keywords of Lua: they cannot be names after a dot.
var luaWords = []string{"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
	"not", "or", "repeat", "return", "then", "true", "until", "while"}

// scriptWords are the globals of scripts, and the words that begin triggers of the
// engine's own.
var scriptWords = []string{"approval", "assert", "base64", "const", "each", "emit", "error", "every", "file", "getmetatable", "hmac", "http",
	"in", "ipairs", "json", "links", "log", "map", "math", "money", "next", "on", "pairs", "params", "pcall", "print", "random", "rawequal",
	"rawget", "rawset", "require", "required", "respond", "run", "schedule", "secret", "select", "setmetatable", "state", "string", "table",
	"text", "time", "tonumber", "tostring", "try", "type", "unpack", "uuid", "wait", "when", "xpcall"}

// setNames sets the name of every operation. The group is its first tag, or else
// the first part of its path that is no parameter and no version. The name in
// the group is that of bindings.OperationName, or, for an operation without an
// id, made of method and path.
func setNames(all []*endpoint) (notes []Problem) {
	byName := map[string]*endpoint{}
	for _, e := range all {
		e.group = groupOf(e)
		base := ""
		if id := e.Str("operationId"); word(id) != "" {
			base = bindings.OperationName(e.group, id, e.operation.Method, e.operation.Path)
		} else {
			base = nameByPath(e)
		}
		base = word(base)
		if base == "" || slices.Contains(luaWords, base) || base == "request" {
			base = strings.ToLower(e.operation.Method) + "_" + base
			base = strings.TrimSuffix(base, "_")
		}
		full := e.group + "." + base
		for n := 2; byName[full] != nil; n++ {
			full = fmt.Sprintf("%s.%s_%d", e.group, base, n)
		}
		if full != e.group+"."+base {
			other := byName[e.group+"."+base]
			notes = append(notes, Problem{Operation: e.where(), Note: true,
				Text: fmt.Sprintf("it is called %s, since %s has the same name", full, other.where())})
		}
		byName[full] = e
		e.operation.Name = full
	}
	return notes
}

func (e *endpoint) where() string { return strings.ToUpper(e.method) + " " + e.path }

// word returns a text as a name of letters, digits and "_" that begins with a
// letter; empty if it has no letter.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return -1
	}, bindings.Snake(s))
	return strings.TrimLeft(s, "0123456789_")
}

// commonWords are the words of paths that name no group.
var commonWords = []string{"api", "v1", "v2", "v3", "v4", "rest", "public"}

func groupOf(e *endpoint) string {
	tags := e.Texts("tags")
	if len(tags) > 0 && word(tags[0]) != "" {
		return groupName(word(tags[0]))
	}
	for _, part := range strings.Split(e.path, "/") {
		if w := word(part); w != "" && !strings.HasPrefix(part, "{") && !slices.Contains(commonWords, w) {
			return groupName(w)
		}
	}
	return "root"
}

// groupName returns a name for a group that scripts can write.
func groupName(group string) string {
	if slices.Contains(luaWords, group) || group == "request" {
		return group + "_"
	}
	return group
}

// nameByPath returns the name of an operation without an id: list, get, create,
// update or delete, and the words of its path without the group.
func nameByPath(e *endpoint) string {
	parts := strings.Split(strings.Trim(e.path, "/"), "/")
	onRecord := len(parts) > 0 && strings.HasSuffix(parts[len(parts)-1], "}")
	verb := map[string]string{"get": "list", "post": "create", "put": "replace", "patch": "update", "delete": "delete_all", "head": "head", "options": "options"}[e.method]
	if onRecord {
		verb = map[string]string{"get": "get", "post": "post", "put": "replace", "patch": "update", "delete": "delete", "head": "head", "options": "options"}[e.method]
	}
	words := []string{verb}
	groupSkipped := false
	for _, part := range parts {
		w := word(part)
		switch {
		case strings.HasPrefix(part, "{"), w == "", slices.Contains(commonWords, w):
		case !groupSkipped && (w == e.group || w+"_" == e.group):
			groupSkipped = true
		default:
			words = append(words, w)
		}
	}
	return strings.Join(words, "_")
}
