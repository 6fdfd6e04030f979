package vm

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Bounds of a pattern match. Work is charged while it is done, so the limit of
// instructions ends a match that tries too much.
const (
	maxCaptures     = 32
	maxMatchDepth   = 200
	workPerPosition = 8 // steps of the matcher that cost one instruction
)

// An open capture has no length yet; a position capture is "()".
const (
	captureOpen     = -1
	capturePosition = -2
)

type capture struct{ start, length int }

// matcher matches one Lua pattern at positions of a text, as Lua 5.1 defines
// it.
type matcher struct {
	L        *lua.LState
	a        *activation
	text     string
	pattern  string
	captures [maxCaptures]capture
	level    int
	depth    int
	work     int
}

func newMatcher(L *lua.LState, text, pattern string) *matcher {
	return &matcher{L: L, a: activationOf(L), text: text, pattern: pattern}
}

func (m *matcher) fail(what string) { raise(m.L, "pattern %q: %s", brief(m.pattern, 60), what) }

// step counts one step of the matcher, and charges for them in portions.
func (m *matcher) step() {
	if m.work++; m.work == workPerPosition*64 {
		m.work = 0
		m.a.charge(m.L, 64, 0)
	}
}

// match matches the pattern from p on at position s. It returns where the match
// ends, -1 if there is none.
func (m *matcher) match(s, p int) int {
	if m.depth++; m.depth > maxMatchDepth {
		m.fail("too complex")
	}
	defer func() { m.depth-- }()
	for s >= 0 && p < len(m.pattern) {
		m.step()
		switch m.pattern[p] {
		case '(':
			return m.group(s, p+1)
		case ')':
			return m.close(s, p+1)
		case '$':
			if p+1 == len(m.pattern) {
				return m.atEnd(s)
			}
		case '%':
			if isSpecialItem(m.pattern, p+1) {
				s, p = m.specialItem(s, p+1)
				continue
			}
		}
		end := m.classEnd(p)
		switch m.suffix(end) {
		case '*':
			return m.longest(s, p, end)
		case '+':
			return m.atLeastOne(s, p, end)
		case '-':
			return m.shortest(s, p, end)
		case '?':
			if e := m.one(s, p, end); e >= 0 {
				return e
			}
			p = end + 1
		default:
			if !m.matchesClass(s, p, end) {
				return -1
			}
			s, p = s+1, end
		}
	}
	return s
}

// group matches the pattern after a '('.
func (m *matcher) group(s, p int) int {
	if p < len(m.pattern) && m.pattern[p] == ')' {
		return m.open(s, p+1, capturePosition)
	}
	return m.open(s, p, captureOpen)
}

func (m *matcher) atEnd(s int) int {
	if s == len(m.text) {
		return s
	}
	return -1
}

// isSpecialItem reports whether the '%' before p begins an item that is no
// class of characters: %b, %f or a digit.
func isSpecialItem(pattern string, p int) bool {
	return p < len(pattern) && (pattern[p] == 'b' || pattern[p] == 'f' || isDigit(pattern[p]))
}

// specialItem matches such an item, and returns the positions after it in the
// text and in the pattern. The position in the text is -1 if it does not match.
func (m *matcher) specialItem(s, p int) (int, int) {
	switch c := m.pattern[p]; c {
	case 'b':
		return m.balance(s, p+1), p + 3
	case 'f':
		return m.frontier(s, p+1)
	default:
		return m.backreference(s, c), p + 1
	}
}

// frontier matches %f and a set: a position where characters of the set begin.
func (m *matcher) frontier(s, p int) (int, int) {
	if p >= len(m.pattern) || m.pattern[p] != '[' {
		m.fail("a '[' is missing after '%f'")
	}
	end := m.classEnd(p)
	var before, now byte
	if s > 0 {
		before = m.text[s-1]
	}
	if s < len(m.text) {
		now = m.text[s]
	}
	if m.inSet(before, p, end-1) || !m.inSet(now, p, end-1) {
		return -1, end
	}
	return s, end
}

// suffix returns the character at p, 0 at the end.
func (m *matcher) suffix(p int) byte {
	if p < len(m.pattern) {
		return m.pattern[p]
	}
	return 0
}

// one matches the class from p to end once, and then the rest of the pattern.
func (m *matcher) one(s, p, end int) int {
	if !m.matchesClass(s, p, end) {
		return -1
	}
	return m.match(s+1, end+1)
}

func (m *matcher) atLeastOne(s, p, end int) int {
	if !m.matchesClass(s, p, end) {
		return -1
	}
	return m.longest(s+1, p, end)
}

func (m *matcher) longest(s, p, end int) int {
	n := 0
	for m.matchesClass(s+n, p, end) {
		n++
		m.step()
	}
	for ; n >= 0; n-- {
		if e := m.match(s+n, end+1); e >= 0 {
			return e
		}
		m.step()
	}
	return -1
}

func (m *matcher) shortest(s, p, end int) int {
	for {
		if e := m.match(s, end+1); e >= 0 {
			return e
		}
		if !m.matchesClass(s, p, end) {
			return -1
		}
		s++
		m.step()
	}
}

func (m *matcher) open(s, p, kind int) int {
	if m.level >= maxCaptures {
		m.fail("more than 32 captures")
	}
	m.captures[m.level] = capture{s, kind}
	m.level++
	e := m.match(s, p)
	if e < 0 {
		m.level--
	}
	return e
}

