package vm_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

// The run's zone in these tests is Europe/Paris: UTC+1, and UTC+2 from 28
// March to 31 October 2027.
func TestTime(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `time.now()`, want: `"2026-12-01T09:00:00Z"`},
		{lua: `time.after "3 days"`, want: `"2026-12-04T09:00:00Z"`},
		{lua: `time.before("90 minutes")`, want: `"2026-12-01T07:30:00Z"`},
		{lua: `time.after(90)`, want: `"2026-12-01T09:01:30Z"`},
		{lua: `time.after("1h30m", "2026-12-01T00:00:00Z")`, want: `"2026-12-01T01:30:00Z"`},
		{lua: `time.after("1 day", "2027-03-27 12:00")`, want: `"2027-03-28T10:00:00Z"`},
		{lua: `time.after("24 hours", "2027-03-27 12:00")`, want: `"2027-03-28T11:00:00Z"`},
		{lua: `time.before("1 day", "2027-03-28 12:00")`, want: `"2027-03-27T11:00:00Z"`},
		{lua: `time.after("1 month", "2027-01-31 08:00")`, want: `"2027-02-28T07:00:00Z"`},
		{lua: `time.after("1 year, 2 months and 3 days", "2026-01-01T00:00:00Z")`, want: `"2027-03-04T00:00:00Z"`},
		{lua: `time.at "2026-12-01 09:00"`, want: `"2026-12-01T08:00:00Z"`},
		{lua: `time.at "2026-12-01T09:00:00+01:00"`, want: `"2026-12-01T08:00:00Z"`},
		{lua: `time.at "2026-07-01"`, want: `"2026-06-30T22:00:00Z"`},
		{lua: `time.at(0)`, want: `"1970-01-01T00:00:00Z"`},
		{lua: `time.at(1700000000.5)`, want: `"2023-11-14T22:13:20.5Z"`},
		{lua: `time.parse("01/12/2026 18:30", "%d/%m/%Y %H:%M")`, want: `"2026-12-01T17:30:00Z"`},
		{lua: `time.parse("2026-12-01 18:30", "%Y-%m-%d %H:%M", "America/New_York")`, want: `"2026-12-01T23:30:00Z"`},
		{lua: `time.parse("Tue, 01 Dec 2026 09:00:00 +0000")`, want: `"2026-12-01T09:00:00Z"`},
		{lua: `time.parse("next week")`, want: `nil`},
		{lua: `time.format("2026-12-01T09:00:00Z")`, want: `"2026-12-01 10:00:00"`},
		{lua: `time.format("2026-12-01T09:05:07Z", "%A %-d %B %Y, %H:%M:%S %z %j %u %V %s %L %l%p %%", "UTC")`, want: `"Tuesday 1 December 2026, 09:05:07 +0000 335 2 49 1796115907 000  9AM %"`},
		{lua: `time.diff("2026-12-02T00:00:00Z", "2026-12-01T12:00:00Z")`, want: `43200`},
		{lua: `time.diff("2026-12-01T12:00:00Z", "2026-12-02T00:00:00Z", "hours")`, want: `-12`},
		{lua: `time.diff("2027-03-28 12:00", "2027-03-27 12:00", "days")`, want: `1`},
		{lua: `time.diff("2027-03-28 12:00", "2027-03-27 12:00", "hours")`, want: `23`},

		{lua: `time.at "soon"`, err: `time.at: "soon" is no time; expected one like "2026-12-01T09:00:00Z"`},
		{lua: `time.at(1700000000000)`, err: "divide milliseconds by 1000"},
		{lua: `time.after "soon"`, err: `time.after: "soon" is no length of time; expected one like "3 days"`},
		{lua: `time.after "1.5 months"`, err: "a part of a month or year has no fixed length"},
		{lua: `time.after "1000000 years"`, err: "longer than 100 years"},
		{lua: `time.after(-5)`, err: "a length of time must be a text such as"},
		{lua: `time.format("2026-12-01", "%Q")`, err: `time.format: the format "%Q": "%Q" at character 1 is not known; known are %Y`},
		{lua: `time.format("2026-12-01", "%Y", "Mars")`, err: `"Mars" is no time zone`},
		{lua: `time.diff("2026-12-01", "2026-12-02", "moons")`, err: "the unit is seconds, minutes, hours, days or weeks"},
		{lua: `time.after("100 years", "9950-01-01")`, err: "the year 10049 is beyond what RFC 3339 can write"},
	})
}

