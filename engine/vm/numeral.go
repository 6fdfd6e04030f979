package vm

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// gopher-lua reads numbers by Go's rules: a leading zero means octal, and 0b,
// 0o and underscores are allowed. Literals are rewritten as plain decimals
// before the parser and the compiler read them. For text in arithmetic the VM
// calls metamethods of the string metatable before its own parseNumber. The
// bounds of a numeric for are converted by the meter. TestNumerals fails when a
// new gopher-lua makes this file superfluous.

// parseNumber reads a number as Lua 5.1 does: decimal or hexadecimal, with
// spaces around it. Unlike C it does not accept "inf" and "nan".
func parseNumber(text string) (float64, bool) {
	text = strings.Trim(text, " \t\n\r\v\f")
	if strings.ContainsAny(text, "_nN") {
		return 0, false
	}
	unsigned := strings.TrimLeft(text, "+-")
	if len(text)-len(unsigned) > 1 {
		return 0, false
	}
	if len(unsigned) > 1 && unsigned[0] == '0' && unsigned[1]|0x20 == 'x' && !strings.ContainsAny(unsigned, "pP") {
		text += "p0" // Go requires an exponent
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// parseNumberIn reads a whole number of the given base, 2 to 36.
func parseNumberIn(base int, text string) (float64, bool) {
	digits := strings.Trim(text, " \t\n\r\v\f")
	negative := strings.HasPrefix(digits, "-")
	if negative || strings.HasPrefix(digits, "+") {
		digits = digits[1:]
	}
	if base == 16 && len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x' {
		digits = digits[2:]
	}
	n := 0.0
	for i := range len(digits) {
		d := 36
		switch c := digits[i]; {
		case isDigit(c):
			d = int(c - '0')
		case isLetter(c):
			d = int(c|0x20-'a') + 10
		}
		if d >= base {
			return 0, false
		}
		n = n*float64(base) + float64(d)
	}
	if negative {
		n = -n
	}
	return n, digits != ""
}

// plainNumeral writes a number so that gopher-lua reads the same value.
func plainNumeral(f float64) string {
	if math.IsInf(f, 0) {
		return "+Inf" // 1e999, which gopher-lua would make NaN
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// plainLiteral rewrites a number in a source as a decimal with the value that
// it has in Lua.
func plainLiteral(e *ast.NumberExpr) {
	if f, ok := parseNumber(e.Value); ok {
		e.Value = plainNumeral(f)
	}
}

// numeral reads the number that begins at source[i], as Lua's scanner does,
// and returns where it ends. It records the first malformed one, and the
// hexadecimal ones, some of which gopher-lua's scanner would cut in two.
func (s *scanner) numeral(source []byte, i int) int {
	from := i
	for i < len(source) && (isDigit(source[i]) || source[i] == '.') {
		i++
	}
	if i < len(source) && source[i]|0x20 == 'e' {
		if i++; i < len(source) && (source[i] == '+' || source[i] == '-') {
			i++
		}
	}
	for i < len(source) && (isLetter(source[i]) || isDigit(source[i]) || source[i] == '_') {
		i++
	}
	text := string(source[from:i])
	f, ok := parseNumber(text)
	switch {
	case !ok && s.malformed == "":
		s.malformed, s.malformedLine = text, s.line
	case ok && len(text) > 1 && text[0] == '0' && strings.ContainsAny(text, "xX"):
		s.hexadecimals = append(s.hexadecimals, replacement{from, i, plainNumeral(f)})
	}
	return i
}

// replacement is a part of a source and the text that replaces it.
type replacement struct {
	from, to int
	text     string
}

// withoutHexadecimals rewrites the hexadecimal numbers of a source as decimals.
func (s *scanner) withoutHexadecimals(source []byte) []byte {
	if len(s.hexadecimals) == 0 {
		return source
	}
	var out bytes.Buffer
	at := 0
	for _, r := range s.hexadecimals {
		out.Write(source[at:r.from])
		out.WriteString(r.text)
		if at = r.to; at < len(source) && source[at] == '.' {
			out.WriteByte(' ') // 0xA..x: the decimal would end with the point
		}
	}
	out.Write(source[at:])
	return out.Bytes()
}

// malformedMessage is the error for a malformed number or escape in a source.
func malformedMessage(text string) string {
	if strings.HasPrefix(text, ",") || strings.HasPrefix(text, ";") {
		return "a table has no value between two of '" + text[:1] + "'; write nil for one that is not there"
	}
	if strings.HasPrefix(text, `\`) {
		return "the escape " + text + " is no byte: \\0 to \\255 are"
	}
	message := "malformed number '" + brief(text, 40) + "'"
	switch {
	case strings.Contains(text, ".."):
		message += ": put a space before '..'"
	case len(text) > 1 && text[0] == '0' && (text[1]|0x20 == 'b' || text[1]|0x20 == 'o'):
		message += ": Lua writes numbers as decimals, or as hexadecimals such as 0x1F"
	case strings.Contains(text, "_"):
		message += ": Lua allows no '_' in numbers"
	}
	return message
}

// textArithmetic returns the metamethods for arithmetic on text.
func textArithmetic() map[string]lua.LValue {
	all := map[string]lua.LValue{}
	for _, o := range []struct {
		event, operator string
		apply           func(a, b lua.LNumber) lua.LNumber
	}{
		{"__add", "+", func(a, b lua.LNumber) lua.LNumber { return a + b }},
		{"__sub", "-", func(a, b lua.LNumber) lua.LNumber { return a - b }},
		{"__mul", "*", func(a, b lua.LNumber) lua.LNumber { return a * b }},
		{"__div", "/", func(a, b lua.LNumber) lua.LNumber { return a / b }},
		{"__mod", "%", modulo},
		{"__pow", "^", func(a, b lua.LNumber) lua.LNumber { return lua.LNumber(math.Pow(float64(a), float64(b))) }},
		{"__unm", "-", func(a, _ lua.LNumber) lua.LNumber { return -a }},
	} {
		all[o.event] = function(func(L *lua.LState) int {
			m := activationOf(L).meter
			a, aFits := m.operand(L.Get(1))
			b, bFits := m.operand(L.Get(2))
			if aFits && (bFits || o.event == "__unm") {
				L.Push(o.apply(a, b))
				return 1
			}
			right := L.Get(2)
			if f, ok := L.GetMetaField(right, o.event).(*lua.LFunction); ok && right.Type() != lua.LTString {
				left := L.Get(1)
				L.SetTop(0)
				L.Push(f)
				L.Push(left)
				L.Push(right)
				L.Call(2, 1)
				return 1
			}
			raise(L, "%s", m.explainArithmetic(o.operator))
			return 0
		})
	}
	return all
}

// operand returns a number, or the number that a text has.
func (m *meter) operand(v lua.LValue) (lua.LNumber, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		return v, true
	case lua.LString:
		m.charge(int64(len(v))/16, 0)
		f, ok := parseNumber(string(v))
		return lua.LNumber(f), ok
	}
	return 0, false
}

// forBounds replaces texts among the start, the limit and the step of a numeric
// for by their numbers, before the loop reads them.
func (m *meter) forBounds(registers []lua.LValue) {
	for i, v := range registers {
		if v.Type() != lua.LTString {
			continue
		}
		if n, ok := m.operand(v); ok {
			registers[i] = n
		}
	}
}
