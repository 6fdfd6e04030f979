package engine_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connection"
)

// loaded reads a configuration from a file with this text, without any apps.
func loaded(t *testing.T, text string) (engine.Config, error) {
	t.Helper()
	dir := folder(t, map[string]string{"tidewire.yaml": text})
	c, err := engine.LoadConfig(config.Sources{Dir: dir, Environ: []string{"N=0123", "EMPTY="}}, nil)
	if err != nil {
		err = fmt.Errorf("%s", strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""))
	}
	return c, err
}

// TestScalarsAreTheirOwnText checks that a setting that is a text has the same
// characters as in the file, with quotes or without.
func TestScalarsAreTheirOwnText(t *testing.T) {
	for _, scalar := range []string{
		"0120123456701", "0612345670", "1_000", "0x1F", "0o17", "0b11", "+33612345678", "12345678901234567890", "9007199254740993",
		"1.10", "1e3", "1e400", ".5", ".inf", ".nan", "-0", "true", "yes", "No", "on", "2026-01-31", "2026-01-31T09:00:00+02:00", "12:30:45", "<<",
		"!!str 0123", `"0123"`, "'0123'", `"null"`,
	} {
		want := strings.Trim(strings.TrimPrefix(scalar, "!!str "), `"'`)
		t.Run(scalar, func(t *testing.T) {
			c, err := loaded(t, "connections:\n  asana: { account: "+scalar+", client_id: "+scalar+", scopes: ["+scalar+"] }\n"+
				"  qonto: { account: &a "+scalar+", as: *a }\n"+scalarKey(scalar)+"accounts: { asana: ["+scalar+"] }\n")
			if err != nil {
				t.Fatal(err)
			}
			asana, qonto := c.Connections[0], c.Connections[1]
			for what, got := range map[string]string{
				"account": asana.Account, "client_id": asana.Credentials["client_id"], "scopes": strings.Join(asana.Scopes, ","),
				"an anchor": qonto.Account, "an alias": qonto.As, "a name of accounts": strings.Join(c.Accounts["asana"], ","),
			} {
				if got != want {
					t.Errorf("%s: got %q, want %q", what, got, want)
				}
			}
		})
	}
}

// scalarKey returns params with a scalar as the name of a parameter.
func scalarKey(scalar string) string {
	if scalar == "<<" || strings.HasPrefix(scalar, "!") {
		return ""
	}
	return "params: { a: { " + scalar + ": x } }\n"
}

// TestParamNamesAreTheirOwnText checks the same for names of parameters.
func TestParamNamesAreTheirOwnText(t *testing.T) {
	c, err := loaded(t, "params: { a: { 0612: a, 1_0: b, 2026-01-31: c, 1.10: d, true: e, map: { 07: f } }, 007: { x: 1 } }\n")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"0612":"a","1.10":"d","1_0":"b","2026-01-31":"c","map":{"07":"f"},"true":"e"}`
	if got := string(c.Params["a"]); got != want || c.Params["007"] == nil {
		t.Errorf("got %s and %s, want %s and params of 007", got, c.Params["007"], want)
	}
}

// TestNothingIsNotSet checks that a setting without a value has its default.
func TestNothingIsNotSet(t *testing.T) {
	c, err := loaded(t, "listen:\ntimezone: ~\nflood: null\ngrace: Null\nretention:\nhttp: { allow: , allow_private: ~ }\nconnections: { qonto: { account: , read_only: ~, poll: null } }\nsecrets: { a: ~ }\nparams: { a: , b: { c: , d: ~ } }\n")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.Listen, c.Zone, c.Flood, c.Grace, c.Retention.Age, c.HTTP, c.Connections[0].Account == "", c.Secrets, string(c.Params["b"]))
	want := `127.0.0.1:8080UTC 1000 20s 720h0m0s {false []} true map[]{"c":null,"d":null}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestScalarsThatWouldChange checks the errors for values that YAML would change,