func (m *matcher) close(s, p int) int {
	for i := m.level - 1; i >= 0; i-- {
		if m.captures[i].length != captureOpen {
			continue
		}
		m.captures[i].length = s - m.captures[i].start
		e := m.match(s, p)
		if e < 0 {
			m.captures[i].length = captureOpen
		}
		return e
	}
	m.fail("a ')' without its '('")
	return -1
}

// backreference matches the text of a capture again, %1.
func (m *matcher) backreference(s int, digit byte) int {
	i := int(digit - '1')
	if i < 0 || i >= m.level || m.captures[i].length < 0 {
		m.fail("%" + string(digit) + " refers to a capture that is not there")
	}
	c := m.captures[i]
	m.a.charge(m.L, int64(c.length)/64, 0)
	if strings.HasPrefix(m.text[s:], m.text[c.start:c.start+c.length]) {
		return s + c.length
	}
	return -1
}

// balance matches %bxy: from x to the y that belongs to it.
func (m *matcher) balance(s, p int) int {
	if p+1 >= len(m.pattern) {
		m.fail("two characters are missing after '%b'")
	}
	if s >= len(m.text) || m.text[s] != m.pattern[p] {
		return -1
	}
	opened := 1
	for i := s + 1; i < len(m.text); i++ {
		m.step()
		switch m.text[i] {
		case m.pattern[p+1]:
			if opened--; opened == 0 {
				return i + 1
			}
		case m.pattern[p]:
			opened++
		}
	}
	return -1
}

// classEnd returns where the single character class at p ends.
func (m *matcher) classEnd(p int) int {
	c := m.pattern[p]
	p++
	switch c {
	case '%':
		if p >= len(m.pattern) {
			m.fail("it ends with '%'")
		}
		return p + 1
	case '[':
		if p < len(m.pattern) && m.pattern[p] == '^' {
			p++
		}
		for first := true; first || p >= len(m.pattern) || m.pattern[p] != ']'; first = false {
			if p >= len(m.pattern) {
				m.fail("a ']' is missing")
			}
			if m.pattern[p] == '%' {
				p++
			}
			p++
			m.step()
		}
		return p + 1
	}
	return p
}

func (m *matcher) matchesClass(s, p, end int) bool {
	if s >= len(m.text) {
		return false
	}
	c := m.text[s]
	switch m.pattern[p] {
	case '.':
		return true
	case '%':
		return inClass(c, m.pattern[p+1])
	case '[':
		return m.inSet(c, p, end-1)
	}
	return m.pattern[p] == c
}

// inSet reports whether c is in the set that begins at p with '[' and whose ']'
// is at end.
func (m *matcher) inSet(c byte, p, end int) bool {
	p++
	wanted := true
	if p < end && m.pattern[p] == '^' {
		wanted = false
		p++
	}
	for p < end {
		m.step()
		switch {
		case m.pattern[p] == '%' && p+1 < end:
			if inClass(c, m.pattern[p+1]) {
				return wanted
			}
			p += 2
		case p+2 < end && m.pattern[p+1] == '-':
			if m.pattern[p] <= c && c <= m.pattern[p+2] {
				return wanted
			}
			p += 3
		default:
			if m.pattern[p] == c {
				return wanted
			}
			p++
		}
	}
	return !wanted
}

// inClass reports whether c is in a class such as %a. A capital letter is the
// class of all other characters. A character that names no class is a class
// with itself alone.
func inClass(c, class byte) bool {
	var in bool
	switch class | 0x20 {
	case 'a':
		in = isLetter(c)
	case 'd':
		in = isDigit(c)
	case 'l':
		in = c >= 'a' && c <= 'z'
	case 's':
		in = c == ' ' || c >= '\t' && c <= '\r'
	case 'u':
		in = c >= 'A' && c <= 'Z'
	case 'w':
		in = isLetter(c) || isDigit(c)
	case 'x':
		in = isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
	case 'p':
		in = c > ' ' && c < 0x7f && !isLetter(c) && !isDigit(c)
	case 'c':
		in = c < ' ' || c == 0x7f
	case 'z':
		in = c == 0
	default:
		return class == c
	}
	if !isLetter(class) {
		return class == c
	}
	return in == (class >= 'a')
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// captured returns capture i. Without captures the first is the whole match.
func (m *matcher) captured(i, start, end int) lua.LValue {
	if i >= m.level {
		if i > 0 {
			m.fail("a capture that is not there")
		}
		return cloneText(m.L, m.text[start:end])
	}
	c := m.captures[i]
	switch c.length {
	case captureOpen:
		m.fail("a '(' without its ')'")
	case capturePosition:
		return lua.LNumber(c.start + 1)
	}
	return cloneText(m.L, m.text[c.start:c.start+c.length])
}

// push pushes all captures or, if whole is set and there are none, the whole
// match. It returns how many values it pushed.
func (m *matcher) push(start, end int, whole bool) int {
	n := m.level
	if n == 0 && whole {
		n = 1
	}
	for i := range n {
		m.L.Push(m.captured(i, start, end))
	}
	return n
}

// find searches the pattern from a position on. It returns -1, -1 if there is
// no match.
func (m *matcher) find(from int) (start, end int) {
	anchored := strings.HasPrefix(m.pattern, "^")
	p := 0
	if anchored {
		p = 1
	}
	for s := from; s <= len(m.text); s++ {
		m.level = 0
		if e := m.match(s, p); e >= 0 {
			return s, e
		}
		if anchored {
			break
		}
		m.step()
	}
	return -1, -1
}
