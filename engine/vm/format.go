package vm

import (
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// stringFormat is C's printf for text and numbers. %s and %d show no address,
// and a table by its name.
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
			raise(L, "string.format: the format asks for value %d, and there are %d", argument, L.GetTop()-1)
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
			raise(L, "string.format: a secret cannot be made text; join it with .. and hand it to an app call or http")
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
		f := checkNumber(L, n)
		return s.integer(f < 0, strconv.FormatUint(magnitude(f), 10))
	case 'u':
		return s.integer(false, strconv.FormatUint(unsigned(checkNumber(L, n)), 10))
	case 'x', 'X', 'o':
		base, prefix := 16, "0x"
		if s.verb == 'o' {
			base, prefix = 8, "0"
		}
		u := unsigned(checkNumber(L, n))
		digits := strconv.FormatUint(u, base)
		if s.alternate && u != 0 {
			digits = prefix + digits
		}
		if s.verb == 'X' {
			digits = strings.ToUpper(digits)
		}
		s.plus, s.space = false, false
		return s.integer(false, digits)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		return s.float(checkNumber(L, n))
	}
	raise(L, "string.format: '%%%c' is no format; there are %%s %%d %%i %%u %%f %%g %%e %%x %%X %%o %%c %%q %%%%", s.verb)
	return ""
}

func magnitude(f float64) uint64 {
	if f < 0 {
		f = -f
	}
	return unsigned(f)
}

// unsigned cuts a number to a whole one; negative ones wrap as in C.
func unsigned(f float64) uint64 {
	switch {
	case f != f:
		return 0
	case f >= 1<<64:
		return 1<<64 - 1
	case f < 0:
		return uint64(int64(max(f, -1<<63)))
	}
	return uint64(f)
}

func (s *formatSpec) integer(negative bool, digits string) string {
	if s.precision >= 0 {
		s.zero = false
		digits = strings.Repeat("0", max(s.precision-len(digits), 0)) + digits
	}
	return s.pad(s.sign(negative), digits)
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
	text := numberText(lua.LNumber(f))
	if f-f != 0 { // infinite or not a number
		s.zero = false
		return s.pad(s.sign(f < 0), strings.TrimPrefix(text, "-"))
	}
	precision := s.precision
	if precision < 0 {
		precision = 6
	}
	switch s.verb {
	case 'f', 'F':
		text = strconv.FormatFloat(f, 'f', precision, 64)
	case 'e', 'E':
		text = strconv.FormatFloat(f, 'e', precision, 64)
	default:
		text = cFormatG(f, max(precision, 1))
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
