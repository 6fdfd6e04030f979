package vm

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads a string; bytes that are not UTF-8 become U+FFFD.
func (d *decoder) string() (string, error) {
	d.pos++
	start, ascii := d.pos, true
	for d.pos < len(d.text) {
		switch b := d.text[d.pos]; {
		case b == '"':
			text := d.text[start:d.pos]
			d.pos++
			d.addCharge(len(text)/64, int64(len(text)+32))
			if ascii || utf8.Valid(text) {
				return string(text), nil
			}
			return strings.ToValidUTF8(string(text), "\uFFFD"), nil
		case b == '\\':
			return d.escaped(start)
		case b < ' ':
			return "", d.unexpected(`"\"" to end the text`)
		default:
			ascii = ascii && b < utf8.RuneSelf
			d.pos++
		}
	}
	return "", d.unexpected(`"\"" to end the text`)
}

// escaped reads the rest of a string from its first escape on.
func (d *decoder) escaped(start int) (string, error) {
	built := append(make([]byte, 0, d.pos-start+32), d.text[start:d.pos]...)
	for d.pos < len(d.text) {
		b := d.text[d.pos]
		switch {
		case b == '"':
			d.pos++
			d.addCharge(len(built)/32, int64(2*len(built)+32))
			return strings.ToValidUTF8(string(built), "\uFFFD"), nil
		case b < ' ':
			return "", d.unexpected(`"\"" to end the text`)
		case b != '\\':
			built = append(built, b)
			d.pos++
			continue
		}
		d.pos++
		if d.pos >= len(d.text) {
			break
		}
		switch e := d.text[d.pos]; e {
		case '"', '\\', '/':
			built = append(built, e)
		case 'b':
			built = append(built, '\b')
		case 'f':
			built = append(built, '\f')
		case 'n':
			built = append(built, '\n')
		case 'r':
			built = append(built, '\r')
		case 't':
			built = append(built, '\t')
		case 'u':
			d.pos++
			r, err := d.unicode()
			if err != nil {
				return "", err
			}
			built = utf8.AppendRune(built, r)
			continue
		default:
			return "", d.unexpected("an escape")
		}
		d.pos++
	}
	return "", d.unexpected(`"\"" to end the text`)
}

// unicode reads the digits of \u, and a second \u if the first is the first
// half of a surrogate pair. Half a pair is read as U+FFFD.
func (d *decoder) unicode() (rune, error) {
	first, ok := d.hex(d.pos)
	if !ok {
		return 0, d.unexpected("four hexadecimal digits")
	}
	d.pos += 4
	if !utf16.IsSurrogate(first) {
		return first, nil
	}
	if d.pos+6 <= len(d.text) && d.text[d.pos] == '\\' && d.text[d.pos+1] == 'u' {
		if second, ok := d.hex(d.pos + 2); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				d.pos += 6
				return r, nil
			}
		}
	}
	return utf8.RuneError, nil
}

func (d *decoder) hex(at int) (rune, bool) {
	if at+4 > len(d.text) {
		return 0, false
	}
	r := rune(0)
	for _, b := range d.text[at : at+4] {
		switch {
		case b >= '0' && b <= '9':
			r = r<<4 | rune(b-'0')
		case b|0x20 >= 'a' && b|0x20 <= 'f':
			r = r<<4 | rune(b|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
