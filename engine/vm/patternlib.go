package vm

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

func stringFind(L *lua.LState) int {
	text, pattern := checkText(L, 1), checkText(L, 2)
	from := startPosition(L, text)
	if lua.LVAsBool(L.Get(4)) || !strings.ContainsAny(pattern, "^$*+?.([%-") {
		activationOf(L).charge(L, int64(len(text)-from)/64, 0)
		i := strings.Index(text[from:], pattern)
		if i < 0 {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(lua.LNumber(from + i + 1))
		L.Push(lua.LNumber(from + i + len(pattern)))
		return 2
	}
	m := newMatcher(L, text, pattern)
	start, end := m.find(from)
	if start < 0 {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(start + 1))
	L.Push(lua.LNumber(end))
	return 2 + m.push(start, end, false)
}

func stringMatch(L *lua.LState) int {
	text, pattern := checkText(L, 1), checkText(L, 2)
	m := newMatcher(L, text, pattern)
	if start, end := m.find(startPosition(L, text)); start >= 0 {
		return m.push(start, end, true)
	}
	L.Push(lua.LNil)
	return 1
}

// startPosition reads the third argument: the position at which a search
// starts. A position after the text counts as its end.
func startPosition(L *lua.LState, text string) int {
	first := optInt(L, 3, 1)
	if first < 0 {
		first += len(text) + 1
	}
	return min(max(first, 1)-1, len(text))
}

// stringGmatch returns an iterator, whose position is in its upvalues.
func stringGmatch(L *lua.LState) int {
	text, pattern := checkText(L, 1), checkText(L, 2)
	activationOf(L).charge(L, 4, 3*upvalueBytes+closureBytes)
	f := L.NewClosure(gmatchNext, lua.LString(text), lua.LString(pattern), lua.LNumber(0))
	f.Env = nil
	L.Push(f)
	return 1
}

func gmatchNext(L *lua.LState) int {
	text, pattern := L.Get(lua.UpvalueIndex(1)).String(), L.Get(lua.UpvalueIndex(2)).String()
	from := int(L.Get(lua.UpvalueIndex(3)).(lua.LNumber))
	m := newMatcher(L, text, pattern)
	for s := from; s <= len(text); s++ {
		m.level = 0
		end := m.match(s, 0)
		if end < 0 {
			m.step()
			continue
		}
		next := end
		if end == s {
			next++ // an empty match must not be found again
		}
		L.Replace(lua.UpvalueIndex(3), lua.LNumber(next))
		return m.push(s, end, true)
	}
	L.Replace(lua.UpvalueIndex(3), lua.LNumber(len(text)+1))
	return 0
}

func stringGsub(L *lua.LState) int {
	text, pattern := checkText(L, 1), checkText(L, 2)
	replacement := L.Get(3)
	switch replacement.(type) {
	case lua.LString, *lua.LTable, *lua.LFunction:
	case lua.LNumber:
		replacement = lua.LString(checkText(L, 3))
	default:
		L.ArgError(3, "a text, table or function is needed, found "+describe(replacement))
	}
	maxMatches := optInt(L, 4, len(text)+1)
	anchored := strings.HasPrefix(pattern, "^")
	p := 0
	if anchored {
		p = 1
	}
	a := activationOf(L)
	m := newMatcher(L, text, pattern)
	var out strings.Builder
	write := func(part string) {
		a.grow(L, out.Len(), len(part))
		out.WriteString(part)
	}
	s, n, written := 0, 0, 0 // text before written is in out
	for n < maxMatches {
		m.level = 0
		end := m.match(s, p)
		if end >= 0 {
			n++
			write(text[written:s])
			write(m.replace(replacement, s, end))
			written = end
		}
		switch {
		case end > s:
			s = end
		case s < len(text):
			s++
			m.step()
		default:
			s++
		}
		if s > len(text) || anchored {
			break
		}
	}
	write(text[written:])
	a.chargeString(L, out.Len())
	L.Push(lua.LString(out.String()))
	L.Push(lua.LNumber(n))
	return 2
}

// replace returns the replacement of a match in the result of gsub.
func (m *matcher) replace(with lua.LValue, start, end int) string {
	var value lua.LValue
	switch with := with.(type) {
	case lua.LString:
		return m.expand(string(with), start, end)
	case *lua.LTable:
		value = m.L.GetTable(with, m.captured(0, start, end))
	case *lua.LFunction:
		m.L.Push(with)
		n := m.push(start, end, true)
		m.L.Call(n, 1)
		value = m.L.Get(-1)
		m.L.Pop(1)
	}
	switch value := value.(type) {
	case lua.LString:
		return string(value)
	case lua.LNumber:
		return numberText(value)
	case *lua.LNilType:
		return m.text[start:end]
	case lua.LBool:
		if !value {
			return m.text[start:end]
		}
	}
	raise(m.L, "gsub: the replacement is %s, not a text", describe(value))
	return ""
}

// expand replaces %0 to %9 by captures.
func (m *matcher) expand(with string, start, end int) string {
	if !strings.Contains(with, "%") {
		return with
	}
	var out strings.Builder
	for i := 0; i < len(with); i++ {
		if with[i] != '%' {
			out.WriteByte(with[i])
			continue
		}
		if i++; i == len(with) {
			raise(m.L, "gsub: the replacement ends with '%%'")
		}
		switch c := with[i]; {
		case c == '0':
			m.a.grow(m.L, out.Len(), end-start)
			out.WriteString(m.text[start:end])
		case isDigit(c):
			part := textOf(m.captured(int(c-'1'), start, end))
			m.a.grow(m.L, out.Len(), len(part))
			out.WriteString(part)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}
