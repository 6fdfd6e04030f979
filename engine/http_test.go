package engine_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/journal"
)

// TestCharsets runs scripts with text that is not UTF-8: in an event, in answers
// and files, and as bytes that the script decodes.
func TestCharsets(t *testing.T) {
	posts := 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/latin1":
			w.Header().Set("Content-Type", "application/json; charset=ISO-8859-1")
			fmt.Fprint(w, "{\"n\":\"Caf\xE9\"}")
		case "/mark":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, "\xEF\xBB\xBF{\"n\":1}")
		case "/wrong":
			w.Header().Set("Content-Type", "text/csv; charset=utf-8")
			fmt.Fprint(w, "name\nCaf\xE9\n")
		case "/write":
			posts++
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, "\"\xE9\"")
		case "/empty":
		}
	}))
	defer web.Close()
	f := newFixture(t, map[string]string{"read.lua": `
on("in:/read", { verify = "none" }, function(event)
  local web = event.data.web
  local latin1, mark, empty = http.get(web .. "/latin1"), http.get(web .. "/mark"), http.get(web .. "/empty")
  log.info("answers", { event = event.data.name, latin1 = latin1.json.n, body = latin1.body, mark = mark.json.n, empty = empty.body })
  log.info("wrong", { error = tostring(select(2, pcall(http.get, web .. "/wrong"))) })
  local rows = text.csv(http.get(web .. "/wrong", { charset = "windows-1252" }).body, { header = true })
  local kept = http.get(web .. "/wrong", { as = "file" }).file
  local file = http.get(web .. "/latin1", { as = "file" }).file
  log.info("file", { type = file.type, text = file:text() })
  log.info("option", { name = rows[1].name, kept = text.decode(base64.decode(kept:base64()), "windows-1252") })
end)
on("in:/write", { verify = "none" }, function(event)
  http.post(event.data.web .. "/write", { json = { n = 1 } })
end)`}, func(c *engine.Config) { c.HTTP.AllowPrivate = true })
	body, err := json.Marshal(map[string]string{"web": web.URL})
	must(t, err)
	latin1 := strings.Replace(string(body), "{", "{\"name\":\"Ren\xE9\",", 1)
	post(t, f.engine.URL()+"/in/read", latin1, map[string]string{"Content-Type": "application/json; charset=windows-1252"})
	f.settle()
	if one := f.runs()[0]; one.Run.State != journal.Succeeded {
		t.Fatalf("the run is %s: %+v", one.Run.State, one.Run.Problem)
	}
	for _, want := range []string{
		`"event":"René"`, `"latin1":"Café"`, `"body":"{\"n\":\"Café\"}"`, `"mark":1`, `"empty":""`,
		`the byte 0xE9 at offset 8 does not fit the charset \"utf-8\"`, `"name":"Café"`, `"kept":"name\nCafé\n"`,
		`"type":"application/json; charset=ISO-8859-1"`, `"text":"{\"n\":\"Café\"}"`,
	} {
		if !strings.Contains(f.log.String(), want) {
			t.Errorf("the log does not have %s:\n%s", want, f.log)
		}
	}
	f.post("/in/write", string(body))
	f.settle()
	run := f.runs()[1].Run
	if run.State != journal.Failed || posts != 1 || run.Attempts > 1 || !strings.Contains(run.Problem.Message, "what was asked for is done") {
		t.Errorf("the run is %s after %d requests: %+v", run.State, posts, run.Problem)
	}
}

// TestRedirectsOfWrites writes to a server that redirects. The script gets the
// redirect, and no other request is sent.
func TestRedirectsOfWrites(t *testing.T) {
	var mu sync.Mutex
	var target []string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/r301":
			http.Redirect(w, r, "/target", http.StatusMovedPermanently)
		case "/r303":
			http.Redirect(w, r, "/target", http.StatusSeeOther)
		case "/r308":
			http.Redirect(w, r, "/target", http.StatusPermanentRedirect)
		default:
			body, err := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			target = append(target, fmt.Sprint(r.Method, " ", string(body), err))
			w.WriteHeader(http.StatusCreated)
		}
	}))
	defer web.Close()
	f := newFixture(t, map[string]string{"write.lua": `
on("in:/write", { verify = "none" }, function(event)
  for _, path in ipairs { "/r301", "/r303", "/r308" } do
    local answer = http.post(event.data.web .. path, { json = { a = 1 } })
    log.info("answer" .. path, { status = answer.status, location = answer.headers.location })
  end
end)`}, func(c *engine.Config) { c.HTTP.AllowPrivate = true })
	body, err := json.Marshal(map[string]string{"web": web.URL})
	must(t, err)
	f.post("/in/write", string(body))
	f.settle()
	if one := f.runs()[0]; one.Run.State != journal.Succeeded {
		t.Fatalf("the run is %s: %+v", one.Run.State, one.Run.Problem)
	}
	for path, want := range map[string]string{"r301": `"status":301`, "r303": `"status":303`, "r308": `"status":201`} {
		line := lineOf(f.log.String(), `"msg":"answer/`+path+`"`)
		if !strings.Contains(line, want) || strings.Contains(line, `"location":"/target"`) != (path != "r308") {
			t.Errorf("%s: logged %s, want %s", path, line, want)
		}
	}
	if got := strings.Join(target, ", "); got != `POST {"a":1}<nil>` {
		t.Errorf("the target got %s", got)
	}
}

// lineOf returns the first line that contains a text.
func lineOf(log, text string) string {
	for line := range strings.Lines(log) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}