// each with its line.
func TestScalarsThatWouldChange(t *testing.T) {
	for scalar, want := range map[string]string{
		"0612345670":                     "found 0612345670, expected a plain decimal number such as 12 or 1.5; put it in quotes if it is a text",
		"0123":                           "found 0123, expected a plain decimal number",
		"089":                            "found 089, expected a plain decimal number",
		"0698765432":                     "found 0698765432, expected a plain decimal number",
		"12345678901234567890":           "found 12345678901234567890, expected a number up to 9007199254740992 (2^53), beyond which digits are lost; put it in quotes",
		"9007199254740993":               "found 9007199254740993, expected a number up to 9007199254740992",
		"-9007199254740993":              "found -9007199254740993, expected a number up to",
		"9007199254740993.0":             "which has more digits than a number holds",
		"9007199254740994.0":             "expected a number up to",
		"123456789012345678901234567890": "expected a number up to",
		"1_000":                          "found 1_000, expected a plain decimal number",
		"+33612345678":                   "found +33612345678, expected a plain decimal number",
		"0x1F":                           "found 0x1F, expected a plain decimal number",
		"-0x1F":                          "found -0x1F, expected a plain decimal number",
		"0xFFFFFFFFFFFFFFFFFFFF":         "expected a plain decimal number",
		"0o17":                           "found 0o17, expected a plain decimal number",
		"0b11":                           "found 0b11, expected a plain decimal number",
		"1e3":                            "found 1e3, expected a plain decimal number",
		"1e400":                          "found 1e400, expected a plain decimal number",
		"12e5":                           "found 12e5, expected a plain decimal number",
		".5":                             "found .5, expected a plain decimal number",
		"5.":                             "found 5., expected a plain decimal number",
		"00":                             "found 00, expected a plain decimal number",
		"-0":                             "found -0, expected 0",
		"-0.0":                           "found -0.0, expected 0",
		".inf":                           "found .inf, expected a plain decimal number",
		"-.INF":                          "found -.INF, expected a plain decimal number",
		".nan":                           "found .nan, expected a plain decimal number",
		"0.1234567890123456789":          "found 0.1234567890123456789, which has more digits than a number holds; write fewer, or put it in quotes",
		"2026-01-31":                     "found 2026-01-31, which YAML takes for a time; put it in quotes",
		"2026-01-31T09:00:00Z":           "found 2026-01-31T09:00:00Z, which YAML takes for a time; put it in quotes",
		"2026-1-2 3:4:5":                 "which YAML takes for a time; put it in quotes",
		"!!binary aGVsbG8=":              "found the tag !!binary, which would change the value; take it away",
		"!!float 1":                      "found the tag !!float",
		"!!int \"0123\"":                 "found the tag !!int",
		"!own x":                         "found the tag !own",
	} {
		for _, shape := range []string{"params:\n  a:\n    x: %s\n", "params: { a: {\n  b: {\n x: [1, %s] } } }\n", "params:\n  a:\n    { x: &a %s , y: *a }\n"} {
			text := fmt.Sprintf(shape, scalar)
			_, err := loaded(t, text)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "tidewire.yaml:3: ") {
				t.Errorf("%s\ngot  %v\nwant tidewire.yaml:3: … %s", text, err, want)
			}
		}
	}
}

