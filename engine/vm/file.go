package vm

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/engine/charset"
)

// fileValue is a file as scripts get it: its name, type and size, and where its
// content is. It is encoded as this object in arguments and answers.
type fileValue struct {
	// File is "sha256:" with the hash of a stored file, or "inline" if the
	// content is in Text or Base64.
	File        string `json:"file"`
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Size        int64  `json:"size"`
	Text        string `json:"text,omitempty"`
	Base64      string `json:"base64,omitempty"`
}

// info is what json.encode writes of a file.
func (f *fileValue) info() *lua.LTable {
	info := newTable(0, 3)
	for _, name := range []string{"name", "type", "size"} {
		info.RawSetString(name, fileMembers[name](f))
	}
	return info
}

const (
	fileInline     = "inline"
	fileHashPrefix = "sha256:"
	// maxFileText bounds, in bytes, what a script can read of a file.
	maxFileText = 4 << 20
)

var fileMeta = guarded(map[string]lua.LGFunction{
	"__index":    fileIndex,
	"__newindex": func(L *lua.LState) int { raise(L, "a file cannot be changed"); return 0 },
	"__tostring": func(L *lua.LState) int {
		text := fileOf(L.Get(1)).String()
		activationOf(L).chargeString(L, len(text))
		L.Push(lua.LString(text))
		return 1
	},
})

// fileMembers are the fields and methods of a file.
var fileMembers = map[string]func(f *fileValue) lua.LValue{
	"name":   func(f *fileValue) lua.LValue { return lua.LString(f.Name) },
	"type":   func(f *fileValue) lua.LValue { return lua.LString(f.ContentType) },
	"size":   func(f *fileValue) lua.LValue { return lua.LNumber(f.Size) },
	"text":   func(*fileValue) lua.LValue { return fileText },
	"base64": func(*fileValue) lua.LValue { return fileBase64 },
}

var (
	fileText = function(func(L *lua.LState) int {
		content := fileContent(L, "text")
		chargeCharset(L, len(content))
		text, err := charset.Decode(content, charset.FromContentType(fileOf(L.Get(1)).ContentType))
		if err != nil {
			raise(L, "file:text: %s is no text; file:base64() returns its bytes, and text.decode reads them in another charset: %v",
				fileOf(L.Get(1)), err)
		}
		activationOf(L).chargeString(L, len(text))
		L.Push(lua.LString(text))
		return 1
	})
	fileBase64 = function(func(L *lua.LState) int {
		content := fileContent(L, "base64")
		activationOf(L).chargeString(L, base64.StdEncoding.EncodedLen(len(content)))
		L.Push(lua.LString(base64.StdEncoding.EncodeToString(content)))
		return 1
	})
)

func fileIndex(L *lua.LState) int {
	name, _ := L.Get(2).(lua.LString)
	member, found := fileMembers[string(name)]
	if !found {
		raise(L, "a file has no field %s; it has name, type, size, text() and base64()", describe(L.Get(2)))
	}
	L.Push(member(fileOf(L.Get(1))))
	return 1
}

// fileContent reads the file that a method is called on. It is no step, because
// a stored file never changes.
func fileContent(L *lua.LState, method string) []byte {
	f := fileOf(L.Get(1))
	if f == nil {
		raise(L, "file:%[1]s is called with a colon: f:%[1]s()", method)
	}
	a := activationOf(L)
	if f.Size > maxFileText {
		raise(L, "file:%s: %s is too large to be read here; at most %s can be", method, f, bytesText(maxFileText))
	}
	a.charge(L, f.Size/64, f.Size)
	content, err := f.inline()
	if err == nil && f.File != fileInline {
		content, err = a.host.File(strings.TrimPrefix(f.File, fileHashPrefix), maxFileText)
	}
	if err != nil {
		raise(L, "file:%s: %v", method, err)
	}
	return content
}

func (f *fileValue) inline() ([]byte, error) {
	if f.Base64 == "" {
		return []byte(f.Text), nil
	}
	return base64.StdEncoding.DecodeString(f.Base64)
}

// fileFunction is file { name, type, text or base64 }: a file made by the
// script.
func fileFunction(L *lua.LState) int {
	wantTable(L, 1, "file: the description")
	given := wantOptions(L, 1, "file", "name", "type", "text", "base64")
	f := &fileValue{File: fileInline, Name: textOption(L, given, "file", "name"), ContentType: textOption(L, given, "file", "type"),
		Text: textOption(L, given, "file", "text"), Base64: textOption(L, given, "file", "base64")}
	if f.Name == "" {
		raise(L, `file: its name is missing; write file { name = "report.csv", text = … }`)
	}
	if (option(given, "text") == lua.LNil) == (option(given, "base64") == lua.LNil) {
		raise(L, "file: expected either text or base64")
	}
	if f.ContentType == "" {
		f.ContentType = "application/octet-stream"
	}
	content, err := f.inline()
	if err != nil {
		raise(L, "file: base64 does not decode: %v", err)
	}
	if f.Base64 == "" && !utf8.ValidString(f.Text) {
		raise(L, "file: text is not UTF-8; pass bytes as base64 = base64.encode(…)")
	}
	f.Size = int64(len(content))
	L.Push(newFile(L, f))
	return 1
}

func newFile(L *lua.LState, f *fileValue) lua.LValue {
	activationOf(L).charge(L, 1, f.bytes())
	return &lua.LUserData{Value: f, Metatable: fileMeta}
}

// fileOf returns the file that a value is, nil if it is none.
func fileOf(v lua.LValue) *fileValue {
	if u, ok := v.(*lua.LUserData); ok {
		f, _ := u.Value.(*fileValue)
		return f
	}
	return nil
}

// answeredFile makes the file of an answer that is a file.
func answeredFile(L *lua.LState, raw []byte) lua.LValue {
	var f fileValue
	if err := json.Unmarshal(raw, &f); err != nil || !strings.HasPrefix(f.File, fileHashPrefix) {
		raise(L, "the answer is no file")
	}
	return newFile(L, &f)
}

// fileOfTable makes the file of a decoded object within an answer or event.
func fileOfTable(L *lua.LState, t *lua.LTable) lua.LValue {
	text := func(name string) string {
		s, _ := t.RawGetString(name).(lua.LString)
		return string(s)
	}
	size, _ := t.RawGetString("size").(lua.LNumber)
	return newFile(L, &fileValue{File: text("file"), Name: text("name"), ContentType: text("content_type"), Size: int64(size), Base64: text("base64")})
}

func (f *fileValue) String() string {
	return fmt.Sprintf("file %s (%s, %d bytes)", f.Name, f.ContentType, f.Size)
}

func (f *fileValue) describe() string { return "a file" }

func (f *fileValue) bytes() int64 {
	return int64(160 + len(f.File) + len(f.Name) + len(f.ContentType) + len(f.Text) + len(f.Base64))
}

func (f *fileValue) size() (int64, []lua.LValue) { return f.bytes(), nil }