func TestTimeSteps(t *testing.T) {
	h := newHost()
	if err := handle(t, h, `time.now() time.after "1 day" time.before(60) time.after("1 day", "2026-01-01")`); err != nil {
		t.Fatal(err)
	}
	want := []string{`time.now {}`, `time.after {"span":"1 day"}`, `time.before {"span":60}`}
	if len(h.steps) != len(want) {
		t.Fatalf("%d steps; want %d: with a base there is none", len(h.steps), len(want))
	}
	for i, s := range h.steps {
		if got := s.Name + " " + string(s.Args); got != want[i] || s.Kind != vm.StepNow {
			t.Errorf("step %d: %s %s; want %s", i+1, s.Kind, got, want[i])
		}
	}
}

func TestMoney(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `money.add("0.10", "0.20")`, want: `"0.30"`},
		{lua: `money.add("1", "2.5", 3, json.number "0.005")`, want: `"6.505"`},
		{lua: `money.sub("1.00", "0.9", "0.2")`, want: `"-0.10"`},
		{lua: `money.mul("19.99", "0.2")`, want: `"3.998"`},
		{lua: `money.mul("19.99", "0.2", 2)`, want: `"4.00"`},
		{lua: `money.mul("1.5e3", "-2")`, want: `"-3000"`},
		{lua: `money.add("9007199254740993", "0.01")`, want: `"9007199254740993.01"`},
		{lua: `{ money.round("0.125", 2), money.round("-0.125", 2), money.round("0.125", 2, "half_even"), money.round("0.135", 2, "half_even") }`, want: `["0.13","-0.13","0.12","0.14"]`},
		{lua: `{ money.round("0.129", 2, "down"), money.round("0.121", 2, "up"), money.round("-0.001", 2), money.round("5", 2) }`, want: `["0.12","0.13","0.00","5.00"]`},
		{lua: `{ money.compare("1.50", "1.5"), money.compare("-1", "0"), money.compare(2, "1.99") }`, want: `[0,-1,1]`},
		{lua: `money.format("1234567.895", "EUR")`, want: `"1,234,567.90 EUR"`},
		{lua: `money.format("-1234.5", "jpy")`, want: `"-1,235 JPY"`},
		{lua: `money.format("0.5", "KWD")`, want: `"0.500 KWD"`},
		{lua: `money.format("1234.5", "EUR", { group = " ", point = "," })`, want: `"1 234,50 EUR"`},
		{lua: `money.format("1234.5", nil, { group = "" })`, want: `"1234.5"`},
		{lua: `money.add("1,50", "1")`, err: `money.add: "1,50" is no decimal; expected digits like "1250.50"`},
		{lua: `money.add("", "1")`, err: `is no decimal`},
		{lua: `money.add("1e9999", "1")`, err: `more than 1000 digits`},
		{lua: `money.add("1e99999", "1")`, err: `is no decimal`},
		{lua: `money.add(nil, "1")`, err: `money.add: an amount must be a text, found nil`},
		{lua: `money.round("1", -1)`, err: "places must be a whole number from 0 to 100"},
		{lua: `money.round("1", 2, "nearest")`, err: `rounding is half_up, half_even, up or down, found "nearest"`},
		{lua: `money.format("1", "EURO")`, err: `the currency must have three letters`},
		{lua: `local x = "9"; for i = 1, 20 do x = money.mul(x, x) end; return x`, err: "money.mul: "},
	})
}

