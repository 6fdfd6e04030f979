package engine_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/journal"
)

// TestFileFromOneAppToAnother fetches files, reads one, and sends them in all the
// ways in which a file can be sent.
func TestFileFromOneAppToAnother(t *testing.T) {
	pdf := bytes.Repeat([]byte("%PDF \xff"), 500_000) // 3 MB, not valid UTF-8
	var bodies []string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/invoice":
			w.Header().Set("Content-Type", "application/pdf")
			w.Header().Set("Content-Disposition", `attachment; filename="../July 2026.pdf"`)
			w.Write(pdf)
		case "/notes.txt":
			io.WriteString(w, "paid on Friday")
		case "/missing":
			http.Error(w, "gone", http.StatusNotFound)
		default:
			body, err := io.ReadAll(r.Body)
			if err != nil || r.ContentLength != int64(len(body)) {
				t.Errorf("%s: %d bytes of %d, %v", r.URL.Path, len(body), r.ContentLength, err)
			}
			bodies = append(bodies, describeBody(t, r.Header.Get("Content-Type"), body, pdf))
		}
	}))
	defer web.Close()
	f := newFixture(t, map[string]string{"carry.lua": `local qonto = require "qonto"
on("in:/carry", { verify = "none" }, function(event)
  local web = event.data.web
  local answer = http.get(web .. "/invoice", { as = "file" })
  local pdf, notes = answer.file, http.get(web .. "/notes.txt", { as = "file" }).file
  log.info("fetched", { name = pdf.name, type = pdf.type, size = pdf.size, status = answer.status, text = notes:text(), shown = tostring(pdf) })
  http.post(web .. "/raw", { body = pdf })
  http.post(web .. "/form", { multipart = { invoice = pdf, note = "July", made = file { name = "a.csv", type = "text/csv", text = "a;b" } } })
  qonto.attachments.upload({ file = pdf }, { idempotency_key = "one" })
  log.info("missing", { status = http.get(web .. "/missing", { as = "file" }).status })
  log.info("refused", { error = tostring(select(2, pcall(state.put, "f", pdf))) })
end)`}, func(c *engine.Config) { c.HTTP.AllowPrivate = true })
	body, err := json.Marshal(map[string]string{"web": web.URL})
	must(t, err)
	f.post("/in/carry", string(body))
	f.settle()
	story := f.runs()[0]
	if story.Run.State != journal.Succeeded {
		t.Fatalf("the run is %s: %+v\n%s", story.Run.State, story.Run.Problem, f.log)
	}
	for i, want := range []string{"application/pdf the pdf", "made text/csv a.csv a;b, invoice application/pdf July 2026.pdf the pdf, note July"} {
		if i >= len(bodies) || !sameParts(bodies[i], want) {
			t.Errorf("received %q, expected %q", bodies, want)
		}
	}
	logged := f.log.String()
	for _, want := range []string{`"name":"July 2026.pdf"`, `"type":"application/pdf"`, `"size":3000000`, `"text":"paid on Friday"`,
		`file July 2026.pdf (application/pdf, 3000000 bytes)`, `"status":404`, "only app calls and http accept it"} {
		if !strings.Contains(logged, want) {
			t.Errorf("the log does not have %s", want)
		}
	}
	uploads := f.apps.Records("qonto", "attachments")
	if last := string(uploads[len(uploads)-1]); !strings.Contains(last, "July 2026.pdf") {
		t.Errorf("the attachment is %s", last)
	}
	stored, err := filepath.Glob(filepath.Join(f.data, "files", "*", "*"))
	must(t, err)
	if len(stored) != 2 {
		t.Errorf("%d files are stored, expected the two that were fetched", len(stored))
	}
	if info, err := os.Stat(filepath.Join(f.data, "tidewire.db")); err != nil || info.Size() > 2<<20 {
		t.Errorf("the journal has %d bytes (%v): files do not belong in it", info.Size(), err)
	}
}

// describeBody describes the body of a request, with "the pdf" for that file.
func describeBody(t *testing.T, kind string, body, pdf []byte) string {
	t.Helper()
	media, params, err := mime.ParseMediaType(kind)
	must(t, err)
	if media != "multipart/form-data" {
		return media + " " + strings.ReplaceAll(string(body), string(pdf), "the pdf")
	}
	var parts []string
	reader := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := reader.NextPart()
		if err == io.EOF {
			return strings.Join(parts, ", ")
		}
		must(t, err)
		content, err := io.ReadAll(part)
		must(t, err)
		words := []string{part.FormName(), part.Header.Get("Content-Type"), part.FileName(), strings.ReplaceAll(string(content), string(pdf), "the pdf")}
		parts = append(parts, strings.Join(strings.Fields(strings.Join(words, " ")), " "))
	}
}

func sameParts(a, b string) bool {
	count := func(s string) map[string]int {
		n := map[string]int{}
		for _, part := range strings.Split(s, ", ") {
			n[part]++
		}
		return n
	}
	x, y := count(a), count(b)
	for part := range y {
		if x[part] != y[part] {
			return false
		}
	}
	return len(x) == len(y)
}
