package vm_test

import (
	"strings"
	"testing"
)

// The arguments of a step with a file.
func TestFileArguments(t *testing.T) {
	const csv = `{"file":"inline","name":"a.csv","content_type":"text/csv","size":3,"text":"a;b"}`
	wantSteps(t, []lastStep{
		{`http.post("https://x.test", { body = file { name = "a.csv", type = "text/csv", text = "a;b" } })`,
			`http.post {"method":"POST","url":"https://x.test","file":` + csv + `}`},
		{`http.post("https://x.test", { multipart = { note = "July", sheet = file { name = "a.csv", type = "text/csv", text = "a;b" } } })`,
			`http.post {"method":"POST","url":"https://x.test","multipart":{"note":"July","sheet":` + csv + `}}`},
		{`acme.contacts.upsert { avatar = file { name = "a.png", base64 = "/w==" } }`,
			`acme.contacts.upsert {"avatar":{"file":"inline","name":"a.png","content_type":"application/octet-stream","size":1,"base64":"/w=="}}`},
		{`http.get("https://x.test", { as = "file" })`, `http.get {"method":"GET","url":"https://x.test","as":"file"}`},
	})
}

// json.encode writes what a file is, not its content.
func TestFileIsEncodedAsItsDescription(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `json.encode(file { name = "a.csv", type = "text/csv", text = "a;b" })`, want: `"{\"name\":\"a.csv\",\"type\":\"text/csv\",\"size\":3}"`},
		{lua: `json.encode({ id = 1, all = { file { name = "a", base64 = "/w==" } } })`, want: `"{\"id\":1,\"all\":[{\"name\":\"a\",\"type\":\"application/octet-stream\",\"size\":1}]}"`},
		{lua: `json.encode({ f = file { name = "a", text = "" } }, { pretty = true })`,
			want: `"{\n  \"f\": {\n    \"name\": \"a\",\n    \"type\": \"application/octet-stream\",\n    \"size\": 0\n  }\n}"`},
	})
}

// A stored file is read without a step.
func TestFileValue(t *testing.T) {
	h := newHost()
	h.answers["http.get"] = []string{`{"status":200,"headers":{"Content-Type":"text/plain"},"file":{"file":"sha256:abc","name":"notes.txt","content_type":"text/plain","size":18}}`}
	h.answers["acme.contacts.get"] = []string{`{"file":"sha256:def","name":"photo","content_type":"image/png","size":18}`}
	err := handle(t, h, `local notes = http.get("https://x.test", { as = "file" }).file
local photo = acme.contacts.get({ contactId = "c1" }, { as = "file" })
log.info(notes.name .. " " .. notes.type .. " " .. notes.size .. " " .. notes:text() .. " " .. type(notes))
log.info(tostring(photo) .. " " .. base64.decode(photo:base64()))`)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"INFO notes.txt text/plain 18 the content of abc userdata", "INFO file photo (image/png, 18 bytes) the content of def"} {
		if h.lines[i] != want {
			t.Errorf("got  %s\nwant %s", h.lines[i], want)
		}
	}
	if len(h.steps) != 2 {
		t.Errorf("%d steps, expected those that fetched the files", len(h.steps))
	}
}

// The text of a file is in the charset that its type declares.
func TestFileCharset(t *testing.T) {
	for file, want := range map[string]string{
		`type = "text/plain; charset=latin1", base64 = "Q2Fm6Q=="`:   "INFO Café",
		`type = "text/plain; charset=utf-16le", base64 = "YQBiAA=="`: "INFO ab",
		`type = "text/plain", base64 = "77u/YQ=="`:                   "INFO a",
		`type = "text/plain", text = "Café"`:                         "INFO Café",
	} {
		h := newHost()
		if err := handle(t, h, `log.info(file({ name = "a.txt", `+file+` }):text())`); err != nil || h.lines[0] != want {
			t.Errorf("%s: got %q, %v, want %q", file, h.lines, err, want)
		}
	}
}

func TestFileErrors(t *testing.T) {
	for lua, want := range map[string]string{
		`file({ name = "a", type = "text/plain; charset=nope", text = "b" }):text()`: `unknown charset "nope"`,
		`file "a.csv"`:        `crm.lua:3: file: the description`,
		`file { text = "a" }`: `file: its name is missing; write file { name = "report.csv", text = … }`,
		`file { name = "a" }`: `file: expected either text or base64`,
		`file { name = "a", text = "b", base64 = "Yg==" }`:    `file: expected either text or base64`,
		`file { name = "a", base64 = "?" }`:                   `file: base64 does not decode`,
		`file { name = "a", text = "\255" }`:                  `file: text is not UTF-8; pass bytes as base64 = base64.encode(…)`,
		`file { name = "a", txt = "b" }`:                      `unknown option "txt"; did you mean text?`,
		`file({ name = "a", text = "b" }).nmae = 1`:           `a file cannot be changed`,
		`local x = file({ name = "a", text = "b" }).path`:     `a file has no field the text "path"; it has name, type, size, text() and base64()`,
		`local f = file { name = "a", text = "b" }; f.text()`: `file:text is called with a colon: f:text()`,
		`file({ name = "a", base64 = "/w==" }):text()`:        `file a (application/octet-stream, 1 bytes) is no text; file:base64() returns its bytes`,
		`state.put("f", file { name = "a", text = "b" })`:     `a file cannot be used here: only app calls and http accept it`,
		`emit("x", { f = file { name = "a", text = "b" } })`:  `a file cannot be used here`,
		`http.get("https://x.test", { as = "text" })`:         `http.get: the option as must be "file", found "text"`,
		`http.post("https://x.test", { body = {} })`:          `body must be a text or a file, found a table`,
		`http.post("https://x.test", { multipart = "x" })`:    `multipart must be a table of names with texts and files`,
		`local x = "f: " .. file { name = "a", text = "b" }`:  `a file`,
	} {
		h := newHost()
		err := handle(t, h, lua)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", lua, err, want)
		}
		if len(h.steps) > 0 {
			t.Errorf("%s made the step %s", lua, h.last())
		}
	}
}