func TestText(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `text.trim "  a b \n"`, want: `"a b"`},
		{lua: `text.trim(12)`, want: `"12"`},
		{lua: `text.urlencode "a b&c=d/é~-._+%"`, want: `"a%20b%26c%3Dd%2F%C3%A9~-._%2B%25"`},
		{lua: `text.urlencode ""`, want: `""`},
		{lua: `text.urldecode "a%20b+c%26%c3%A9"`, want: `"a b c&é"`},
		{lua: `text.urldecode(text.urlencode "ß ?+%"), text.urlencode(12)`, want: `"ß ?+%"`},
		{lua: `text.urldecode "a%20%zz"`, err: `text.urldecode: byte 5: expected two hexadecimal digits after %, found "%zz"`},
		{lua: `text.urldecode "100%"`, err: `byte 4: expected two hexadecimal digits after %, found "%"`},
		{lua: `text.urldecode "%4"`, err: `byte 1: expected two hexadecimal digits after %, found "%4"`},
		{lua: `text.urlencode(secret "a")`, err: `text.urlencode: the text`},
		{lua: `text.urlencode {}`, err: `text.urlencode: the text`},
		{lua: `text.split("a,b,,c", ",")`, want: `["a","b","","c"]`},
		{lua: `text.split("a,b,,c", ",", 2)`, want: `["a","b,,c"]`},
		{lua: `text.split " a  b "`, want: `["a","b"]`},
		{lua: `text.split("", ",")`, want: `[""]`},
		{lua: `text.split ""`, want: `[]`},
		{lua: `text.slug "L'Été à Paris – 50% off!"`, want: `"lete-a-paris-50-off"`},
		{lua: `text.slug "Größe Łódź"`, want: `"groesse-lodz"`},
		{lua: `{ text.same_id(12, "12"), text.same_id(" a", "a"), text.same_id("a", "A"), text.same_id(nil, nil), text.same_id("", ""), text.same_id(json.null, "x") }`, want: `[true,true,false,false,false,false]`},
		{lua: `text.template("Hi {{ name }}, {{n}} {{ok}} {{company.city}}{{none?}}!", { name = "Ada", n = 3, ok = true, company = { city = "Paris" } })`, want: `"Hi Ada, 3 true Paris!"`},
		{lua: `text.template("<b>{{x}}</b>", { x = "<i>" }, { escape = "html" })`, want: `"<b>&lt;i&gt;</b>"`},
		{lua: `text.template("{{ name }}", {})`, err: "there is no value for {{name}}; write {{name?}}"},
		{lua: `text.template("{{ name", {})`, err: "{{ name is not closed with }}"},
		{lua: `text.template("{{ t }}", { t = {} })`, err: "the value of {{t}} must be a text, found a table"},
		{lua: `text.trim(secret "k")`, err: "text.trim: the text must be a text, found a secret"},
		{lua: `text.template("{{k}}", { k = secret "k" })`, err: "must be a text, found a secret"},
		{lua: `text.trimm "a"`, err: "text has no 'trimm'"},
		{lua: `text.csv "a,b\n\"x, y\",2\n"`, want: `[["a","b"],["x, y","2"]]`},
		{lua: `text.csv("name;n\nAda;3\nBob\n", { separator = ";", header = true })`, want: `[{"name":"Ada","n":"3"},{"name":"Bob"}]`},
		{lua: `text.csv({ { "a", 1 }, { "x, y", true } })`, want: `"a,1\n\"x, y\",true\n"`},
		{lua: `text.csv({ { name = "Ada", n = 3 }, { n = 4 } }, { header = true })`, want: `"name,n\nAda,3\n,4\n"`},
		{lua: `text.csv "\239\187\191a,b\n"`, want: `[["a","b"]]`},
		{lua: `text.csv "\255\254\65\0\44\0\172\32"`, want: `[["A","€"]]`},
		{lua: `text.csv "caf\233"`, err: `text.csv: the byte 0xE9 at offset 3 does not fit the charset "utf-8"; text.decode(bytes, "windows-1252") reads another charset`},
		{lua: `text.csv '"a'`, err: "text.csv: "},
		{lua: `text.csv("a", { separator = ";;" })`, err: "the separator must be one character"},
	})
}

