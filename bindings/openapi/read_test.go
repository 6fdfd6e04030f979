package openapi_test

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/openapi"
)

var update = flag.Bool("update", false, "write what was read into the golden files")

// TestRead compares the catalogue, the ways to authorise and the problems of
// documents with golden files.
func TestRead(t *testing.T) {
	documents, err := filepath.Glob("testdata/*/document.*")
	if err != nil || len(documents) < 2 {
		t.Fatal(documents, err)
	}
	for _, file := range documents {
		folder := filepath.Dir(file)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			d := read(t, file)
			var b strings.Builder
			fmt.Fprintf(&b, "%s at %s, %d operations\n\n", d.Title, d.BaseURL, d.Operations)
			for _, a := range d.Auth {
				fmt.Fprintf(&b, "auth %s: %v as %s%s %q\n", a.Name, a.Fields, a.Header, a.Query, a.Format)
				if a.OAuth != nil {
					fmt.Fprintf(&b, "  %+v\n", *a.OAuth)
				}
			}
			b.WriteString("\n")
			for _, p := range d.Problems {
				fmt.Fprintf(&b, "note %v: %s\n", p.Note, p)
			}
			fmt.Fprintf(&b, "\n%s", d.Catalogue)
			golden := filepath.Join(folder, "golden.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || string(want) != b.String() {
				t.Errorf("%v; go test -update writes %s again. Got\n%s", err, golden, b.String())
			}
			if _, err := bindings.ParseCatalogue(d.Catalogue); err != nil {
				t.Error(err)
			}
		})
	}
}

