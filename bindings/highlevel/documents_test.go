package highlevel_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/bindingstest"
	"github.com/tidewire/tidewire/bindings/highlevel"
)

// TestDocuments reads the vendor's documents with code that shares nothing with
// cmd/catalog, and compares: every endpoint with its parameters, headers, scopes,
// body and answer, field by field. Changes by corrections.txt are left out.
func TestDocuments(t *testing.T) {
	folder := os.Getenv(bindingstest.Documents)
	if folder == "" {
		t.Skipf("%s names no folder with the vendors' documents", bindingstest.Documents)
	}
	app := highlevel.App()
	own := readCorrected(t, "corrections.txt")
	for _, test := range []struct {
		module, folder string
		corrected      corrected
	}{
		{"highlevel", "openapi", own},
		{"highlevel.v3", "openapi-v3", own.and(readCorrected(t, "v3/corrections.txt"))},
	} {
		c, _ := app.Module(test.module)
		d := readDocuments(t, filepath.Join(folder, "highlevel", test.folder))
		endpoints := map[string]*bindings.Operation{}
		for _, name := range c.Operations() {
			o, _ := c.Operation(name)
			endpoints[o.Method+" "+o.Path] = o
		}
		compared := 0
		for endpoint, documented := range d.endpoints {
			o := endpoints[endpoint]
			if o == nil {
				t.Errorf("%s: there is no operation for %s", test.module, endpoint)
				continue
			}
			compared++
			for _, problem := range (comparison{d, c, test.corrected, o, strings.TrimPrefix(o.Name, c.Qualify(""))}).problems(documented) {
				t.Errorf("%s.%s (%s): %s", app.Name, o.Name, endpoint, problem)
			}
		}
		for _, o := range endpoints {
			if test.corrected["added "+strings.TrimPrefix(o.Name, c.Qualify(""))] {
				compared++
			}
		}
		if compared != len(endpoints) {
			t.Errorf("%s: %d operations, %d endpoints in the documents", test.module, len(endpoints), compared)
		}
	}
}

// corrected are the operations and fields that corrections.txt changes:
// "operation", "operation key", and "type field".
type corrected map[string]bool

var correctedKey = regexp.MustCompile(`"(answer|body|idempotent|safe|pages|account)":`)

func readCorrected(t *testing.T, path string) corrected {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	found := corrected{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		words := strings.SplitN(strings.TrimPrefix(lines.Text(), "not "), " ", 3)
		if len(words) < 3 || strings.HasPrefix(words[0], "#") {
			continue
		}
		switch words[0] {
		case "type":
			found[words[1]] = true
		case "added":
			found["added "+words[1]] = true
		case "operation":
			for _, key := range correctedKey.FindAllStringSubmatch(words[2], -1) {
				found[words[1]+" "+key[1]] = true
			}
		default: // field, query, path, header
			for _, side := range strings.Split(words[2], " -> ") {
				name, _, _ := strings.Cut(strings.TrimPrefix(side, "-> "), ":")
				found[words[1]+" "+strings.TrimSuffix(strings.TrimSpace(name), "!")] = true
			}
		}
	}
	return found
}

// and joins the corrections of an app with those of an edition, which does not have
// the operations that the app adds.
func (c corrected) and(other corrected) corrected {
	all := maps.Clone(c)
	maps.DeleteFunc(all, func(key string, _ bool) bool { return strings.HasPrefix(key, "added ") })
	maps.Copy(all, other)
	return all
}

// documents are OpenAPI documents as plain JSON.
type documents struct {
	byName    map[string]map[string]any
	endpoints map[string]documented
}

type documented struct {
	document  string
	operation map[string]any
}

func readDocuments(t *testing.T, folder string) documents {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d documents, %v", folder, len(files), err)
	}
	d := documents{map[string]map[string]any{}, map[string]documented{}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var whole map[string]any
		if err := json.Unmarshal(text, &whole); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		d.byName[name] = whole
		for path, methods := range object(whole["paths"]) {
			for method, operation := range object(methods) {
				d.endpoints[strings.ToUpper(method)+" "+path] = documented{name, object(operation)}
			}
		}
	}
	return d
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }

func list(v any) []any { l, _ := v.([]any); return l }