func TestCharset(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `text.decode("Caf\233 \128", "windows-1252")`, want: `"Café €"`},
		{lua: `text.decode("\164", "ISO-8859-15")`, want: `"€"`},
		{lua: `text.decode("\239\187\191Caf\195\169", "utf-8")`, want: `"Café"`},
		{lua: `text.decode("", "windows-1252")`, want: `""`},
		{lua: `text.decode(12, "windows-1252")`, want: `"12"`},
		{lua: `text.encode("Café €", "windows-1252") == "Caf\233 \128"`, want: `true`},
		{lua: `base64.encode(text.encode("A€", "utf-16le"))`, want: `"QQCsIA=="`},
		{lua: `text.decode(text.encode("日本", "Shift_JIS"), "Shift_JIS")`, want: `"日本"`},
		{lua: `text.decode(base64.decode(file({ name = "a", base64 = "Q2Fm6Q==" }):base64()), "latin1")`, want: `"Café"`},
		{lua: `text.decode("\147", "Shift_JIS")`, err: `text.decode: the byte 0x93 at offset 0 does not fit the charset "Shift_JIS"`},
		{lua: `text.decode("a", "x-unknown")`, err: `text.decode: unknown charset "x-unknown"`},
		{lua: `text.decode("a")`, err: "text.decode: the charset must be a text, found nil"},
		{lua: `text.decode({}, "utf-8")`, err: "text.decode: the bytes must be a text, found a table"},
		{lua: `text.decode(secret "k", "utf-8")`, err: "text.decode: the bytes must be a text, found a secret"},
		{lua: `text.encode("a😀", "windows-1252")`, err: `text.encode: the character '😀' (U+1F600) at offset 1 cannot be written in the charset "windows-1252"`},
		{lua: `text.encode("\233", "windows-1252")`, err: `text.encode: the byte 0xE9 at offset 0 does not fit the charset "utf-8"`},
		{lua: `text.encode("a", "x-unknown")`, err: `text.encode: unknown charset "x-unknown"`},
		{lua: `text.encode(secret "k", "utf-8")`, err: "text.encode: the text must be a text, found a secret"},
		{lua: `text.encode(("a"):rep(5 * 1024 * 1024), "utf-16le")`, err: "over the limit of 8 MiB in one string"},
		{lua: `text.decode(("\128"):rep(3 * 1024 * 1024), "windows-1252")`, err: "over the limit of 8 MiB in one string"},
		{lua: `json.decode("\239\187\191{\"a\":1}").a`, want: `1`},
		{lua: `json.decode "\255\254\49\0"`, want: `1`},
		{lua: `json.decode '"caf\233"'`, err: `json.decode: the byte 0xE9 at offset 4 does not fit the charset "utf-8"; text.decode(bytes, "windows-1252") reads another charset`},
		{lua: `file({ name = "a", base64 = base64.encode("\239\187\191a") }):text()`, want: `"a"`},
		{lua: `file({ name = "a", base64 = base64.encode("\254\255\32\172") }):text()`, want: `"€"`},
		{lua: `file({ name = "a", base64 = base64.encode("\233") }):text()`, err: `text.decode reads them in another charset: the byte 0xE9 at offset 0 does not fit the charset "utf-8"`},
	})
}

