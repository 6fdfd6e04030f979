package vm

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// foreign says what is wrong with a character that Lua does not know, given
// the first byte of it; empty if that begins none.
func foreign(token, line string) string {
	if token == "" || token[0] < utf8.RuneSelf {
		return ""
	}
	at := strings.IndexByte(line, token[0])
	if at < 0 {
		return ""
	}
	r, _ := utf8.DecodeRuneInString(line[at:])
	switch {
	case strings.ContainsRune("“”„‟‘’‚‛«»‹›", r):
		return fmt.Sprintf("unexpected '%c'; texts stand between plain quotes, \"…\" or '…'", r)
	case r == utf8.RuneError:
		return "a character that is no UTF-8; save the file as UTF-8"
	case !unicode.IsGraphic(r) || unicode.IsSpace(r):
		return fmt.Sprintf("unexpected %U, a character that is not seen; write a plain space in its place", r)
	}
	return fmt.Sprintf("unexpected '%c'; names are of the letters a to z and A to Z, digits and '_'", r)
}
