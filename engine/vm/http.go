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

// httpRequest is http.post(url, { headers, query, json, body, auth, timeout }).
// The answer is { status, headers, body, json }: header names in lower case,
// json where the body is JSON by its content type, body_base64 instead of body
// where that is no text.
func httpRequest(L *lua.LState, verb string) int {
	a, name := activationOf(L), "http."+verb
	url := L.Get(1)
	if secretOf(url) == nil {
		text := wantText(L, 1, name+": the address")
		if !strings.HasPrefix(text, "https://") && !strings.HasPrefix(text, "http://") {
			raise(L, "%s: the address must begin with https:// or http://, found %q", name, brief(text, 60))
		}
	}
	options := wantOptions(L, 2, name, "headers", "query", "json", "body", "auth", "timeout")
	if option(options, "json") != lua.LNil && option(options, "body") != lua.LNil {
		raise(L, "%s: json and body are two ways to say the same; give one", name)
	}
	switch body := option(options, "body"); body.(type) {
	case *lua.LNilType, lua.LString, *lua.LUserData:
	default:
		raise(L, "%s: body must be a text, found %s; a table is sent as json = …", name, describe(body))
	}
	g := a.arguments(L, name).text("method", strings.ToUpper(verb)).set("url", url)
	for _, part := range []string{"headers", "query", "json", "body", "auth", "timeout"} {
		g.set(part, option(options, part))
	}
	s := g.step(StepHTTP)
	s.Options.Timeout = durationOption(L, options, name, "timeout")
	L.Push(answerValue(L, a.decode(L, a.step(L, s), nil, nil, false)))
	return 1
}

// answerValue gives the answer lower-case headers and, where it is JSON, json.
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
	kind, _, _ := strings.Cut(textOf(lower.RawGetString("content-type")), ";")
	body, ok := answer.RawGetString("body").(lua.LString)
	if kind = strings.TrimSpace(kind); !ok || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return v
	}
	a.charge(L, int64(len(body))/16, int64(len(body)))
	if decoded, err := a.read(L, decoder{text: []byte(body)}, shape{}); err == nil && decoded != lua.LNil {
		answer.RawSetString("json", decoded)
	}
	return v
}
