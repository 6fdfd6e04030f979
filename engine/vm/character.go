package vm

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unexpectedCharacter is the error for a character that Lua does not have.
// token begins with the first byte of it; the result is empty if the token
// begins with none.
func unexpectedCharacter(token, line string) string {
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
		return fmt.Sprintf("unexpected '%c'; texts are written between plain quotes, \"…\" or '…'", r)
	case r == utf8.RuneError:
		return "a character that is no UTF-8; save the file as UTF-8"
	case !unicode.IsGraphic(r) || unicode.IsSpace(r):
		return fmt.Sprintf("unexpected %U, an invisible character; write a plain space in its place", r)
	}
	return fmt.Sprintf("unexpected '%c'; names are of the letters a to z and A to Z, digits and '_'", r)
}
