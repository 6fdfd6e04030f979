package sandbox

import (
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// maxBody is the highest number of bytes of a request's body.
const maxBody = 32 << 20

// Call is one request to an operation.
type Call struct {
	*App
	Op       *bindings.Operation
	Verb     Verb   // what the operation does
	Resource string // of the records that it is about
	HTTP     *http.Request
	Params   map[string]string // of the path
	Query    Object
	Fields   Object // the body, where it is an object
	Now      time.Time

	plan  *plan
	lag   time.Duration // as in a Fault
	raw   []byte
	body  any // unwrapped
	token *token
}

// Target is the id of the record that the request names in Rule.ID or at the
// end of its path; empty if it names none.
func (r *Call) Target() string {
	if r.plan.id == "" {
		return ""
	}
	return Text(r.Arg(r.plan.id))
}

// FirstLink returns the name of the first link of the path and the id of the record
// there: GET /projects/{project_gid}/tasks lists what is below a project.
func (r *Call) FirstLink() (link, id string) {
	if len(r.plan.links) == 0 {
		return "", ""
	}
	return r.plan.links[0].name, r.Params[r.plan.links[0].param]
}

// Set returns the fields that the rule of the operation sets: a text such as
// "{name}" is the argument of that name.
func (r *Call) Set() Object {
	if r.plan.rule == nil || r.plan.rule.Set == nil {
		return nil
	}
	fields := Object{}
	for field, v := range r.plan.rule.Set {
		if s, isText := v.(string); isText && strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
			v = r.Arg(s[1 : len(s)-1])
		}
		fields[field] = Clone(v)
	}
	return fields
}

// addSet adds to the body the fields that the rule sets.
func (r *Call) addSet() {
	if set := r.Set(); set != nil {
		fields := Object{}
		maps.Copy(fields, r.Fields)
		maps.Copy(fields, set)
		r.Fields = fields
	}
}

// Make stores a new record under links, with the account of the request if its
// type has a field for it. With an empty id it creates one.
func (r *Call) Make(resource, id string, fields Object, links map[string]string) *Record {
	return r.newRecord(r.model.resource(resource), id, fields, links, r)
}

// List answers with the page of records that the request asks for.
func (r *Call) List(items []*Record) Result { return Result{Listed: true, Page: r.PageOf(items)} }

// Created answers with a new record, and reports it to webhooks.
func (r *Call) Created(made *Record) Result {
	return Result{Record: made, Changes: []Change{{Resource: r.Resource, Verb: "created", Record: made}}}
}

// Arg finds an argument in path, query or body.
func (r *Call) Arg(name string) any {
	if v, found := r.Params[name]; found {
		return v
	}
	if v := r.Query[name]; v != nil {
		return v
	}
	return r.Fields[name]
}

// argFolded finds an argument by its folded name.
func (r *Call) argFolded(name string) string {
	for key, v := range r.Params {
		if Fold(key) == name {
			return v
		}
	}
	if v, found := folded(r.Query, name); found {
		return Text(v)
	}
	v, _ := folded(r.Fields, name)
	return Text(v)
}

// decode reads query and body by the operation's declaration and checks both.
func (r *Call) decode(strict bool) *Failure {
	c := checker{r.plan.types.Catalogue, strict}
	found := r.decodeQuery(c)
	body, failed := r.decodeBody()
	if failed != nil {
		return failed
	}
	r.body = body
	for i := range r.plan.op.PathParams {
		f := &r.plan.op.PathParams[i]
		v := fromText(c, f.Type, []string{r.Params[f.Name]})
		found = append(found, c.check(&f.Type, v, f.Name)...)
	}
	if declared := r.plan.op.Body; declared != nil {
		found = append(found, r.checkBody(c, declared)...)
	}
	r.Fields, _ = r.body.(Object)
	if len(found) > 0 {
		return r.App.invalid(found)
	}
	return nil
}