func text(v any) string { s, _ := v.(string); return s }

// comparison compares one operation with its document.
type comparison struct {
	documents documents
	catalogue *bindings.Catalogue
	corrected corrected
	op        *bindings.Operation
	name      string // without the edition
}

func (c comparison) problems(d documented) (found []string) {
	wrong := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if got, want := c.op.ID, text(d.operation["operationId"]); got != want {
		wrong("the vendor's id is %q, documented %q", got, want)
	}
	if got, want := c.op.Deprecated, d.operation["deprecated"] == true; got != want {
		wrong("deprecated is %v, documented %v", got, want)
	}
	given := map[string]map[string]string{"query": {}, "header": {}, "path": {}}
	for place, fields := range map[string][]bindings.Field{"query": c.op.Query, "header": c.op.Header, "path": c.op.PathParams} {
		for _, f := range fields {
			given[place][f.Name] = fmt.Sprint(f.Required)
		}
	}
	for _, p := range list(d.operation["parameters"]) {
		place, name := text(object(p)["in"]), text(object(p)["name"])
		required := fmt.Sprint(object(p)["required"] == true || place == "path")
		if place == "header" && strings.EqualFold(name, "version") {
			if want := list(object(object(p)["schema"])["enum"]); len(want) != 1 || c.op.Fixed["Version"] != want[0] {
				wrong("Version %q is sent, documented %v", c.op.Fixed["Version"], want)
			}
			continue
		}
		if place == "header" && name == "Authorization" {
			continue
		}
		if got, there := given[place][name]; (!there || got != required) && !c.corrected[c.name+" "+name] {
			wrong("%s %q: required is %s, documented %s", place, name, got, required)
		}
		delete(given[place], name)
	}
	for place, left := range given {
		for name := range left {
			if place != "path" && !c.corrected[c.name+" "+name] { // some paths name parameters that are not declared
				wrong("%s %q is not documented", place, name)
			}
		}
	}
	scopes := map[string]bool{}
	for _, one := range list(d.operation["security"]) {
		for _, names := range object(one) {
			for _, scope := range list(names) {
				scopes[text(scope)] = true
			}
		}
	}
	for _, scope := range slices.Concat(c.op.Scopes, c.op.AnyScope) {
		if !scopes[scope] {
			wrong("the scope %q is not documented", scope)
		}
		delete(scopes, scope)
	}
	if len(scopes) > 0 && len(c.op.Scopes)+len(c.op.AnyScope) > 0 {
		wrong("the scopes %v are left out", scopes)
	}
	return append(found, c.content(d)...)
}

var mediaTypes = map[bindings.Encoding]string{
	bindings.JSON: "application/json", bindings.Form: "application/x-www-form-urlencoded", bindings.Multipart: "multipart/form-data",
}

// content compares body and answer.
func (c comparison) content(d documented) (found []string) {
	media := object(object(d.operation["requestBody"])["content"])
	switch {
	case c.corrected[c.name+" body"]:
	case c.op.Body == nil && len(media) > 0, c.op.Body != nil && media[mediaTypes[c.op.Body.Encoding]] == nil:
		found = append(found, fmt.Sprintf("the body is %+v, documented %v", c.op.Body, slices.Sorted(maps.Keys(media))))
	case c.op.Body != nil:
		schema := object(media[mediaTypes[c.op.Body.Encoding]])["schema"]
		found = append(found, c.compare("body", d.document, schema, &c.op.Body.Type)...)
	}
	if c.corrected[c.name+" answer"] {
		return found
	}
	responses := object(d.operation["responses"])
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		if !strings.HasPrefix(status, "2") {
			continue
		}
		for _, content := range object(object(responses[status])["content"]) {
			if schema := object(content)["schema"]; schema != nil {
				return append(found, c.compare("answer", d.document, schema, c.op.Answer)...)
			}
		}
	}
	return found
}

