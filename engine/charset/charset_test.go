package charset_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/tidewire/tidewire/engine/charset"
)

// A mark of UTF-32 begins like one of UTF-16, and is not read as that.
func TestUTF32(t *testing.T) {
	for text, want := range map[string]string{"\xFF\xFE\x00\x00\xE9\x00\x00\x00": `unknown charset "utf-32le"`, "\x00\x00\xFE\xFF\x00\x00\x00\xE9": `unknown charset "utf-32be"`} {
		if got, err := charset.Decode([]byte(text), "utf-32"); err == nil || err.Error() != want {
			t.Errorf("%q: got %q, %v, want %s", text, got, err, want)
		}
	}
}

func TestDecode(t *testing.T) {
	tests := []struct{ name, bytes, declared, want string }{
		{"nothing declared", "Café", "", "Café"},
		{"nothing at all", "", "x-unknown", ""},
		{"UTF-8", "Café €", "UTF-8", "Café €"},
		{"UTF-8 by another name", "Café", "utf8", "Café"},
		{"a replacement character in UTF-8", "a\uFFFDb", "", "a\uFFFDb"},
		{"Latin-1", "Caf\xE9", "ISO-8859-1", "Café"},
		{"Latin-1 by another name", "Caf\xE9", "latin1", "Café"},
		{"windows-1252", "\x80 5", "windows-1252", "€ 5"},
		{"Latin-1 with windows-1252 in it", "\x80 5", "ISO-8859-1", "€ 5"},
		{"ISO-8859-15", "\xA4 5", "iso-8859-15", "€ 5"},
		{"UTF-16LE without a mark", "\x41\x00\xAC\x20", "utf-16le", "A€"},
		{"UTF-16BE without a mark", "\x00\x41\x20\xAC", "UTF-16BE", "A€"},
		{"UTF-16 without a mark", "\x41\x00\xAC\x20", "utf-16", "A€"},
		{"UTF-16 with a pair", "\x3D\xD8\x00\xDE", "utf-16le", "😀"},
		{"UTF-16 with a replacement character", "\xFD\xFF\x41\x00", "utf-16le", "\uFFFDA"},
		{"UTF-16LE mark", "\xFF\xFE\x41\x00\xAC\x20", "", "A€"},
		{"UTF-16BE mark", "\xFE\xFF\x00\x41\x20\xAC", "", "A€"},
		{"UTF-16BE mark, UTF-16 declared", "\xFE\xFF\x00\x41", "UTF-16", "A"},
		{"UTF-8 mark", "\xEF\xBB\xBFCafé", "", "Café"},
		{"a mark before a wrong charset", "\xEF\xBB\xBFCafé", "ISO-8859-1", "Café"},
		{"a mark before an unknown charset", "\xFF\xFE\x41\x00", "x-unknown", "A"},
		{"a mark alone", "\xEF\xBB\xBF", "", ""},
		{"Shift_JIS", "\x93\xFA\x96\x7B", "Shift_JIS", "日本"},
		{"EUC-JP", "\xC6\xFC\xCB\xDC", "euc-jp", "日本"},
		{"ISO-2022-JP", "a\x1B$B\x46\x7C\x4B\x5C\x1B(B", "iso-2022-jp", "a日本"},
		{"GBK", "\xC4\xE3\xBA\xC3", "gbk", "你好"},
		{"GB2312", "\xC4\xE3\xBA\xC3", "GB2312", "你好"},
		{"GB18030 with four bytes", "\x94\x39\xDA\x33", "gb18030", "💩"},
		{"GB18030 with a replacement character", "a\x84\x31\xA4\x37b", "gb18030", "a\uFFFDb"},
		{"Big5", "\xA7\x41", "big5", "你"},
		{"Big5, two characters of two bytes", "a\x88\x62", "big5", "aÊ̄"},
		{"EUC-KR", "\xC7\xD1", "euc-kr", "한"},
		{"a name of IANA only", "\x82", "IBM850", "é"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := charset.Decode([]byte(test.bytes), test.declared)
			if err != nil || string(got) != test.want {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	misfit := func(b, offset, name string) string {
		return "the byte " + b + " at offset " + offset + ` does not fit the charset "` + name + `"`
	}
	tests := []struct{ name, bytes, declared, want string }{
		{"an unknown charset", "a", "x-Unknown", `unknown charset "x-Unknown"`},
		{"a charset that is not supported", "a", "utf-7", `unknown charset "utf-7"`},
		{"a charset that the web refuses", "a", "iso-2022-kr", `unknown charset "iso-2022-kr"`},
		{"Latin-1 read as UTF-8", "Caf\xE9!", "", misfit("0xE9", "3", "utf-8")},
		{"the charset as it is written", "Caf\xE9", "UTF8", misfit("0xE9", "3", "UTF8")},
		{"UTF-8 cut off", "ab\xE2\x82", "utf-8", misfit("0xE2", "2", "utf-8")},
		{"UTF-8 behind its mark", "\xEF\xBB\xBFa\xFF", "", misfit("0xFF", "4", "utf-8")},
		{"a surrogate in UTF-8", "\xED\xA0\x80", "", misfit("0xED", "0", "utf-8")},
		{"UTF-16 cut off", "\x41\x00\x42", "utf-16le", misfit("0x42", "2", "utf-16le")},
		{"UTF-16 cut off behind its mark", "\xFF\xFE\x41\x00\x42", "", misfit("0x42", "4", "utf-16le")},
		{"half a pair", "\x41\x00\x3D\xD8\x41\x00", "utf-16le", misfit("0x3D", "2", "utf-16le")},
		{"the other half of a pair", "\x41\x00\x00\xDE", "utf-16le", misfit("0x00", "2", "utf-16le")},
		{"Shift_JIS cut off", "abc\x93", "Shift_JIS", misfit("0x93", "3", "Shift_JIS")},
		{"Shift_JIS", "ab\x93\xFA\xFF", "Shift_JIS", misfit("0xFF", "4", "Shift_JIS")},
		{"GBK cut off", "\xC4\xE3\xBA", "GBK", misfit("0xBA", "2", "GBK")},
		{"GB18030 behind a replacement character", "\x84\x31\xA4\x37ab\xFF", "gb18030", misfit("0xFF", "6", "gb18030")},
		{"ISO-2022-JP", "a\x1B$B\x46\x7C\xFF", "iso-2022-jp", misfit("0xFF", "6", "iso-2022-jp")},
		{"ISO-2022-JP behind an escape", "a\x1B$B\xFF", "iso-2022-jp", misfit("0xFF", "4", "iso-2022-jp")},
		{"a byte without a character", "ab\xFF", "iso-8859-7", misfit("0xFF", "2", "iso-8859-7")},
		{"a byte behind ASCII", "ab\xE9", "ANSI_X3.4-1986", misfit("0xE9", "2", "ANSI_X3.4-1986")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, err := charset.Decode([]byte(test.bytes), test.declared); err == nil || err.Error() != test.want {
				t.Errorf("got %q, %v; want the error %s", got, err, test.want)
			}
		})
	}
}

// The named charset is used, not that of the byte order mark.
func TestDecodeAs(t *testing.T) {
	tests := []struct{ bytes, name, want string }{
		{"\xEF\xBB\xBFCaf\xE9", "windows-1252", "ï»¿Café"},
		{"\xEF\xBB\xBFCafé", "utf-8", "Café"},
		{"\xFF\xFE\x41\x00", "utf-16le", "A"},
		{"\xFE\xFF\x00\x41", "utf-16", "A"},
		{"\xFF\xFE\x41\x00", "UTF-16", "A"},
	}
	for _, test := range tests {
		if got, err := charset.DecodeAs([]byte(test.bytes), test.name); err != nil || string(got) != test.want {
			t.Errorf("%q as %s: got %q, %v; want %q", test.bytes, test.name, got, err, test.want)
		}
	}
	if got, err := charset.DecodeAs([]byte("\xFF\xFE\x41\x00"), "utf-8"); err == nil {
		t.Errorf("UTF-16 as UTF-8: got %q", got)
	}
}

func TestEncode(t *testing.T) {
	tests := []struct{ text, name, want, err string }{
		{"Café €", "windows-1252", "Caf\xE9 \x80", ""},
		{"Café", "latin1", "Caf\xE9", ""},
		{"5 €", "iso-8859-15", "5 \xA4", ""},
		{"Café", "UTF8", "Café", ""},
		{"A€", "utf-16le", "\x41\x00\xAC\x20", ""},
		{"日本", "shift_jis", "\x93\xFA\x96\x7B", ""},
		{"你好", "gb2312", "\xC4\xE3\xBA\xC3", ""},
		{"", "windows-1252", "", ""},
		{"5 €", "ISO-8859-1", "", `the character '€' (U+20AC) at offset 2 cannot be written in the charset "ISO-8859-1"`},
		{"Café", "us-ascii", "", `the character 'é' (U+00E9) at offset 3 cannot be written in the charset "us-ascii"`},
		{"日本 😀", "shift_jis", "", `the character '😀' (U+1F600) at offset 7 cannot be written in the charset "shift_jis"`},
		{"日本 😀", "iso-2022-jp", "", `the character '😀' (U+1F600) at offset 7 cannot be written in the charset "iso-2022-jp"`},
		{"a\xE9", "windows-1252", "", `the byte 0xE9 at offset 1 does not fit the charset "utf-8"`},
		{"a", "x-unknown", "", `unknown charset "x-unknown"`},
		{"a", "", "", `unknown charset ""`},
	}
	for _, test := range tests {
		got, err := charset.Encode(test.text, test.name)
		if message := text(err); string(got) != test.want || message != test.err {
			t.Errorf("%q in %q: got %q, %q; want %q, %q", test.text, test.name, got, message, test.want, test.err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestDeclared(t *testing.T) {
	for contentType, want := range map[string]string{
		"":                                           "",
		"application/json":                           "",
		"application/json; charset=utf-8":            "utf-8",
		"application/json;charset=ISO-8859-1":        "ISO-8859-1",
		`Text/HTML; Charset="Windows-1252"`:          "Windows-1252",
		"text/plain; charset='utf-8'":                "utf-8",
		"text/plain; charset = latin1":               "latin1",
		`text/plain; boundary="a;charset=x"`:         "",
		"text/plain; charset=":                       "",
		"text/plain; charset=utf-8; charset=latin1":  "utf-8",
		"text/plain; charset=utf-8; x y; charset=zz": "utf-8",
		`text/plain; charset="utf-8`:                 "utf-8",
		"text/plain; charset=utf-8;":                 "utf-8",
	} {
		if got := charset.FromContentType(contentType); got != want {
			t.Errorf("%s: got %q, want %q", contentType, got, want)
		}
	}
}

// For all bytes and names: the decoded text is UTF-8 and not longer than three
// times the bytes, an error names the charset, and an encoded text is decoded to
// the same text.
func FuzzDecode(f *testing.F) {
	names := []string{"", "utf-8", "windows-1252", "iso-8859-15", "iso-8859-7", "utf-16", "utf-16le", "utf-16be", "shift_jis", "euc-jp",
		"iso-2022-jp", "gbk", "gb18030", "big5", "euc-kr", "us-ascii", "ibm850", "x-user-defined", "x-unknown"}
	// In the other charsets one character has several codes, or one code is
	// several characters.
	exact := []string{"windows-1252", "iso-8859-15", "iso-8859-7", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ibm850"}
	for _, seed := range []string{"Caf\xE9", "\xEF\xBB\xBF{}", "\xFF\xFE\x41\x00\x42", "\x93\xFA\x96", "\x84\x31\xA4\x37\xFF", "\x1B$B\x46\x7C\x1B(", "a\uFFFD€😀"} {
		for i := range names {
			f.Add([]byte(seed), i)
		}
	}
	f.Fuzz(func(t *testing.T, input []byte, n int) {
		name := names[(n%len(names)+len(names))%len(names)]
		before := bytes.Clone(input)
		got, err := charset.Decode(input, name)
		if !bytes.Equal(input, before) {
			t.Fatalf("%s: %q was changed to %q", name, before, input)
		}
		switch {
		case err != nil && !strings.Contains(err.Error(), "charset"):
			t.Fatalf("%s: %q: %v", name, input, err)
		case err == nil && (!utf8.Valid(got) || len(got) > 3*len(input)):
			t.Fatalf("%s: %q became %q", name, input, got)
		}
		if want, ok := decoded(input, name); ok && (err != nil || string(got) != want) {
			t.Fatalf("%s: %q became %q, %v; want %q", name, input, got, err, want)
		}
		text := strings.TrimLeft(strings.ToValidUTF8(string(input), ""), "\uFEFF")
		encoded, err := charset.Encode(text, name)
		if err != nil || charset.FromBOM(encoded) != "" {
			return
		}
		again, err := charset.DecodeAs(encoded, name)
		if slices.Contains(exact, name) && (err != nil || string(again) != text) {
			t.Fatalf("%s: %q became %q and then %q, %v", name, text, encoded, again, err)
		}
	})
}

// decoded decodes bytes of some charsets without package charset. It reports
// false for bytes that do not fit, and for other charsets.
func decoded(input []byte, name string) (string, bool) {
	switch fromBOM := charset.FromBOM(input); {
	case fromBOM != "":
		return "", false
	case name == "" || name == "utf-8":
		return string(input), utf8.Valid(input)
	case name == "windows-1252":
		var b strings.Builder
		for _, c := range input {
			b.WriteRune(charmap.Windows1252.DecodeByte(c))
		}
		return b.String(), !strings.Contains(b.String(), "\uFFFD")
	case name == "utf-16be" && len(input)%2 == 0:
		var units []uint16
		for i := 0; i < len(input); i += 2 {
			units = append(units, uint16(input[i])<<8|uint16(input[i+1]))
		}
		text := string(utf16.Decode(units))
		return text, !strings.Contains(text, "\uFFFD")
	}
	return "", false
}
