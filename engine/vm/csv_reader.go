package vm

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const bom = "\uFEFF"

// csvReader reads the fields of a CSV text one after the other, by RFC 4180,
// but with any line break: CR, LF or CRLF.
type csvReader struct {
	text      string
	at        int // the byte at which the next field begins
	separator string
	lazy      bool // a quote may be anywhere
}

// csvField is a field as it is written in the text.
type csvField struct {
	start   int    // its first byte in the text
	raw     string // part of the text, without the quotes around it
	quoted  bool
	doubled bool // raw has two quotes for each quote of the value
}

// value returns a copy of the text of a field.
func (f csvField) value() string {
	if f.doubled {
		return strings.ReplaceAll(f.raw, `""`, `"`)
	}
	return strings.Clone(f.raw)
}

// next skips blank lines and reports whether there is another row.
func (r *csvReader) next() bool {
	for {
		n := lineBreak(r.text[r.at:])
		if n == 0 {
			return r.at < len(r.text)
		}
		r.at += n
	}
}

// field reads a field and reports whether it is the last of its row.
func (r *csvReader) field() (f csvField, last bool, err error) {
	f.start = r.at
	end := r.at
	if strings.HasPrefix(r.text[end:], `"`) {
		f.quoted = true
		if end, f.doubled, err = r.closing(); err != nil {
			return f, false, err
		}
		f.raw = r.text[f.start+1 : end]
		if end++; !r.ends(end) {
			end = r.lazyRest(&f, end)
		}
	} else {
		for !r.ends(end) {
			if r.text[end] == '"' && !r.lazy {
				return f, false, r.errorAt(end, `found a quote in a field that does not begin with one; put the field in quotes and write each quote in it twice, or set lazy = true`)
			}
			end++
		}
		f.raw = r.text[f.start:end]
	}
	rest := r.text[end:]
	if strings.HasPrefix(rest, r.separator) {
		r.at = end + len(r.separator)
		return f, false, nil
	}
	r.at = end + lineBreak(rest)
	return f, true, nil
}

// lazyRest adds to a field the text between its closing quote and the end of
// the field, unchanged, and returns where the field ends. The field ends at the
// line break even if a quote is open.
func (r *csvReader) lazyRest(f *csvField, at int) int {
	end := at
	for !r.ends(end) {
		end++
	}
	f.raw, f.doubled = f.value()+r.text[at:end], false
	return end
}

// closing finds the quote that ends the field that begins at r.at.
func (r *csvReader) closing() (end int, doubled bool, err error) {
	for at := r.at + 1; ; {
		n := strings.IndexByte(r.text[at:], '"')
		if n < 0 {
			return 0, false, r.errorAt(r.at, "the quote that begins this field is not closed")
		}
		at += n
		switch {
		case strings.HasPrefix(r.text[at+1:], `"`):
			doubled = true
			at += 2
		case r.lazy, r.ends(at + 1):
			return at, doubled, nil
		default:
			return 0, false, r.errorAt(at, fmt.Sprintf(`after a quote that closes a field, found %q; expected %q or the end of the line; write a quote in a field twice, or set lazy = true`,
				firstRune(r.text[at+1:]), r.separator))
		}
	}
}

// ends reports whether a field ends before a byte of the text.
func (r *csvReader) ends(at int) bool {
	return at == len(r.text) || r.text[at] == '\n' || r.text[at] == '\r' || strings.HasPrefix(r.text[at:], r.separator)
}

// lineBreak returns the length of the line break at the beginning of a text, 0 if
// there is none.
func lineBreak(text string) int {
	switch {
	case strings.HasPrefix(text, "\r\n"):
		return 2
	case strings.HasPrefix(text, "\n"), strings.HasPrefix(text, "\r"):
		return 1
	}
	return 0
}

func firstRune(text string) string {
	_, size := utf8.DecodeRuneInString(text)
	return text[:size]
}

// errorAt returns an error with the line and the column of a byte of the text,
// both from 1.
func (r *csvReader) errorAt(at int, problem string) error {
	line, start := 1, 0
	for i := 0; i < at; {
		if n := lineBreak(r.text[i:]); n > 0 {
			line, start = line+1, i+n
			i += n
		} else {
			i++
		}
	}
	return fmt.Errorf("line %d, column %d: %s", line, utf8.RuneCountInString(r.text[start:at])+1, problem)
}