// TestNumbersStay checks which numbers of parameters are accepted, and their JSON.
func TestNumbersStay(t *testing.T) {
	c, err := loaded(t, "params: { a: { a: 0, b: -1, c: 1.5, d: 1.10, e: 9007199254740992, f: -9007199254740992, g: 0.1, h: 123456.789, i: 100.00, "+
		"j: [true, False, yes, ~, '012', 1.2.3, 12:30, _1, 0x, 08:30, +, -, .], k: 0.0000001, l: {} } }\n")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"a":0,"b":-1,"c":1.5,"d":1.1,"e":9007199254740992,"f":-9007199254740992,"g":0.1,"h":123456.789,"i":100,` +
		`"j":[true,false,"yes",null,"012","1.2.3","12:30","_1","0x","08:30","+","-","."],"k":1e-7,"l":{}}`
	if got := string(c.Params["a"]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestSettingsThatWouldChange checks the same for settings that are no texts.
func TestSettingsThatWouldChange(t *testing.T) {
	for text, want := range map[string]string{
		"grace: 20":                                     "grace: found 20, expected a length of time such as 20s",
		"grace: 1_0s":                                   `grace: found "1_0s", expected a length of time`,
		"in_flight: 010":                                "in_flight: found 010, expected a whole number",
		"in_flight: 0x10":                               "in_flight: found 0x10, expected a whole number",
		"in_flight: 1.5":                                "in_flight: found 1.5, expected a whole number",
		"in_flight: true":                               "in_flight: found true, expected a whole number",
		"in_flight: ${N}":                               `in_flight: found "0123", expected a whole number`,
		"flood: 1_000":                                  "flood: found 1_000, expected a whole number, 0 for no bound",
		"retention: { age: 30 }":                        "retention.age: found 30, expected a length of time such as 30 days",
		"http: { allow_private: 2 }":                    "http.allow_private: found 2, expected true or false",
		"http: { allow: [~] }":                          "http.allow: found a list, expected a list of hosts",
		"http: { allow: { a: b } }":                     "http.allow: found settings, expected a list of hosts",
		"retention: 5":                                  "retention: found 5, expected age, count and ids",
		"connections: { qonto: { timeout: 30 } }":       "connections.qonto.timeout: found 30, expected a length of time such as 30s",
		"connections: { qonto: { login: 0123 } }":       "connections.qonto.login: this secret is in plain text",
		"connections: { qonto: { login: true } }":       "connections.qonto.login: this secret is in plain text",
		"connections: { qonto: { login: 2026-01-31 } }": "connections.qonto.login: this secret is in plain text",
		"connections: { qonto: { login: } }":            "connections.qonto.login: found nothing, expected text",
		"secrets: { a: 2026-01-31 }":                    "secrets.a: this secret is in plain text",
		"secrets: { a: 1.5 }":                           "secrets.a: this secret is in plain text",
		"secrets: { a: [b] }":                           "secrets.a: found a list, expected text",
		"params: { a: 3 }":                              "params.a: found a number, expected settings by name",
	} {
		c, err := loaded(t, text+"\n")
		if problem := c.ConnectionProblems["qonto"]; problem != "" {
			err = errors.New(problem[strings.Index(problem, "tidewire.yaml"):])
		}
		if err == nil || !strings.HasPrefix(err.Error(), "tidewire.yaml:1: "+want) {
			t.Errorf("%s\ngot  %v\nwant tidewire.yaml:1: %s", text, err, want)
		}
	}
}

// TestDocuments checks which files are accepted, and the errors about whole files.
func TestDocuments(t *testing.T) {
	for text, want := range map[string]string{
		"listen: a\n---\nlisten: b\n":            "tidewire.yaml:2: found a second document (---), expected one; join them",
		"listen: a\nlisten: b\n":                 `tidewire.yaml:2: "listen" is here a second time, after line 1; take one away`,
		"params: { a: { 1: x, '1': y } }":        `tidewire.yaml:1: "1" is here a second time`,
		"params: { a: { [b]: c } }":              "tidewire.yaml:1: found a list, expected a name before the colon",
		"params: { a: { ~: c } }":                "tidewire.yaml:1: found nothing, expected a name before the colon",
		"- a\n":                                  "tidewire.yaml:1: found a list, expected settings by name",
		"params: &a\n  a: *a\n":                  "tidewire.yaml:1: values are nested more than 200 levels deep, or an alias contains itself",
		"params: { <<: 3 }":                      "tidewire.yaml:1: found a number after <<, expected an alias of a mapping",
		"params:\n  a:\n    channel: #general\n": `tidewire.yaml:3: "channel" has no value, since what begins with # is a comment; put it in quotes`,
		"listen: *a\n":                           "tidewire.yaml: not valid YAML: unknown anchor 'a' referenced",
	} {
		if _, err := loaded(t, text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q\ngot  %v\nwant %s", text, err, want)
		}
	}
	for _, text := range []string{"", "# nothing\n", "---\n", "\ufeff# nothing\n", "{}\n", "---\n...\n"} {
		if _, err := loaded(t, text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	c, err := loaded(t, "\ufefflisten: a:1\r\nconnections:\r\n  qonto: &q { account: 01, poll: 5m, read_only: 1, since: 2026-1-2 3:4:5 }\r\n  qonto/b: { <<: *q, account: 02 }\r\n  qonto/c: { <<: [{ as: x }, *q] }\r\n")
	if err != nil {
		t.Fatal(err)
	}
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, want := range []connection.Settings{
		{Name: "qonto", Account: "01", Poll: 5 * time.Minute, ReadOnly: true, Since: since},
		{Name: "qonto/b", Account: "02", Poll: 5 * time.Minute, ReadOnly: true, Since: since},
		{Name: "qonto/c", Account: "01", As: "x", Poll: 5 * time.Minute, ReadOnly: true, Since: since},
	} {
		got := c.Connections[i]
		if got.Name != want.Name || got.Account != want.Account || got.As != want.As || got.Poll != want.Poll || got.ReadOnly != want.ReadOnly || !got.Since.Equal(want.Since) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	if c.Listen != "a:1" {
		t.Errorf("listen is %q", c.Listen)
	}
}
