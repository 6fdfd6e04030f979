package vm

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	strftimelib "github.com/ncruces/go-strftime"
)

// formatPart is a part of the format of a time: a directive such as %d, white
// space, or other literal text.
type formatPart struct {
	letter byte // of the directive, or literal or space
	plain  bool // %-d: without leading zeros
	text   string
	at     int // its position in the format, in characters from 1
	// follow counts the digits of the numbers that come directly after this
	// part. If it is not 0, a number is read in its full width.
	follow int
}

const (
	literal byte = 0
	space   byte = ' ' // matches any white space
)

const directives = "%Y %m %d %H %M %S %y %e %I %l %p %a %A %b %B %h %j %u %w %V %G %F %T %R %D %s %L %z %Z %c %x %X %n %t %%, and %- before one without leading zeros"

// composites are the directives that mean several others.
var composites = map[byte]string{
	'F': "%Y-%m-%d", 'T': "%H:%M:%S", 'X': "%H:%M:%S", 'R': "%H:%M", 'D': "%m/%d/%y", 'x': "%m/%d/%y", 'c': "%a %b %e %H:%M:%S %Y",
}

// number is a directive that is written as a whole number of a fixed width.
type number struct {
	name     byte // the directive that has the same value: %d for %e
	width    int
	min, max int64
}

var numbers = map[byte]number{
	'Y': {'Y', 4, 1, 9999},
	'y': {'y', 2, 0, 99},
	'm': {'m', 2, 1, 12},
	'd': {'d', 2, 1, 31},
	'e': {'d', 2, 1, 31},
	'j': {'j', 3, 1, 366},
	'H': {'H', 2, 0, 23},
	'I': {'I', 2, 1, 12},
	'l': {'I', 2, 1, 12},
	'M': {'M', 2, 0, 59},
	'S': {'S', 2, 0, 59},
	'G': {'G', 4, 1, 9999},
	'V': {'V', 2, 1, 53},
	'u': {'w', 1, 1, 7},
	'w': {'w', 1, 0, 6},
}

// parseFormat reads the format of a time. An unknown directive is an error.
func parseFormat(format string) ([]formatPart, error) {
	var parts []formatPart
	for i := 0; i < len(format); {
		if format[i] != '%' {
			r, size := utf8.DecodeRuneInString(format[i:])
			letter := literal
			if unicode.IsSpace(r) {
				letter = space
			}
			parts = addText(parts, letter, format[i:i+size])
			i += size
			continue
		}
		at := utf8.RuneCountInString(format[:i]) + 1
		directive := strings.TrimPrefix(format[i+1:], "-")
		plain := len(directive) < len(format)-i-1
		if directive == "" {
			return nil, fmt.Errorf("the format %q ends at character %d with %q, where a directive is expected; known are %s; write %%%% for a percent sign",
				brief(format, 40), at, format[i:], directives)
		}
		letter := directive[0]
		switch composite := composites[letter]; {
		case composite != "":
			inner, _ := parseFormat(composite)
			inner[0].plain = plain
			parts = append(parts, inner...)
		case letter == '%':
			parts = addText(parts, literal, "%")
		case letter == 'n':
			parts = addText(parts, space, "\n")
		case letter == 't':
			parts = addText(parts, space, "\t")
		case numbers[letter].width > 0 || strings.IndexByte("paAbBhsLzZ", letter) >= 0:
			parts = append(parts, formatPart{letter: letter, plain: plain, at: at})
		default:
			_, size := utf8.DecodeRuneInString(directive)
			return nil, fmt.Errorf("the format %q: %q at character %d is not known; known are %s",
				brief(format, 40), format[i:len(format)-len(directive)+size], at, directives)
		}
		i = len(format) - len(directive) + 1
	}
	for i := len(parts) - 2; i >= 0; i-- {
		parts[i].follow = parts[i+1].digits()
	}
	return parts, nil
}

// addText adds literal text or white space, joined with the same kind of text
// before it.
func addText(parts []formatPart, letter byte, text string) []formatPart {
	if n := len(parts); n > 0 && parts[n-1].letter == letter {
		parts[n-1].text += text
		return parts
	}
	return append(parts, formatPart{letter: letter, text: text})
}

// digits returns how many digits this part and those directly after it begin
// with.
func (d formatPart) digits() int {
	switch {
	case numbers[d.letter].width > 0:
		return numbers[d.letter].width + d.follow
	case d.letter == 'L':
		return 3 + d.follow
	case d.letter == 's':
		return 1 + d.follow
	}
	return len(d.text) - len(strings.TrimLeft(d.text, "0123456789"))
}

// strftime formats a time by the directives of the C function; names are
// English.
func strftime(format string, t time.Time) (string, error) {
	parts, err := parseFormat(format)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, d := range parts {
		b.WriteString(d.write(t))
	}
	return b.String(), nil
}

func (d formatPart) write(t time.Time) string {
	if d.letter == literal || d.letter == space {
		return d.text
	}
	if _, offset := t.Zone(); d.letter == 'z' && offset%60 != 0 { // local mean time, before zones had whole minutes
		return t.Format("-070000")
	}
	text := strftimelib.Format("%"+string(d.letter), t)
	if d.plain && d.digits() > 0 {
		if text = strings.TrimLeft(text, "0 "); text == "" {
			return "0"
		}
	}
	return text
}

// numberOf returns the value of a time for a directive that is a number.
func numberOf(letter byte, t time.Time) int64 {
	value, _ := strconv.ParseInt(strings.TrimSpace(strftimelib.Format("%"+string(letter), t)), 10, 64)
	return value
}
