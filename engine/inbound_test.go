package engine_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
)

// request is a request to a script's address.
type request struct {
	method, path, body string
	header             map[string]string
}

// send sends a request, by POST unless it has another method.
func (f *fixture) send(r request) (int, string) {
	f.t.Helper()
	method := r.method
	if method == "" {
		method = http.MethodPost
	}
	q, err := http.NewRequest(method, f.engine.URL()+r.path, strings.NewReader(r.body))
	must(f.t, err)
	for name, value := range r.header {
		q.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(q)
	must(f.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(f.t, err)
	return answer.StatusCode, string(text)
}

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := io.WriteString(w, text)
	must(t, err)
	must(t, w.Close())
	return out.String()
}

// lastLogged returns the fields of the last line "got" of the log, with JSON in a text
// unquoted.
func (f *fixture) lastLogged() string {
	f.t.Helper()
	log := f.log.String()
	line, _, _ := strings.Cut(log[max(strings.LastIndex(log, `"msg":"got"`), 0):], "\n")
	if _, inner, found := strings.Cut(line, `,"event":"{`); found {
		var text string
		must(f.t, json.Unmarshal([]byte(`"{`+strings.TrimSuffix(inner, "}")), &text))
		return text
	}
	return line
}

// TestInboundRequests sends what the world sends to addresses of scripts, and
// compares what the script gets.
func TestInboundRequests(t *testing.T) {
	const files = "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nJuly\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"scan\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"all\"; filename=\"1.bin\"\r\n\r\n\xff\x00\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"all\"; filename=\"2.bin\"\r\n\r\n\r\n--b--\r\n"
	kind := func(text string) map[string]string { return map[string]string{"Content-Type": text} }
	form := kind("application/x-www-form-urlencoded")
	f := newFixture(t, map[string]string{"in.lua": `
local function show(event)
  log.info("got", { event = json.encode { data = event.data == nil and "nothing" or event.data, method = event.method, query = event.query } })
end
on("in:/open", { verify = "none" }, show)
on("in:/get", { verify = "none", methods = { "GET", "PUT" } }, show)
on("in:/headers", { verify = "none" }, function(event) log.info("got", event.headers) end)
on("in:/raw", { verify = "none", raw = true }, function(event) log.info("got", { body = event.body, bytes = event.body_base64 }) end)
on("in:/files", { verify = "none" }, function(event)
  local d = event.data
  log.info("got", { note = d.note, name = d.scan.name, type = d.scan.type, size = d.scan.size, text = d.scan:text(),
    bytes = d.all[1]:base64(), second = d.all[2].size, files = table.concat(event.files, " ") })
end)
on("in:/fake", { verify = "none" }, function(event) log.info("got", { kind = type(event.data.scan) }) end)
`})
	for _, c := range []struct {
		name string
		request
		status int
		want   string // part of what the script gets or, with another status than 200, of the answer
	}{
		{"JSON", request{path: "/in/open", body: `{"a":1}`, header: kind("application/json")}, 200, `{"data":{"a":1},"method":"POST","query":{}}`},
		{"JSON after a byte order mark", request{path: "/in/open", body: "\xEF\xBB\xBF{\"a\":1}", header: kind("application/json")}, 200, `"data":{"a":1}`},
		{"JSON with the type that programs set by themselves", request{path: "/in/open", body: `{"a":1}`, header: form}, 200, `"data":{"a":1}`},
		{"JSON as text", request{path: "/in/open", body: `{"a":1}`, header: kind("text/plain; charset=UTF-8")}, 200, `"data":{"a":1}`},
		{"no JSON of the type of JSON", request{path: "/in/open", body: `hello`, header: kind("application/json")}, 400, "not JSON"},
		{"a type of JSON by its suffix", request{path: "/in/open", body: `{`, header: kind("application/vnd.api+json")}, 400, "not JSON"},
		{"no type, and the begin of JSON", request{path: "/in/open", body: `{"a":`}, 400, "not JSON"},
		{"no type, and text", request{path: "/in/open", body: `hello`}, 200, `"data":"hello"`},
		{"a form", request{path: "/in/open", body: "a=1&b=x+y&c%5B%5D=%C3%A9&a=2&d", header: form}, 200, `"data":{"a":["1","2"],"b":"x y","c[]":"é","d":""}`},
		{"a form in another charset", request{path: "/in/open", body: "a=%E9", header: kind("application/x-www-form-urlencoded; charset=ISO-8859-1")}, 200, `"data":{"a":"é"}`},
		{"no form", request{path: "/in/open", body: "a=%zz", header: form}, 400, "hexadecimal"},
		{"XML", request{path: "/in/open", body: "<a>&lt;</a>", header: kind("application/xml")}, 200, `"data":"<a>&lt;</a>"`},
		{"CSV", request{path: "/in/open", body: "a,b\n1,2\n", header: kind("text/csv")}, 200, `"data":"a,b\n1,2\n"`},
		{"CSV that looks like JSON", request{path: "/in/open", body: `[1,2]`, header: kind("text/csv")}, 200, `"data":"[1,2]"`},
		{"text in another charset", request{path: "/in/open", body: "Caf\xE9", header: kind("text/plain; charset=ISO-8859-1")}, 200, `"data":"Café"`},
		{"text that does not fit its charset", request{path: "/in/open", body: "Caf\xE9", header: kind("text/plain")}, 400, "0xE9 at offset 3"},
		{"bytes", request{path: "/in/open", body: "\x89PNG\x00", header: kind("image/png")}, 415, "image/png"},
		{"nothing", request{path: "/in/open"}, 200, `"data":"nothing"`},
		{"gzip", request{path: "/in/open", body: gzipped(t, `{"a":1}`), header: map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip"}}, 200, `"data":{"a":1}`},
		{"gzip of more than is taken", request{path: "/in/open", body: gzipped(t, strings.Repeat("x", 5<<20+1)), header: map[string]string{"Content-Encoding": "gzip"}}, 413, "5 MiB"},
		{"no gzip", request{path: "/in/open", body: "{}", header: map[string]string{"Content-Encoding": "gzip"}}, 400, "not gzip"},
		{"another encoding", request{path: "/in/open", body: "{}", header: map[string]string{"Content-Encoding": "br"}}, 415, "expected gzip"},
		{"a query", request{path: "/in/open?source=ads&t=a&t=b+c", body: "{}"}, 200, `"query":{"source":"ads","t":["a","b c"]}`},
		{"a query that cannot be read", request{path: "/in/open?a=%zz", body: "{}"}, 400, "parameters of the address"},
		{"a slash at the end", request{path: "/in/open/", body: "{}"}, 200, `"data":{}`},
		{"two slashes at the end", request{path: "/in/open//", body: "{}"}, 404, "/in/<path>"},
		{"GET", request{method: "GET", path: "/in/get?a=1"}, 200, `{"data":"nothing","method":"GET","query":{"a":"1"}}`},
		{"PUT", request{method: "PUT", path: "/in/get", body: "{}"}, 200, `"method":"PUT"`},
		{"POST where it is not taken", request{path: "/in/get", body: "{}"}, 405, "GET, PUT"},
		{"GET where it is not taken", request{method: "GET", path: "/in/open"}, 405, "POST"},
		{"headers", request{path: "/in/headers", body: "{}", header: map[string]string{"X-GitHub-Event": "push", "Stripe-Signature": "t=1",
			"Authorization": "Bearer s3cret", "Cookie": "a=s3cret", "X-Api-Key": "s3cret", "X-Gitlab-Token": "s3cret", "X-Session-Id": "s3cret"}}, 200,
			`"stripe-signature":"t=1","user-agent":"Go-http-client/1.1","x-github-event":"push"`},
		{"a raw body", request{path: "/in/raw", body: " {\"a\" : 1}\n", header: kind("application/json")}, 200, `"body":" {\"a\" : 1}\n"`},
		{"a raw body that is no UTF-8", request{path: "/in/raw", body: "Caf\xE9", header: kind("text/plain; charset=ISO-8859-1")}, 200, `"bytes":"Q2Fm6Q=="`},
		{"files", request{path: "/in/files", body: files, header: kind("multipart/form-data; boundary=b")}, 200,
			`"bytes":"/wA=","files":"scan all","name":"a.txt","note":"July","second":0,"size":5,"text":"hello","type":"text/plain"`},
		{"a form that is cut", request{path: "/in/files", body: files[:60], header: kind("multipart/form-data; boundary=b")}, 400, "not a form"},
		{"a form without a boundary", request{path: "/in/files", body: files, header: kind("multipart/form-data")}, 400, "boundary"},
		{"JSON that looks like a file", request{path: "/in/fake", body: `{"scan":{"file":"inline","name":"a","content_type":"b","size":1,"base64":"YQ=="}}`}, 200, `"kind":"table"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := f.send(c.request)
			if status != c.status {
				t.Fatalf("got %d %s, want %d", status, answer, c.status)
			}
			got := answer
			if status == 200 {
				f.settle()
				got = f.lastLogged()
			}
			if !strings.Contains(got, c.want) || strings.Contains(got, "s3cret") {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	for _, one := range f.runs() {
		if one.Run.State != journal.Succeeded {
			t.Errorf("a run is %s: %+v", one.Run.State, one.Run.Problem)
		}
	}
}

// TestInboundIDs sends requests twice: the second one is a repeat by the id that
// the script names, and makes no run.
func TestInboundIDs(t *testing.T) {
	f := newFixture(t, map[string]string{"in.lua": `
local function ignore() end
on("in:/path", { verify = "none", id = "order.id" }, ignore)
on("in:/header", { verify = "none", id = { header = "X-GitHub-Delivery" } }, ignore)
on("in:/query", { verify = "none", id = { query = "id" }, methods = { "GET" } }, ignore)
`})
	header := func(id string) map[string]string {
		return map[string]string{"Content-Type": "application/x-www-form-urlencoded", "X-GitHub-Delivery": id}
	}
	for _, c := range []struct {
		name         string
		one, without request
		want         string // what the sender gets without an id
	}{
		{"in the body", request{path: "/in/path", body: `{"order":{"id":7}}`}, request{path: "/in/path"}, `the body has no \"order.id\"`},
		{"in a header", request{path: "/in/header", body: "a=1", header: header("d1")}, request{path: "/in/header", body: "a=1"}, "there is no header X-Github-Delivery"},
		{"in the address", request{method: "GET", path: "/in/query?id=q1"}, request{method: "GET", path: "/in/query?x=q1"}, `no parameter \"id\"`},
		{"longer than the journal takes", request{path: "/in/header", body: "a=1", header: header(strings.Repeat("d", 3000))}, request{path: "/in/header"}, "there is no header"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if status, answer := f.send(c.one); status != 200 || !strings.Contains(answer, "accepted") {
				t.Errorf("got %d %s, want 200 and accepted", status, answer)
			}
			before := len(f.runs())
			if status, answer := f.send(c.one); status != 200 || !strings.Contains(answer, "repeated") || len(f.runs()) != before {
				t.Errorf("again: got %d %s and %d runs, want 200, repeated and no new run", status, answer, len(f.runs())-before)
			}
			if status, answer := f.send(c.without); status != 422 || !strings.Contains(answer, c.want) {
				t.Errorf("without an id: got %d %s, want 422 and %s", status, answer, c.want)
			}
		})
	}
}

// TestInboundLargeFile sends a large file: it is not in the data of the event, and a
// run that was parked reads it.
func TestInboundLargeFile(t *testing.T) {
	f := newFixture(t, map[string]string{"in.lua": `
on("in:/scan", { verify = "none" }, function(event)
  wait "1s"
  log.info("got", { size = event.data.scan.size, same = event.data.scan:text() == string.rep("x", 100000), small = event.data.note:text(), stored = type(event.stored) })
end)
`})
	status, answer := f.send(request{path: "/in/scan", header: map[string]string{"Content-Type": "multipart/form-data; boundary=b"},
		body: "--b\r\nContent-Disposition: form-data; name=\"scan\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n" + strings.Repeat("x", 100_000) +
			"\r\n--b\r\nContent-Disposition: form-data; name=\"note\"; filename=\"b.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n"})
	if status != 200 {
		t.Fatalf("got %d %s", status, answer)
	}
	f.until(func() bool { return strings.Contains(f.log.String(), `"msg":"got"`) })
	if got, want := f.lastLogged(), `"same":true,"size":100000,"small":"hello","stored":"nil"`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	event, _, err := f.journal.Event(t.Context(), f.runs()[0].Run.Event)
	must(t, err)
	if len(event.Data) > 1000 || event.Request == nil || len(event.Request.Stored) != 1 {
		t.Errorf("the event has %d bytes of data and the request %+v", len(event.Data), event.Request)
	}
}

// TestInboundWait waits for a request with a file, and reads it after the run was
// parked.
func TestInboundWait(t *testing.T) {
	f := newFixture(t, map[string]string{"in.lua": `
on("in:/begin", { verify = "none" }, function()
  local answer = wait_for "in:/scan"
  log.info("got", { text = answer.data.scan:text(), method = answer.method, kind = answer.headers["x-kind"] })
end)
on("in:/scan", { verify = "none" }, function() end)
`})
	f.post("/in/begin", "{}")
	f.until(func() bool { return len(f.runs()) == 1 && f.runs()[0].Run.State == journal.Waiting })
	status, answer := f.send(request{path: "/in/scan", body: "--b\r\nContent-Disposition: form-data; name=\"scan\"; filename=\"a.txt\"\r\n\r\nhello\r\n--b--\r\n",
		header: map[string]string{"Content-Type": "multipart/form-data; boundary=b", "X-Kind": "scan"}})
	if status != 200 {
		t.Fatalf("got %d %s", status, answer)
	}
	f.settle()
	if got, want := f.lastLogged(), `"kind":"scan","method":"POST","text":"hello"`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s; the runs are %+v", got, want, f.runs())
	}
}
