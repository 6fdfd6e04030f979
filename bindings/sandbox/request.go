package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// maxBody bounds what a request may send.
const maxBody = 32 << 20

// request is one call on its way through an app.
type request struct {
	app    *app
	plan   *plan
	http   *http.Request
	raw    []byte
	params map[string]string // of the path
	query  object
	body   any    // unwrapped
	fields object // the body where it is an object
	token  *token
	now    time.Time
}

// arg finds an argument wherever it stands.
func (r *request) arg(name string) any {
	if v, found := r.params[name]; found {
		return v
	}
	if v := r.query[name]; v != nil {
		return v
	}
	return r.fields[name]
}

// argFolded finds an argument by its folded name.
func (r *request) argFolded(name string) string {
	for key, v := range r.params {
		if fold(key) == name {
			return v
		}
	}
	if v, found := folded(r.query, name); found {
		return text(v)
	}
	v, _ := folded(r.fields, name)
	return text(v)
}

// decode reads query and body by the operation's declaration and checks both.
func (r *request) decode(strict bool) *failure {
	c := checker{r.plan.types.Catalogue, strict}
	found := r.decodeQuery(c)
	body, failed := r.decodeBody()
	if failed != nil {
		return failed
	}
	r.body = body
	for i := range r.plan.op.PathParams {
		f := &r.plan.op.PathParams[i]
		v := fromText(c, f.Type, []string{r.params[f.Name]})
		found = append(found, c.check(&f.Type, v, f.Name)...)
	}
	if declared := r.plan.op.Body; declared != nil {
		found = append(found, r.checkBody(c, declared)...)
	}
	r.fields, _ = r.body.(object)
	if len(found) > 0 {
		return r.app.invalid(found)
	}
	return nil
}

func (r *request) checkBody(c checker, declared *bindings.Body) []problem {
	if r.body == nil {
		if !declared.Required {
			_, d := c.catalogue.Resolve(&declared.Type)
			if d == nil || !requires(d) {
				return nil
			}
		}
		r.body = object{}
	}
	path := ""
	if declared.Wrap != "" {
		whole, _ := r.body.(object)
		inner, found := whole[declared.Wrap]
		if !found {
			return []problem{{declared.Wrap, missing, ""}}
		}
		r.body, path = inner, declared.Wrap
	}
	if declared.Encoding != bindings.JSON {
		r.body = fromForm(c, &declared.Type, r.body)
	}
	return c.check(&declared.Type, r.body, path)
}

func requires(d *bindings.Definition) bool {
	for i := range d.Fields {
		if d.Fields[i].Required {
			return true
		}
	}
	return false
}

// decodeQuery gives the query the declared types; lists may repeat the name,
// with or without brackets, or stand with commas.
func (r *request) decodeQuery(c checker) []problem {
	given := r.http.URL.Query()
	r.query = object{}
	var found []problem
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
				r.query[f.Name] = nested
			} else if f.Required {
				found = append(found, problem{f.Name, missing, ""})
			}
			continue
		}
		v := fromText(c, f.Type, values)
		found = append(found, c.check(&f.Type, v, f.Name)...)
		r.query[f.Name] = v
	}
	if pages := r.plan.op.Pages; pages != nil && pages.URL != "" {
		delete(given, odataSkip)
		delete(given, odataDelta)
	}
	if c.strict && r.plan.op.Address == "" {
		for _, name := range sorted(given) {
			found = append(found, problem{name, unknown, ""})
		}
	}
	return found
}

// brackets gathers name[key]=value.
func brackets(given url.Values, name string) object {
	var out object
	for key, values := range given {
		inner, ok := strings.CutPrefix(key, name+"[")
		if inner, ok2 := strings.CutSuffix(inner, "]"); ok && ok2 && inner != "" {
			if out == nil {
				out = object{}
			}
			out[inner] = values[0]
			delete(given, key)
		}
	}
	return out
}

// fromText reads texts of a query, path or form as a declared type; what does
// not fit stays text, for the check to refuse.
func fromText(c checker, t bindings.Type, values []string) any {
	resolved, _ := c.catalogue.Resolve(&t)
	first := values[0]
	switch resolved.Kind {
	case bindings.Union:
		for i := range resolved.Of {
			if v := fromText(c, resolved.Of[i], values); len(c.check(&resolved.Of[i], v, "")) == 0 {
				return v
			}
		}
	case bindings.List:
		if len(values) == 1 && strings.HasPrefix(first, "[") {
			if v, err := decodeJSON([]byte(first)); err == nil {
				return v
			}
		}
		if len(values) == 1 && strings.Contains(first, ",") {
			values = strings.Split(first, ",")
		}
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = fromText(c, *resolved.Items, []string{v})
		}
		return list
	case bindings.Number, bindings.Integer:
		if json.Valid([]byte(first)) && decimal(first) {
			return json.Number(first)
		}
	case bindings.Boolean:
		if first == "true" || first == "false" {
			return first == "true"
		}
	case bindings.Object, bindings.Map, bindings.Any:
		if strings.HasPrefix(first, "{") || strings.HasPrefix(first, "[") {
			if v, err := decodeJSON([]byte(first)); err == nil {
				return v
			}
		}
	case bindings.Enum:
		if v, err := decodeJSON([]byte(first)); err == nil && scalar(resolved, v) == "" {
			return v
		}
	}
	return first
}
