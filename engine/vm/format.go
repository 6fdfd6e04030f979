package vm

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// stringFormat is C's printf for text and numbers. %s prints no address: a
// table is "table".
func stringFormat(L *lua.LState) int {
	format := checkText(L, 1)
	a := activationOf(L)
	var out strings.Builder
	argument := 1
	write := func(part string) {
		a.grow(L, out.Len(), len(part))
		out.WriteString(part)
	}
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			write(format)
			break
		}
		write(format[:i])
		format = format[i+1:]
		if strings.HasPrefix(format, "%") {
			write("%")
			format = format[1:]
			continue
		}
		var spec formatSpec
		if format = spec.read(L, format); argument == L.GetTop() {
			raise(L, "string.format: the format needs value %d, and there are %d", argument, L.GetTop()-1)
		}
		argument++
		write(spec.apply(L, argument))
	}
	L.Push(lua.LString(out.String()))
	return 1
}

// formatSpec is one "%-08.3f".
type formatSpec struct {
	minus, plus, space, alternate, zero bool
	width, precision                    int // precision -1: none
	verb                                byte
}

func (s *formatSpec) read(L *lua.LState, format string) (rest string) {
	i := 0
flags:
	for ; i < len(format); i++ {
		switch format[i] {
		case '-':
			s.minus = true
		case '+':
			s.plus = true
		case ' ':
			s.space = true
		case '#':
			s.alternate = true
		case '0':
			s.zero = true
		default:
			break flags
		}
	}
	number := func() int {
		n, digits := 0, 0
		for ; i < len(format) && isDigit(format[i]); i++ {
			n = n*10 + int(format[i]-'0')
			if digits++; digits > 2 {
				raise(L, "string.format: width and precision have two digits at most")
			}
		}
		return n
	}
	s.width, s.precision = number(), -1
	if i < len(format) && format[i] == '.' {
		i++
		s.precision = number()
	}
	if i == len(format) {
		raise(L, "string.format: the format ends with '%%'")
	}
	s.verb = format[i]
	return format[i+1:]
}

func (s *formatSpec) apply(L *lua.LState, n int) string {
	switch s.verb {
	case 's':
		if secretOf(L.Get(n)) != nil {
			raise(L, "string.format: a secret cannot be made text; join it with .. and pass it to an app call or http")
		}
		text := toText(L, L.Get(n))
		if s.precision >= 0 && s.precision < len(text) {
			text = text[:s.precision]
		}
		s.zero = false
		return s.pad("", text)
	case 'q':
		return quoted(checkText(L, n))
	case 'c':
		s.zero = false
		return s.pad("", string([]byte{byte(checkInt(L, n))}))
	case 'd', 'i':
		i := int64(s.whole(L, n, 1<<63))
		if i < 0 {
			return s.integer("-", strconv.FormatInt(i, 10)[1:])
		}
		return s.integer(s.sign(false), strconv.FormatInt(i, 10))
	case 'u', 'x', 'X', 'o':
		return s.unsigned(s.whole(L, n, 1<<64))
	case 'e', 'E', 'f', 'g', 'G':
		return s.float(checkNumber(L, n))
	}
	raise(L, "string.format: '%%%c' is no format; there are %%s %%d %%i %%u %%f %%g %%e %%x %%X %%o %%c %%q %%%%", s.verb)
	return ""
}

// whole returns a number argument without its fraction. It raises an error
// unless it is at least -2^63 and below bound: in C the result is undefined.
func (s *formatSpec) whole(L *lua.LState, n int, bound float64) float64 {
	f := checkNumber(L, n)
	if !(f >= -1<<63 && f < bound) {
		raise(L, "string.format: '%%%c' needs a number of 64 bits, found %s; '%%.0f' writes any number without decimals",
			s.verb, describe(lua.LNumber(f)))
	}
	return math.Trunc(f)
}

// unsigned formats for %u, %x, %X and %o. Negative numbers wrap as in C.
func (s *formatSpec) unsigned(f float64) string {
	u := uint64(f)
	if f < 0 {
		u = uint64(int64(f))
	}
	switch prefix := ""; s.verb {
	case 'u':
		return s.integer("", strconv.FormatUint(u, 10))
	case 'o':
		digits := strconv.FormatUint(u, 8)
		if s.alternate { // in C the result has a leading zero
			s.precision = max(s.precision, len("0"+strings.TrimLeft(digits, "0")))
		}
		return s.integer("", digits)
	default:
		digits := strconv.FormatUint(u, 16)
		if s.alternate && u != 0 {
			prefix = "0x"
		}
		if s.verb == 'X' {
			prefix, digits = strings.ToUpper(prefix), strings.ToUpper(digits)
		}
		return s.integer(prefix, digits)
	}
}

// integer applies precision and width. As in C, a precision turns the flag 0
// off, and zero with the precision 0 has no digits.
func (s *formatSpec) integer(prefix, digits string) string {
	if s.precision >= 0 {
		s.zero = false
		digits = strings.TrimLeft(digits, "0")
		digits = strings.Repeat("0", max(s.precision-len(digits), 0)) + digits
	}
	return s.pad(prefix, digits)
}

func (s *formatSpec) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case s.plus:
		return "+"
	case s.space:
		return " "
	}
	return ""
}

func (s *formatSpec) float(f float64) string {
	precision := s.precision
	if precision < 0 {
		precision = 6
	}
	text := ""
	switch verb := s.verb | 0x20; {
	case f-f != 0: // infinite or not a number
		s.zero = false
		text = numberText(lua.LNumber(f))
	case verb == 'g':
		text = cFormatG(f, max(precision, 1), s.alternate)
	default:
		text = strconv.FormatFloat(f, verb, precision, 64)
		if s.alternate {
			text = withPoint(text)
		}
	}
	if s.verb < 'a' {
		text = strings.ToUpper(text)
	}
	negative := strings.HasPrefix(text, "-")
	return s.pad(s.sign(negative), strings.TrimPrefix(text, "-"))
}

func (s *formatSpec) pad(sign, text string) string {
	missing := s.width - len(sign) - len(text)
	switch {
	case missing <= 0:
		return sign + text
	case s.minus:
		return sign + text + strings.Repeat(" ", missing)
	case s.zero:
		return sign + strings.Repeat("0", missing) + text
	}
	return strings.Repeat(" ", missing) + sign + text
}

// quoted writes a text as Lua reads it.
func quoted(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; c {
		case '"', '\\', '\n':
			out.WriteByte('\\')
			out.WriteByte(c)
		case '\r':
			out.WriteString(`\r`)
		case 0:
			out.WriteString(`\000`)
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('"')
	return out.String()
}