func read(t testing.TB, file string) *openapi.Document {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	folder := os.DirFS(filepath.Dir(file))
	d, err := openapi.Read(source, func(name string) ([]byte, error) { return fs.ReadFile(folder, name) })
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestReadErrors(t *testing.T) {
	for source, want := range map[string]string{
		``:                               "the document is empty",
		`{`:                              "before it is complete",
		"{\n\"openapi\": }":              "line 2: invalid character",
		`[]`:                             "found something that is no object",
		"openapi: 3.0.0\n\tpaths: {}":    "line 2: found a tab character",
		`{}`:                             "neither openapi nor swagger has its version",
		`{"openapi":"4.0"}`:              "found version 4.0, expected 3.0 or 3.1",
		`{"openapi":"3.0.0","paths":{}}`: "no operation of it can be used",
		`{"openapi":"3.0.0","paths":{"/a":{"get":{"parameters":[{"$ref":"https://x.test/p.yaml"}]}}}}`: "save the document it names next to this one",
		`{"openapi":"3.0.0","paths":{"/a":{"get":{"parameters":[{"$ref":"../p.yaml"}]}}}}`:             "is not in the document's folder or below it",
		`{"openapi":"3.0.0","paths":{"/a":{"$ref":"#/paths/~1a"}}}`:                                    "leads in a circle",
		`{"openapi":"3.0.0","paths":{"/a":{"$ref":"#/paths/%2Fa"}}}`:                                   "leads in a circle",
		`{"openapi":"3.0.0","paths":{"/a":{"$ref":"#/paths/%2fa"}}}`:                                   "leads in a circle",
		`{"openapi":"3.0.0","paths":{"/a":{"$ref":"#/paths/%7E1a"}}}`:                                  "leads in a circle",
		`{"openapi":"3.0.0","paths":{"/a":{"$ref":"#/paths/~1b"}}}`:                                    `$ref "#/paths/~1b" leads nowhere: there is no "/b"`,
		strings.Repeat(`{"a":`, 1000):                                                                  "too large",
	} {
		if _, err := openapi.Read([]byte(source), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s\ngot  %v\nwant %s", source, err, want)
		}
	}
}

// TestApp checks that the app file has precedence over the document, and is not
// changed when the document is read again.
func TestApp(t *testing.T) {
	dir := t.TempDir()
	d := read(t, "testdata/acme/document.yaml")
	files, err := d.Write(dir, "acme", "document.yaml")
	if err != nil || files.AppExisted {
		t.Fatal(files, err)
	}
	if apps, err := openapi.Load(dir); err != nil || len(apps) != 1 || apps[0].BaseURL != "https://eu.acme.example/v1" {
		t.Fatal(apps, err)
	}
	completed := `title: Acme
base_url: https://us.acme.example/v1/
auth: [{ name: key, fields: [api_key], query: api_key, format: "{api_key}" }]
test: { operation: orders.list, args: { limit: "1" } }
account: { noun: shop, paths: [shop.id] }
errors: { message: [error.message], statuses: { 418: { kind: invalid, code: teapot } } }
limits: [{ requests: 10, per: 1s, scope: host }]
key_header: Idempotency-Key
key_ttl: 24h
pages: { orders.list: { items: data, cursors: { after: meta.next }, size_param: limit, size: 50 } }
operations: { orders.create: { key: true, scopes: [orders.write] } }
triggers: { acme.order.created: { vendor: order.created, record: id, data: "#Order" } }
webhook:
  id: id
  type: type
  data: data
  max_age: 10m
  signatures: [{ name: acme, algorithm: hmac-sha256, encoding: hex, header: X-Sign, value: "{signature}", signed: "{body}" }]
polls: [{ name: orders, list: { operation: orders.list }, record: id, on_created: acme.order.created, every: 5m }]
`
	if err := os.WriteFile(files.App, []byte(completed), 0o644); err != nil {
		t.Fatal(err)
	}
	if files, err = d.Write(dir, "acme", "document.yaml"); err != nil || !files.AppExisted {
		t.Fatal(files, err)
	}
	apps, err := openapi.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	app := apps[0]
	list, _ := app.Operation("orders.list")
	create, _ := app.Operation("orders.create")
	trigger, _ := app.Catalogue.Trigger("acme.order.created")
	got := fmt.Sprint(app.Title, app.BaseURL, app.Test.Args, app.Account, app.Errors.Statuses, app.Limits, app.KeyTTL, app.Webhook.MaxAge,
		list.Pages.Cursors, list.Pages.Size, create.Key, create.Scopes, trigger.Vendor, trigger.Data, app.Polls[0].Every)
	want := "Acmehttps://us.acme.example/v1map[limit:1]{shop [shop.id] }map[418:{invalid teapot}][10 in 1s, per host]24h0m0s10m0s" +
		"map[after:meta.next]50true[orders.write]order.created#Order5m0s"
	if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestAppScalars checks that a text of an app file is that in the file, with
// quotes or without, and that numbers are not changed.
func TestAppScalars(t *testing.T) {
	dir := t.TempDir()
	files, err := read(t, "testdata/acme/document.yaml").Write(dir, "acme", "x")
	if err == nil {
		err = os.WriteFile(files.App, []byte(`title: 0123
docs: 2026-01-31
key_header:
test: { operation: orders.list, args: { limit: 010, since: 2026-01-31, exact: true }, account: ~ }
account: &a { noun: 1.10, paths: [0x1F] }
variants: [{ name: yes, test: { operation: orders.list, name: [1_000] } }]
errors: { statuses: { 418: { kind: invalid, code: 0612 } }, kinds: }
polls: [{ name: +33, list: { operation: orders.list, args: { a: 1.50, b: [true, ~], c: { 07: 9007199254740992 } } }, record: id }]
`), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	apps, err := openapi.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	app := apps[0]
	got := fmt.Sprint(app.Title, " ", app.Docs, " ", app.Test.Args, app.Account, app.Variants[0].Name, app.Variants[0].Test.Name, app.Errors.Statuses, app.Polls[0].Name, app.Polls[0].List.Args)
	want := "0123 2026-01-31 map[exact:true limit:010 since:2026-01-31] {1.10 [0x1F] }yes[1_000] map[418:{invalid 0612}]+33map[a:1.5 b:[true <nil>] c:map[07:9007199254740992]]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAppErrors(t *testing.T) {
	for text, want := range map[string]string{
		"webhook: { signatures: [{ algorithm: md5 }] }": `webhook.signatures.0: algorithm is "md5"; expected "hmac-sha256"`,
		"webhook: { signatures: [{ algorithm: hmac-sha256, encoding: hex, header: X-Sig, value: \"{signature}\", signed: \"{url}\" }] }": `webhook.signatures.0: signed is "{url}"; expected {body} or {form} in it`,
		"webhook: { signatures: [{ algorithm: hmac-sha256, encoding: hex, header: X-Sig, value: \"{sig}\", signed: \"{body}\" }] }":      `webhook.signatures.0: value has the unknown word {sig}`,
		"webhook: { signatures: [{ algorithm: hmac-sha256, encoding: hex, signature_field: sig, signed: \"{time}\" }] }":                 `webhook.signatures.0: signed is "{time}"; expected {time} and {id} in it`,
		"webhook: { signatures: [{ key: the-vendors }] }":                                                                                "webhook.shared_key is missing: expected true if the vendor signs the webhooks of all its apps",
		"webhook: { shared_key: true }": "webhook.shared_key is true, so account.paths must have the path of the account",
		"account: { paths: [a] }\nwebhook: { shared_key: true, installed: [INSTALL] }": "webhook.shared_key is true, so app_id must have the path",
		"titel: Acme":                                                "titel: unknown word; did you mean title?",
		"pages: { orders.lst: { items: data } }":                     `there is no operation "orders.lst"`,
		"auth: [{ name: key, fields: [k] }]":                         "auth.0: expected a name, fields, a header or query, and a format",
		"limits: [{ requests: 10 }]":                                 "limits.0: expected requests and per",
		"triggers: { order.created: {} }":                            "expected acme.noun.verb_past",
		"polls: [{ name: a, list: { operation: x.y }, record: id }]": `polls.a: there is no operation "x.y"`,
		"polls: [{ name: a, list: { operation: orders.list }, record: id, on_created: acme.a.b }]": `there is no trigger "acme.a.b"`,
		"key_ttl: soon":            `key_ttl: found "soon", expected a length of time such as 30m or 24h`,
		"test: { operation: a.b }": `test: there is no operation "a.b"`,
		"a: [":                     "acme.app.yaml:1: not valid YAML: did not find expected node content",
		"title: Acme\nlimits:\n  - { requests: 010, per: 1s }":            "acme.app.yaml:3: limits.0.requests: found 010, expected a whole number",
		"limits: [{ requests: 1_0, per: 1s }]":                            "acme.app.yaml:1: limits.0.requests: found 1_0, expected a whole number",
		"limits: [{ requests: 1.5, per: 1s }]":                            "limits.0.requests: found 1.5, expected a whole number",
		"limits: [{ requests: '10', per: 1s }]":                           `limits.0.requests: found "10", expected a whole number`,
		"limits: [{ requests: 10, per: 10 }]":                             "limits.0.per: found 10, expected a length of time such as 30m or 24h",
		"limits: { requests: 10 }":                                        "limits: found settings, expected a list",
		"auth: [{ name: k, feilds: [k] }]":                                "auth.0.feilds: unknown word; did you mean fields?",
		"zzz: 1":                                                          "zzz: unknown word; the words here are account, auth, base_url,",
		"errors: { statuses: { 0644: { code: x } } }":                     "errors.statuses.0644: found 0644, expected a whole number",
		"polls: [{ name: a, list: { operation: x, args: { a: 0612 } } }]": "polls.0.list.args.a: found 0612, expected a plain decimal number such as 12 or 1.5; put it in quotes",
		"polls: [{ list: { args: { since: 2026-01-31 } } }]":              "polls.0.list.args.since: found 2026-01-31, which YAML takes for a time; put it in quotes",
		"triggers: { acme.a.b: { data: [x] } }":                           "triggers.acme.a.b.data: found a list, expected a type such as string or [string]",
		"triggers: { acme.a.b: { data: '[string' } }":                     `acme.app.yaml:1: triggers.acme.a.b.data: type "[string": expected "]" at byte 7`,
		"operations: { orders.create: { key: yes } }":                     `operations.orders.create.key: found "yes", expected true or false`,
		"title: [x]":              "title: found a list, expected text",
		"account: text":           `account: found "text", expected words with values`,
		"title: a\ntitle: b":      `acme.app.yaml:2: "title" is here a second time, after line 1`,
		"base_url: a\nbaseURL: b": "acme.app.yaml:2: baseURL: is here a second time; take one away",
		"title: a\n---\ntitle: b": "acme.app.yaml:2: found a second document",
		"title: !!binary aGk=":    "acme.app.yaml:1: found the tag !!binary",
		"titel: a\nlimits: 3":     "acme.app.yaml:2: limits: found 3, expected a list",
		"- title":                 "acme.app.yaml:1: found a list, expected words with values",
	} {
		dir := t.TempDir()
		files, err := read(t, "testdata/acme/document.yaml").Write(dir, "acme", "x")
		if err == nil {
			err = os.WriteFile(files.App, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := openapi.Load(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
	for _, name := range []string{"", "Acme", "end", "a-b", "a1", "run", "secret"} {
		if openapi.CheckName(name) == nil {
			t.Errorf("the name %q is accepted", name)
		}
	}
	if apps, err := openapi.Load(filepath.Join(t.TempDir(), "none")); len(apps) > 0 || err != nil {
		t.Error(apps, err)
	}
}

func FuzzRead(f *testing.F) {
	for _, file := range []string{"testdata/acme/document.yaml", "testdata/shop/document.json"} {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	f.Add([]byte(`{"openapi":"3.1.0","paths":{"/a":{"get":{"responses":{"200":{"content":{"*/*":{"schema":{"allOf":[{"$ref":"#/x"},{}]}}}}}}}},"x":{"$ref":"#/x"}}`))
	f.Add([]byte("a: &a [*a, *a]"))
	f.Fuzz(func(t *testing.T, source []byte) {
		d, err := openapi.Read(source, nil)
		if err != nil {
			return
		}
		c, err := bindings.ParseCatalogue(d.Catalogue)
		if err != nil {
			t.Fatalf("%v\n%s", err, d.Catalogue)
		}
		for _, name := range c.Operations() {
			c.Operation(name) // panics if it does not decode
		}
		for _, name := range c.Types() {
			c.Type(name)
		}
	})
}

// large returns a document with many operations.
func large(operations int) []byte {
	var b bytes.Buffer
	b.WriteString("openapi: 3.0.3\ninfo: { title: Large, version: '1' }\nservers: [{ url: https://large.example }]\npaths:\n")
	for i := range operations / 2 {
		fmt.Fprintf(&b, `  /things%[1]d/{id}:
    get:
      operationId: getThing%[1]d
      tags: [group%[2]d]
      parameters:
        - { name: id, in: path, required: true, schema: { type: string } }
        - { name: fields, in: query, schema: { type: array, items: { type: string } } }
      responses:
        '200': { description: ok, content: { application/json: { schema: { $ref: '#/components/schemas/Thing%[1]d' } } } }
    patch:
      operationId: updateThing%[1]d
      tags: [group%[2]d]
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      requestBody: { required: true, content: { application/json: { schema: { $ref: '#/components/schemas/Thing%[1]d' } } } }
      responses: { '200': { description: ok, content: { application/json: { schema: { $ref: '#/components/schemas/Thing%[1]d' } } } } }
`, i, i/20)
	}
	b.WriteString("components:\n  schemas:\n")
	for i := range operations / 2 {
		fmt.Fprintf(&b, "    Thing%[1]d:\n      type: object\n      properties:\n", i)
		for f := range 12 {
			fmt.Fprintf(&b, "        field%d: { type: string, description: 'a field of text' }\n", f)
		}
		fmt.Fprintf(&b, "        next: { $ref: '#/components/schemas/Thing%d' }\n", (i+1)%(operations/2))
	}
	return b.Bytes()
}

// BenchmarkRead is the cost of adding an app of 3,000 operations, BenchmarkLoad
// its cost at each start.
func BenchmarkRead(b *testing.B) {
	source := large(3000)
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		d, err := openapi.Read(source, nil)
		if err != nil || d.Operations != 3000 {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	d, err := openapi.Read(large(3000), nil)
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	if _, err := d.Write(dir, "large", "large.yaml"); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := openapi.Load(dir); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(time.Millisecond), "ms/load")
}
