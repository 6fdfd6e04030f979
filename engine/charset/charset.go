// Package charset converts text of any charset to UTF-8, and UTF-8 to the
// other charsets. It does not guess which charset a text has.
package charset

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/transform"
)

const utf8Name = "utf-8"

// boms are the byte order marks, each with its charset.
var boms = []struct{ bom, charset string }{
	{"\xEF\xBB\xBF", utf8Name},
	{"\xFF\xFE\x00\x00", "utf-32le"}, // not supported, and must not be read as UTF-16
	{"\x00\x00\xFE\xFF", "utf-32be"},
	{"\xFF\xFE", "utf-16le"},
	{"\xFE\xFF", "utf-16be"},
}

// FromBOM returns the charset of the byte order mark that a text
// begins with, empty if there is none.
func FromBOM(text []byte) string {
	for _, m := range boms {
		if bytes.HasPrefix(text, []byte(m.bom)) {
			return m.charset
		}
	}
	return ""
}

// FromContentType returns the charset of a Content-Type as it is written there,
// empty if there is none.
func FromContentType(contentType string) string {
	_, params, err := mime.ParseMediaType(contentType)
	name := params["charset"]
	if err != nil {
		// Another parameter is malformed or repeated.
		for parameter := range strings.SplitSeq(contentType, ";") {
			key, value, _ := strings.Cut(parameter, "=")
			if strings.EqualFold(strings.TrimSpace(key), "charset") {
				name = value
				break
			}
		}
	}
	return strings.Trim(name, " \t\"'")
}

// Check returns an error unless text of the named charset can be decoded.
func Check(name string) error {
	_, err := lookup(name)
	return err
}

// Decode returns a text as UTF-8, without its byte order mark. The charset is
// that of the mark, else the declared one, else UTF-8. An unknown charset is
// an error, and so are bytes that do not fit the charset: the error names the
// first one and its offset, from 0.
func Decode(text []byte, declared string) ([]byte, error) {
	return DecodeAs(text, cmp.Or(FromBOM(text), declared, utf8Name))
}

// DecodeAs is Decode with the named charset, whatever the byte order mark is. A
// mark in that charset is left out of the result. "utf-16" has the byte order of
// the mark, else little endian.
//
// Names are those of the WHATWG Encoding Standard, then those of IANA:
// iso-8859-1 is decoded as windows-1252, as browsers do.
func DecodeAs(text []byte, name string) ([]byte, error) {
	if len(text) == 0 {
		return text, nil
	}
	given := name
	if fromBOM := FromBOM(text); strings.EqualFold(name, "utf-16") && fromBOM != utf8Name {
		name = cmp.Or(fromBOM, name)
	}
	charset, err := lookup(name)
	if err != nil {
		return nil, err
	}
	decoded, at := text, -1
	if charset == nil {
		at = invalidUTF8(text)
	} else {
		decoder := charset.NewDecoder()
		if decoded, _, err = transform.Bytes(decoder, text); err != nil {
			return nil, fmt.Errorf("charset %.40q: %w", given, err)
		}
		if bytes.Contains(decoded, []byte(replacement)) {
			at = firstMisfit(decoder, text, replacementIn(charset))
		}
	}
	if at >= 0 {
		return nil, fmt.Errorf("the byte 0x%02X at offset %d does not fit the charset %.40q", text[at], at, given)
	}
	return bytes.TrimPrefix(decoded, []byte("\uFEFF")), nil
}

// Encode returns a text in the named charset. It is an error if the charset is
// unknown, if the text is not UTF-8, or if a character cannot be written in
// the charset: the error names the first one and its offset in bytes, from 0.
//
// Names are those of IANA, then those of the WHATWG Encoding Standard:
// iso-8859-1 has no euro sign.
func Encode(text, name string) ([]byte, error) {
	charset, err := lookupIANA(name)
	if err != nil {
		return nil, err
	}
	if at := invalidUTF8([]byte(text)); at >= 0 {
		return nil, fmt.Errorf("the byte 0x%02X at offset %d does not fit the charset %.40q", text[at], at, utf8Name)
	}
	if charset == nil {
		return []byte(text), nil
	}
	encoded, at, err := transform.Bytes(charset.NewEncoder(), []byte(text))
	if err != nil {
		if at >= len(text) {
			return nil, fmt.Errorf("charset %.40q: %w", name, err)
		}
		r, _ := utf8.DecodeRuneInString(text[at:])
		return nil, fmt.Errorf("the character %q (%U) at offset %d cannot be written in the charset %.40q", r, r, at, name)
	}
	return encoded, nil
}

// replacement is what decoders write for bytes that do not fit.
const replacement = "\uFFFD"

// firstMisfit returns the offset of the first bytes that a decoder replaces, -1
// if there are none. The bytes in encodedReplacement are a replacement character
// that the text itself has, and fit.
func firstMisfit(decoder *encoding.Decoder, text, encodedReplacement []byte) int {
	decoder.Reset()
	var one [utf8.UTFMax]byte
	for at := 0; at < len(text); {
		// An escape sequence is decoded to nothing. Skip it, so that the offset is
		// that of the character after it.
		_, skipped, _ := decoder.Transform(nil, text[at:], true)
		at += skipped
		// There is room for one replacement, which has three bytes, so no second
		// character is decoded in the same call.
		written, read, err := decoder.Transform(one[:len(replacement)], text[at:], true)
		if written == 0 && read == 0 && errors.Is(err, transform.ErrShortDst) {
			written, read, _ = decoder.Transform(one[:], text[at:], true)
		}
		if string(one[:written]) == replacement && !bytes.Equal(text[at:at+read], encodedReplacement) {
			return at
		}
		if read+skipped == 0 {
			return at
		}
		at += read
	}
	return -1
}

// replacementIn returns the replacement character in a charset, nil if the
// charset does not have it.
func replacementIn(charset encoding.Encoding) []byte {
	encoded, err := charset.NewEncoder().Bytes([]byte(replacement))
	if err != nil {
		return nil
	}
	return encoded
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, -1 if there
// is none.
func invalidUTF8(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// lookup returns the charset with a name of the WHATWG Encoding Standard, else
// of IANA; nil for UTF-8.
func lookup(name string) (encoding.Encoding, error) {
	web, err := htmlindex.Get(name)
	if err != nil {
		if web, err = ianaindex.IANA.Encoding(name); err != nil {
			web = nil
		}
	}
	return supported(web, name)
}

// lookupIANA returns the charset with a name of IANA, else of the WHATWG
// Encoding Standard; nil for UTF-8.
func lookupIANA(name string) (encoding.Encoding, error) {
	standard, err := ianaindex.IANA.Encoding(name)
	if err != nil || standard == nil {
		return lookup(name)
	}
	return supported(standard, name)
}

func supported(charset encoding.Encoding, name string) (encoding.Encoding, error) {
	// htmlindex has Replacement for the charsets that browsers refuse.
	if charset == nil || charset == encoding.Replacement {
		return nil, fmt.Errorf("unknown charset %.40q", name)
	}
	if canonical, err := htmlindex.Name(charset); err == nil && canonical == utf8Name {
		return nil, nil
	}
	return charset, nil
}
