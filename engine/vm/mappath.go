package vm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// mapPath is the path to a value inside a table: "company.name",
// "emails.1.address" (items from 1, as in Lua), `fields["a.b"]`.
type mapPath struct {
	text  string
	parts []pathPart
}

// pathPart is a name, or a number that is an item where the table is a list.
type pathPart struct {
	name string
	item int // 0: not a number
}

const (
	maxPathParts = 32
	partBytes    = 24
)

// size returns the bytes of the parts. Their names are parts of the text.
func (p mapPath) size() int64 { return int64(cap(p.parts)) * partBytes }

func parseMapPath(text string) (mapPath, error) {
	p := mapPath{text: text}
	fail := func(format string, args ...any) (mapPath, error) {
		return mapPath{}, fmt.Errorf("the path %q: %w", brief(text, 60), fmt.Errorf(format, args...))
	}
	if text == "" {
		return fail("it is empty")
	}
	for rest := text; rest != ""; {
		var name string
		var err error
		if quoted, found := strings.CutPrefix(rest, "["); found {
			name, rest, err = bracketPart(quoted)
		} else {
			name, rest, err = dotPart(rest)
		}
		if err != nil {
			return fail("%w", err)
		}
		if after, dot := strings.CutPrefix(rest, "."); dot {
			if rest = after; rest == "" || rest[0] == '.' || rest[0] == '[' {
				return fail("a name is missing after a dot")
			}
		}
		if p.parts = append(p.parts, pathPart{name: name, item: itemNumber(name)}); len(p.parts) > maxPathParts {
			return fail("it has more than %d parts", maxPathParts)
		}
	}
	return p, nil
}

// dotPart reads a name and returns the rest.
func dotPart(s string) (name, rest string, err error) {
	end := strings.IndexAny(s, ".[")
	if end < 0 {
		end = len(s)
	}
	if end == 0 {
		return "", "", errors.New("a name is missing between dots")
	}
	return s[:end], s[end:], nil
}

// bracketPart reads 1] or "a.b"] and returns the rest.
func bracketPart(s string) (name, rest string, err error) {
	if name, rest, err = bracketText(s); err == nil && rest != "" && rest[0] != '[' && rest[0] != '.' {
		err = errors.New("expected a dot after the bracket")
	}
	return name, rest, err
}

func bracketText(s string) (name, rest string, err error) {
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		if name, rest, found := strings.Cut(s[1:], s[:1]+"]"); found {
			return name, rest, nil
		}
		return "", "", errors.New("a bracket or quote is not closed")
	}
	name, rest, found := strings.Cut(s, "]")
	if !found || itemNumber(name) == 0 {
		return "", "", errors.New(`expected a number from 1 or a quoted name in brackets, as [1] or ["a.b"]`)
	}
	return name, rest, nil
}

func itemNumber(s string) int {
	if len(s) == 0 || len(s) > 7 || s[0] == '0' {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// find returns the value, nil if it is absent. A path through a value that is
// no table is an error, because then the path or the source is probably wrong.
func (p mapPath) find(source lua.LValue) (lua.LValue, error) {
	v := source
	for i, part := range p.parts {
		if v == lua.LNil || isNull(v) {
			return lua.LNil, nil
		}
		t, ok := v.(*lua.LTable)
		if !ok {
			return lua.LNil, fmt.Errorf("the path %q goes on beyond %q, which is %s", p.text, p.prefix(i), describe(v))
		}
		v = lua.LNil
		if part.item > 0 {
			v = t.RawGetInt(part.item)
		}
		if v == lua.LNil {
			v = t.RawGetString(part.name)
		}
	}
	return v, nil
}

func (p mapPath) prefix(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = p.parts[i].name
	}
	return strings.Join(names, ".")
}