func TestSecrets(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `tostring(secret "api")`, want: `"secret:api"`},
		{lua: `tostring("Bearer " .. secret "api" .. "!")`, want: `"Bearer secret:api!"`},
		{lua: `tostring("Basic " .. base64.encode(secret "user" .. ":" .. secret "pass"))`, want: `"Basic base64(secret:user:secret:pass)"`},
		{lua: `{ secret "api" }`, want: `["secret:api"]`},
		{lua: `secret "api" .. {}`, err: "what is joined to a secret must be a text, found a table"},
		{lua: `string.format("%s", secret "api")`, err: "string.format: a secret cannot be made text; join it with .. and pass it to an app call or http"},
		{lua: `table.concat({ secret "api" })`, err: "secret"},
		{lua: `#secret "api"`, err: "secret"},
		{lua: `string.rep(secret "api", 2)`, err: "secret"},
		{lua: `secret("api").name`, err: "a secret has no field"},
		{lua: `secret "a b"`, err: `secret: "a b" is no name of a secret`},
		{lua: `base64.encode(secret "a", { url = true })`, err: "a secret can be encoded in the standard alphabet only"},
		{lua: `base64.decode(secret "a")`, err: "base64.decode: the text must be a text, found a secret"},
		{lua: `state.put("k", secret "a")`, err: "state.put: a secret cannot be stored"},
		{lua: `emit("x", { k = secret "a" })`, err: "emit: data.k: a secret cannot be used here"},
		{lua: `local s = secret "a"; for i = 1, 10 do s = s .. s end; return s`, err: "a secret can be joined of at most 64 parts"},
		{lua: `local s = secret "a"; for i = 1, 10 do s = base64.encode(s) end; return s`, err: "encoded 4 times"},
		{lua: `getmetatable(secret "a")`, want: "false"},
	})
	h := newHost()
	if err := handle(t, h, `http.get("https://x.test", { headers = { Authorization = "secret:api" } })`); err != nil || h.steps[0].Secrets != nil {
		t.Errorf("text that looks like a secret became one: %v, %v", h.steps, err)
	}
}

func TestCrypto(t *testing.T) {
	tests := []struct{ lua, want string }{
		{`base64.encode "hi?>"`, `"aGk/Pg=="`},
		{`base64.encode("hi?>", { url = true })`, `"aGk_Pg"`},
		{`base64.decode "aGk_Pg"`, `"hi?>"`},
		{`base64.decode "aGk/\nPg=="`, `"hi?>"`},
		{`base64.decode "not base64!"`, `nil`},
		// The vector of RFC 4231, test case 2.
		{`hmac.sha256("Jefe", "what do ya want for nothing?")`, `"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"`},
		{`hmac.sha256(secret "jefe", "what do ya want for nothing?")`, `"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"`},
		{`hmac.sha256("Je" .. secret "tail", "what do ya want for nothing?", "base64")`, `"W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="`},
		{`hmac.sha1("Jefe", "what do ya want for nothing?")`, `"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"`},
		{`#hmac.sha512("k", "t")`, `128`},
	}
	for _, test := range tests {
		t.Run(test.lua, func(t *testing.T) {
			h := newHost()
			h.secrets = map[string]string{"jefe": "Jefe", "tail": "fe"}
			got, err := evaluate(t, h, test.lua)
			if err != nil || got != test.want {
				t.Errorf("got %s, %v; want %s", got, err, test.want)
			}
		})
	}
	runSnippets(t, []snippet{
		{lua: `hmac.sha256(secret "unknown", "t")`, err: `there is no secret "unknown"`},
		{lua: `hmac.sha256("k", "t", "octal")`, err: `hmac.sha256: the form is hex or base64, found "octal"`},
		{lua: `hmac.sha256("k")`, err: "hmac.sha256: the text must be a text, found nil"},
	})
}

func TestState(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `state.get "none"`, want: "nil"},
		{lua: `state.put("k", { 1, json.null, {} }); return state.get "k"`, want: `[1,null,{}]`},
		{lua: `state.put("k", 1e20); return type(state.get "k")`, want: `"number"`},
		{lua: `state.put("k", json.array()); return state.get "k"`, want: `[]`},
		{lua: `state.add "n"; return state.add("n", 2.5)`, want: `3.5`},
		{lua: `return { state.cas("k", nil, 1), state.cas("k", 2, 3), state.cas("k", 1, 2), state.get "k" }`, want: `[true,false,true,2]`},
		{lua: `state.put("k", 1); state.delete "k"; return state.get "k"`, want: "nil"},
		{lua: `state.put("k", nil)`, err: "state.put needs a value; state.delete(key) deletes one"},
		{lua: `state.put("", 1)`, err: "state.put: the key must have 1 to 512 bytes"},
		{lua: `state.put("k", print)`, err: "state.put: value: a function cannot be sent"},
		{lua: `state.put({}, 1)`, err: "state.put: the key must be a text, found a table"},
		{lua: `state.add("k", "1")`, err: `state.add: the number to add must be a number`},
		{lua: `state.cas("k", 1)`, err: "state.cas takes a key, the expected value and the new one"},
	})
}