func (r *Call) checkBody(c checker, declared *bindings.Body) []Problem {
	if r.body == nil {
		if !declared.Required {
			_, d := c.catalogue.Resolve(&declared.Type)
			if d == nil || !requires(d) {
				return nil
			}
		}
		r.body = Object{}
	}
	path := ""
	if declared.Wrap != "" {
		whole, _ := r.body.(Object)
		inner, found := whole[declared.Wrap]
		if !found {
			return []Problem{{declared.Wrap, Missing, ""}}
		}
		r.body, path = inner, declared.Wrap
	}
	if declared.Encoding != bindings.JSON || r.App.rules.Lenient && isForm(r.HTTP) {
		r.body = fromForm(c, &declared.Type, r.body)
	}
	return c.check(&declared.Type, r.body, path)
}

// isForm reports whether the body of a request is a form.
func isForm(h *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(h.Header.Get("Content-Type"))
	return kind == "application/x-www-form-urlencoded" || kind == "multipart/form-data"
}

func requires(d *bindings.Definition) bool {
	for i := range d.Fields {
		if d.Fields[i].Required {
			return true
		}
	}
	return false
}

// decodeQuery converts the query to the declared types. A list may repeat the
// name, with or without brackets, or have commas.
func (r *Call) decodeQuery(c checker) []Problem {
	given := r.HTTP.URL.Query()
	r.Query = Object{}
	var found []Problem
	for i := range r.plan.op.Query {
		f := &r.plan.op.Query[i]
		values := given[f.Name]
		if len(values) == 0 {
			values = given[strings.TrimSuffix(f.Name, "[]")+"[]"]
		}
		delete(given, f.Name)
		delete(given, f.Name+"[]")
		if len(values) == 0 {
			if nested := brackets(given, f.Name); nested != nil {
				r.Query[f.Name] = nested
			} else if f.Required {
				found = append(found, Problem{f.Name, Missing, ""})
			}
			continue
		}
		v := fromText(c, f.Type, values)
		found = append(found, c.check(&f.Type, v, f.Name)...)
		r.Query[f.Name] = v
	}
	if pages := r.plan.op.Pages; pages != nil && pages.URL != "" {
		delete(given, odataSkip)
		delete(given, odataDelta)
	}
	if c.strict && r.plan.op.Address == "" {
		for _, name := range slices.Sorted(maps.Keys(given)) {
			found = append(found, Problem{name, Unknown, ""})
		}
	}
	return found
}

// brackets collects name[key]=value.
func brackets(given url.Values, name string) Object {
	var out Object
	for key, values := range given {
		inner, ok := strings.CutPrefix(key, name+"[")
		if inner, ok2 := strings.CutSuffix(inner, "]"); ok && ok2 && inner != "" {
			if out == nil {
				out = Object{}
			}
			out[inner] = values[0]
			delete(given, key)
		}
	}
	return out
}

// fromText reads texts of a query, path or form as a declared type. A text without
// that type stays text, and the check refuses it.
func fromText(c checker, t bindings.Type, values []string) any {
	resolved, _ := c.catalogue.Resolve(&t)
	switch resolved.Kind {
	case bindings.Union:
		for i := range resolved.OneOf {
			if v := fromText(c, resolved.OneOf[i], values); len(c.check(&resolved.OneOf[i], v, "")) == 0 {
				return v
			}
		}
	case bindings.List:
		return listFromText(c, *resolved.Items, values)
	}
	return oneFromText(resolved, values[0])
}

// oneFromText reads one text as a value that is neither a list nor one of
// several types.
func oneFromText(t bindings.Type, text string) any {
	switch t.Kind {
	case bindings.Number, bindings.Integer:
		if json.Valid([]byte(text)) && decimal(text) {
			return json.Number(text)
		}
	case bindings.Boolean:
		if text == "true" || text == "false" {
			return text == "true"
		}
	case bindings.Object, bindings.Map, bindings.Any:
		if v, err := Decode([]byte(text)); err == nil && (strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")) {
			return v
		}
	case bindings.Enum:
		if v, err := Decode([]byte(text)); err == nil && scalar(t, v) == "" {
			return v
		}
	}
	return text
}

// listFromText reads a list: a text for each item, one text with commas, or JSON.
func listFromText(c checker, items bindings.Type, values []string) any {
	if len(values) == 1 && strings.HasPrefix(values[0], "[") {
		if v, err := Decode([]byte(values[0])); err == nil {
			return v
		}
	}
	if len(values) == 1 && strings.Contains(values[0], ",") {
		values = strings.Split(values[0], ",")
	}
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = fromText(c, items, []string{v})
	}
	return list
}