// compare compares a schema and a type as flat lists of their fields.
func (c comparison) compare(what, document string, schema any, t *bindings.Type) (found []string) {
	want, have := map[string]string{}, map[string]string{}
	c.documents.flatten(document, schema, "", 0, want)
	var skip []string
	c.flatten(t, "", 0, have, &skip)
	skipped := func(path string) bool {
		return slices.ContainsFunc(skip, func(s string) bool {
			return path == s || strings.HasPrefix(path, s+".") || strings.HasPrefix(path, s+"[")
		})
	}
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if skipped(path) {
			continue
		}
		switch got, there := have[path]; {
		case !there:
			found = append(found, fmt.Sprintf("%s: %q is documented as %s, and left out", what, path, want[path]))
		case got != want[path] && want[path] != "any" && got != "any":
			found = append(found, fmt.Sprintf("%s: %q is %s, documented %s", what, path, got, want[path]))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(have)) {
		if _, there := want[path]; !there && !skipped(path) {
			found = append(found, fmt.Sprintf("%s: %q is not documented", what, path))
		}
	}
	return found
}

// depth is the depth to which both are compared; types refer to themselves.
const depth = 5

// flatten writes the kind of each field of a schema to out, by its path.
func (d documents) flatten(document string, schema any, path string, level int, out map[string]string) {
	s := object(schema)
	if ref := text(s["$ref"]); ref != "" {
		file, name, _ := strings.Cut(ref, "#/components/schemas/")
		if file != "" {
			document = strings.TrimSuffix(filepath.Base(file), ".json")
		}
		d.flatten(document, object(object(d.byName[document]["components"])["schemas"])[name], path, level, out)
		return
	}
	kind := text(s["type"])
	for _, all := range []string{"allOf", "oneOf", "anyOf"} {
		for _, part := range list(s[all]) {
			if kind = "any"; all == "allOf" {
				kind = "object"
			}
			d.flatten(document, part, path, level, out)
		}
	}
	properties := object(s["properties"])
	switch {
	case len(properties) > 0:
		kind = "object"
	case kind == "integer":
		kind = "number"
	case kind == "", kind == "any", kind == "object", len(list(s["enum"])) > 0 && kind != "array":
		kind = "any" // the type of an enum besides its values differs
	}
	isList := kind == "array"
	if path != "" {
		if was := out[path]; was != "" && was != kind {
			kind = "any"
		}
		out[path] = kind
	}
	if level >= depth {
		return
	}
	for name, property := range properties {
		d.flatten(document, property, path+"."+name, level+1, out)
	}
	if isList {
		d.flatten(document, s["items"], path+"[]", level+1, out)
	}
}

// flatten writes the kind of each field of a type to out, by its path, and to skip
// the paths that a correction changes.
func (c comparison) flatten(t *bindings.Type, path string, level int, out map[string]string, skip *[]string) {
	if t == nil {
		return
	}
	if t.Kind == bindings.Named && c.corrected[t.Name] {
		*skip = append(*skip, path)
	}
	if t.Kind == bindings.Named {
		if d, _ := c.catalogue.Type(t.Name); d != nil && d.Is != nil {
			c.flatten(d.Is, path, level, out, skip)
			return
		}
	}
	resolved, d := c.catalogue.Resolve(t)
	kind := map[bindings.Kind]string{
		bindings.String: "string", bindings.File: "string", bindings.Number: "number", bindings.Integer: "number", bindings.Int64: "number",
		bindings.Boolean: "boolean", bindings.List: "array",
	}[resolved.Kind]
	if d != nil && len(d.Fields) > 0 {
		kind = "object"
	} else if kind == "" {
		kind = "any"
	}
	if path != "" {
		if was := out[path]; was != "" && was != kind {
			kind = "any"
		}
		out[path] = kind
	}
	for i := range resolved.OneOf {
		c.flatten(&resolved.OneOf[i], path, level, out, skip)
	}
	if path != "" && len(resolved.OneOf) > 0 {
		out[path] = "any"
	}
	if level >= depth {
		return
	}
	if resolved.Kind == bindings.List {
		c.flatten(resolved.Items, path+"[]", level+1, out, skip)
	}
	for i := 0; d != nil && i < len(d.Fields); i++ {
		f := &d.Fields[i]
		if c.corrected[t.Name+" "+f.Name] {
			*skip = append(*skip, path+"."+f.Name)
		}
		c.flatten(&f.Type, path+"."+f.Name, level+1, out, skip)
	}
}