func TestStepArguments(t *testing.T) {
	wantSteps(t, []lastStep{
		{`links.put("qonto.client", "q1", "highlevel.contact", 12)`, `links.put {"verb":"put","kind":"qonto.client","id":"q1","kind2":"highlevel.contact","id2":"12"}`},
		{`links.get("qonto.client", "q1", "highlevel.contact")`, `links.get {"verb":"get","kind":"qonto.client","id":"q1","kind2":"highlevel.contact"}`},
		{`links.remove("a", "1", "b")`, `links.remove {"verb":"remove","kind":"a","id":"1","kind2":"b"}`},
		{`state.put(12, "x")`, `state.put {"verb":"put","key":"12","value":"x"}`},
		{`emit("deal.won", { id = 1 }, { id = 7, lane = "x" })`, `emit {"type":"deal.won","data":{"id":1},"id":"7","lane":"x"}`},
		{`emit "emit:deal.won"`, `emit {"type":"deal.won"}`},
		{`uuid()`, `uuid {}`},
		{`random()`, `random {}`},
		{`random(6)`, `random {"min":1,"max":6}`},
		{`random(-2, 2)`, `random {"min":-2,"max":2}`},
		{`http.post("https://x.test/a", { json = { a = json.array() }, headers = { A = "b", N = 5 }, auth = { bearer = secret "t" }, timeout = "1m30s" })`,
			`http.post {"method":"POST","url":"https://x.test/a","headers":{"A":"b","N":"5"},"json":{"a":[]},"auth":{"bearer":"secret:t"},"timeout":90}`},
	})
	wantSteps(t, []lastStep{
		{`http.get("https://x.test/a", { charset = "windows-1252" })`, `http.get {"method":"GET","url":"https://x.test/a","charset":"windows-1252"}`},
		{`http.post("https://x.test/a", { form = { a = "1 2", b = { "x", "y" }, c = { d = true }, e = 3 } })`,
			`http.post {"method":"POST","url":"https://x.test/a","form":{"a":"1 2","b":["x","y"],"c":{"d":true},"e":3}}`},
		{`http.get("https://x.test/a", {})`, `http.get {"method":"GET","url":"https://x.test/a"}`},
	})
	runSnippets(t, []snippet{
		{lua: `links.put("a", "1", "b")`, err: "links.put: the second id must be a text, found nil"},
		{lua: `emit("deal won")`, err: `emit: the type must be a name without spaces such as "deal.won"`},
		{lua: `emit("x", "text")`, err: "emit: the data must be a table"},
		{lua: `random(5, 1)`, err: "random: 5 is more than 1"},
		{lua: `random(1.5)`, err: "random: expected whole numbers"},
		{lua: `http.get "ftp://x"`, err: `http.get: the address must begin with https:// or http://`},
		{lua: `http.post("https://x.test", { body = {} })`, err: "body must be a text or a file, found a table; a table is sent as json = …"},
		{lua: `http.post("https://x.test", { headers = { A = {} } })`, err: "http.post: headers.A must be a text, found a table"},
		{lua: `http.post("https://x.test", { auth = { token = "x" } })`, err: `http.post: auth: unknown option "token"`},
		{lua: `http.post("https://x.test", { form = "a=1" })`, err: "http.post: form must be a table of names and values, found the text \"a=1\""},
		{lua: `http.post("https://x.test", { body = "a", json = {} })`, err: "json and body both set the body"},
	})
}

