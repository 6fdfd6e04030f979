package vm

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// httpLibrary is http: requests to any address, each a step.
func httpLibrary(*Machine) map[string]lua.LValue {
	functions := map[string]lua.LGFunction{}
	for _, verb := range []string{"get", "post", "put", "patch", "delete"} {
		functions[verb] = func(L *lua.LState) int { return httpRequest(L, verb) }
	}
	return map[string]lua.LValue{"http": freeze("http", functions, nil)}
}

// httpRequest is http.post(url, { headers, query, json, body, multipart, auth,
// timeout, as, charset, find }). The answer is { status, headers, body, json }:
// header names are in lower case, json is set if the body is JSON by its
// content type, and body_base64 replaces a body that is no text. With as =
// "file" the answer has file. charset is that of the answer's text.
func httpRequest(L *lua.LState, verb string) int {
	a, name := activationOf(L), "http."+verb
	url := L.Get(1)
	if secretOf(url) == nil {
		text := wantText(L, 1, name+": the address")
		if !strings.HasPrefix(text, "https://") && !strings.HasPrefix(text, "http://") {
			raise(L, "%s: the address must begin with https:// or http://, found %q", name, brief(text, 60))
		}
	}
	options := wantOptions(L, 2, name, "headers", "query", "json", "body", "form", "multipart", "auth", "timeout", "as", "charset", "find")
	if option(options, "json") != lua.LNil && option(options, "body") != lua.LNil {
		raise(L, "%s: json and body both set the body; set one of them", name)
	}
	body, file := option(options, "body"), lua.LValue(lua.LNil)
	if fileOf(body) != nil {
		body, file = lua.LNil, body
	}
	if _, ok := body.(lua.LString); !ok && body != lua.LNil && secretOf(body) == nil {
		raise(L, "%s: body must be a text or a file, found %s; a table is sent as json = …", name, describe(body))
	}
	auth := textsOption(L, options, name, "auth")
	if auth != lua.LNil {
		L.Push(auth)
		wantOptions(L, L.GetTop(), name+": auth", "bearer", "user", "password")
	}
	multipart := option(options, "multipart")
	if _, ok := multipart.(*lua.LTable); !ok && multipart != lua.LNil {
		raise(L, "%s: multipart must be a table of names with texts and files, found %s", name, describe(multipart))
	}
	form := option(options, "form")
	if _, ok := form.(*lua.LTable); !ok && form != lua.LNil {
		raise(L, "%s: form must be a table of names and values, found %s", name, describe(form))
	}
	g := a.arguments(L, name)
	g.e.files = true
	g.text("method", strings.ToUpper(verb)).set("url", url).
		set("headers", textsOption(L, options, name, "headers")).set("query", option(options, "query")).
		set("json", option(options, "json")).set("body", body).
		set("file", file).set("form", form).set("multipart", multipart).set("auth", auth)
	if timeout := durationOption(L, options, name, "timeout"); timeout > 0 {
		g.set("timeout", lua.LNumber(timeout.Seconds()))
	}
	if asFile(L, options, name) {
		g.text("as", "file")
	}
	if charset := textOption(L, options, name, "charset"); charset != "" {
		g.text("charset", charset)
	}
	s := g.step(StepHTTP).withFind(findOption(L, options, name))
	L.Push(answerValue(L, a.decode(L, a.step(L, s), nil, nil, false)))
	return 1
}

// textsOption returns an option that is a table of names and texts. Numbers
// become texts, secrets are left unchanged.
func textsOption(L *lua.LState, options *lua.LTable, function, name string) lua.LValue {
	v := option(options, name)
	if v == lua.LNil {
		return v
	}
	given, ok := v.(*lua.LTable)
	if !ok {
		raise(L, "%s: the option %s must be a table of names and texts, found %s", function, name, describe(v))
	}
	n := len(tableOf(given).keys)
	activationOf(L).charge(L, int64(n)+1, int64(200+72*n))
	texts := newTable(0, n)
	for key, value := given.Next(lua.LNil); key != lua.LNil; key, value = given.Next(key) {
		field := textArg(L, key, function+": a name in "+name)
		if secretOf(value) == nil {
			value = lua.LString(textArg(L, value, function+": "+name+"."+brief(field, 40)))
		}
		texts.RawSetString(field, value)
	}
	return texts
}

// answerValue changes the header names of an answer to lower case and adds json
// if the answer is JSON.
func answerValue(L *lua.LState, v lua.LValue) lua.LValue {
	answer, ok := v.(*lua.LTable)
	if !ok {
		return v
	}
	headers, ok := answer.RawGetString("headers").(*lua.LTable)
	if !ok {
		return v
	}
	a := activationOf(L)
	lower := newTable(0, len(tableOf(headers).keys))
	for key, value := headers.Next(lua.LNil); key != lua.LNil; key, value = headers.Next(key) {
		a.charge(L, 1, 128)
		lower.RawSetString(strings.ToLower(textOf(key)), value)
	}
	answer.RawSetString("headers", lower)
	if stored, ok := answer.RawGetString("file").(*lua.LTable); ok {
		answer.RawSetString("file", fileOfTable(L, stored))
	}
	kind, _, _ := strings.Cut(textOf(lower.RawGetString("content-type")), ";")
	body, ok := answer.RawGetString("body").(lua.LString)
	if !ok || !jsonType(kind) {
		return v
	}
	a.charge(L, int64(len(body))/16, int64(len(body)))
	if decoded, err := a.read(L, decoder{text: []byte(body)}, shape{}); err == nil && decoded != lua.LNil {
		answer.RawSetString("json", decoded)
	}
	return v
}

// jsonType reports whether an answer of this content type is JSON.
func jsonType(kind string) bool {
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json")
}
