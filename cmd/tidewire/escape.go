package main

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escape returns a text without control characters: each is written as \n, \u001b
// and the like. Texts of vendors, senders and scripts must not move the cursor of
// a terminal, or begin a line that looks like one of ours.
func escape(text string) string { return escapeExcept(text, "") }

// escapeExcept is escape, but for the control characters in allowed.
func escapeExcept(text, allowed string) string {
	control := func(r rune) bool {
		return (unicode.IsControl(r) || r == utf8.RuneError || r == '\u2028' || r == '\u2029') && !strings.ContainsRune(allowed, r)
	}
	if strings.IndexFunc(text, control) < 0 {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case r == utf8.RuneError || !control(r):
			out.WriteRune(r)
		case r == '\n' || r == '\r' || r == '\t':
			out.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		default: // as in JSON, so that JSON stays JSON
			fmt.Fprintf(&out, `\u%04x`, r)
		}
		i += size
	}
	return out.String()
}

// lines is a text of ours with several lines: printf does not escape its line
// breaks.
type lines string

// printf is fmt.Fprintf with control characters in arguments escaped, but for the
// line breaks of lines.
func printf(out io.Writer, format string, args ...any) {
	for i, arg := range args {
		text, several := arg.(lines)
		kind := reflect.ValueOf(arg).Kind()
		switch {
		case several:
			args[i] = escapeExcept(string(text), "\n")
		case kind < reflect.Bool || kind > reflect.Complex128: // not a number
			args[i] = escape(fmt.Sprint(arg))
		}
	}
	fmt.Fprintf(out, format, args...)
}

// escapingWriter escapes control characters, but for line breaks and tabs, also
// in JSON, whose encoder leaves some. Each Write has whole characters.
type escapingWriter struct{ io.Writer }

func (w escapingWriter) Write(text []byte) (int, error) {
	if _, err := io.WriteString(w.Writer, escapeExcept(string(text), "\n\t")); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Fd returns that of the file, by which callers find out whether it is a terminal.
func (w escapingWriter) Fd() uintptr {
	if file, ok := w.Writer.(interface{ Fd() uintptr }); ok {
		return file.Fd()
	}
	return ^uintptr(0)
}