func TestHTTPAnswer(t *testing.T) {
	tests := []struct{ answer, lua, want string }{
		{`{"status":200,"headers":{"Content-Type":"application/json; charset=utf-8","X-A":"b"},"body":"{\"n\":1,\"big\":12345678901234567890}"}`,
			`{ a.status, a.headers["x-a"], a.json.n, a.json.big }`, `[200,"b",1,"12345678901234567890"]`},
		{`{"status":200,"headers":{"Content-Type":"application/problem+json"},"body":"[]"}`, `a.json`, `[]`},
		{`{"status":200,"headers":{"Content-Type":"application/json"},"body":"{"}`, `{ a.json == nil, a.body }`, `[true,"{"]`},
		{`{"status":200,"headers":{"Content-Type":"text/plain"},"body":"{}"}`, `a.json == nil`, `true`},
		{`{"status":200,"headers":{"Content-Type":"Application/JSON ; charset=ISO-8859-1"},"body":"{\"n\":\"Café\"}"}`, `a.json.n`, `"Café"`},
		{`{"status":200,"headers":{"Content-Type":"text/json"},"body":"[1]"}`, `a.json`, `[1]`},
		{`{"status":204}`, `a.status`, `204`},
	}
	for _, test := range tests {
		t.Run(test.answer, func(t *testing.T) {
			h := newHost()
			h.answers["http.get"] = []string{test.answer}
			got, err := evaluate(t, h, `local a = http.get("https://x.test"); return `+test.lua)
			if err != nil || got != test.want {
				t.Errorf("got %s, %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestLog(t *testing.T) {
	h := newHost()
	if err := handle(t, h, `
  log.debug("one")
  log.warn("two", { n = 1, key = secret "api", list = {} })
  log.error(acme.contacts.get)
  log.info("bad", { x = 0/0 })
  log.info(12.50)`); err != nil {
		t.Fatal(err)
	}
	want := `DEBUG one
WARN two {"n":1,"key":"secret:api","list":{}}
ERROR acme.contacts.get
INFO bad {"fields":"x: NaN is no number that can be sent"}
INFO 12.5`
	if got := strings.Join(h.lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestParamsAndEvent(t *testing.T) {
	h := newHost()
	err := runScript(t, h, `
on("acme.contact.created", function(event)
  params.n = params.n + 1
  event.data.list[1] = "x"
  log.info(params.channel, { n = params.n, list = params.list, event = event })
end)`, `{"id":"e1","data":{"list":[],"null":null,"big":12345678901234567890}}`, vm.Settings{Params: json.RawMessage(`{"channel":"#sales","n":3,"list":[]}`), Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	want := `INFO #sales {"n":4,"list":[],"event":{"id":"e1","data":{"list":["x"],"big":"12345678901234567890"}}}`
	if len(h.lines) != 1 || h.lines[0] != want {
		t.Errorf("got %q; want %q", h.lines, want)
	}
}

// TestEventData checks that event.data is decoded by the type that the trigger
// declares.
func TestEventData(t *testing.T) {
	app := testApp(t)
	m := vm.New(vm.Config{Apps: []*bindings.App{app}})
	p := compileCRM(t, m, `on("acme.contact.created", function(event) log.info("data", event.data) end)`)
	declared := &bindings.Type{Kind: bindings.Named, Name: "Contact"}
	for name, test := range map[string]struct {
		data *bindings.Type
		want string
	}{
		"declared":   {declared, `INFO data {"id":"c1","balance":"12.50","seq":"7"}`},
		"undeclared": {nil, `INFO data {"id":"c1","balance":12.5,"seq":7}`},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost()
			out := m.Run(t.Context(), p, vm.Activation{
				Event: json.RawMessage(`{"id":"e1","data":{"id":"c1","balance":12.50,"seq":7}}`), App: app, Data: test.data, Host: h,
			})
			if out.Err != nil || len(h.lines) != 1 || h.lines[0] != test.want {
				t.Errorf("got %q, %v; want %q", h.lines, out.Err, test.want)
			}
		})
	}
}
