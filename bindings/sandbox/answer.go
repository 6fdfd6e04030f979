package sandbox

import (
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// noteHeader is set on an answer that the vendor's documents do not describe.
const noteHeader = "X-Sandbox-Note"

const undescribed = "answer not described by the vendor's documents"

// Reply is an answer to be sent, and to be sent again for the same idempotency
// key.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// answer writes a result as the operation declares its answer.
func (r *Call) answer(res Result) Reply {
	op := r.plan.op
	out := Reply{Status: op.Status, Header: http.Header{}}
	if out.Status == 0 {
		out.Status = http.StatusOK
		if r.plan.verb == Create {
			out.Status = http.StatusCreated
		}
	}
	if len(op.AnswerHeaders) > 0 && r.rules.Headers != nil {
		for name, value := range r.rules.Headers {
			value = strings.ReplaceAll(value, "{id}", res.Record.ID)
			if strings.Contains(value, "{uuid}") {
				value = strings.ReplaceAll(value, "{uuid}", UUID(r.Random))
			}
			out.Header.Set(name, value)
		}
		return out
	}
	if out.Status == http.StatusNoContent {
		return out
	}
	var body any = Object{}
	switch {
	case op.Answer == nil:
		out.Header.Set(noteHeader, undescribed)
		switch {
		case op.Status != 0:
			body = nil
		case res.Listed && op.Pages != nil:
			body = r.listed(fitter{r.checker(), r.Now}, res.Page)
		}
	default:
		body = r.shaped(res)
	}
	if at, isObject := body.(Object); isObject {
		for name, v := range r.App.rules.Success {
			at[name] = v
		}
	}
	if names := r.HTTP.URL.Query().Get(odataSelect); names != "" {
		body = r.selected(body, names)
	}
	if body != nil {
		out.Header.Set("Content-Type", "application/json; charset=utf-8")
		out.Body = Encode(body)
	}
	return out
}

func (r *Call) shaped(res Result) any {
	f := fitter{r.checker(), r.Now}
	resolved, d := f.catalogue.Resolve(r.plan.op.Answer)
	var body any
	switch {
	case res.Listed:
		body = r.listed(f, res.Page)
	case res.Record != nil && r.plan.verb != Remove:
		body = r.one(f, res.Record, d)
	default:
		body = Object{}
	}
	if resolved.Kind == bindings.List {
		if at, isObject := body.(Object); isObject {
			body = []any{}
			if len(at) > 0 {
				body = []any{at}
			}
		}
		return f.fit(&resolved, body, 0)
	}
	at, isObject := body.(Object)
	if d == nil || !isObject {
		if resolved.Kind == bindings.Boolean {
			return true
		}
		return f.fit(&resolved, body, 0)
	}
	for name, v := range res.Fields {
		if field := fieldOf(d, name); field != nil {
			at[name] = f.fit(&field.Type, v, 0)
		}
	}
	r.complete(f, d, at, res)
	if len(f.check(r.plan.op.Answer, at, "")) > 0 {
		return f.fitObject(d, at, 0)
	}
	return at
}

// complete sets the fields that report success to true, and fills required
// fields from the record or the request if those have them.
func (r *Call) complete(f fitter, d *bindings.Definition, at Object, res Result) {
	for i := range d.Fields {
		field := &d.Fields[i]
		if at[field.Name] != nil {
			continue
		}
		resolved, _ := f.catalogue.Resolve(&field.Type)
		gone := r.plan.verb == Remove || r.plan.verb == ClearAll
		if name := Fold(field.Name); resolved.Kind == bindings.Boolean && (successWords[name] || name == "deleted" && gone) {
			at[field.Name] = true
			continue
		}
		var v any
		if res.Record != nil && r.plan.verb != Remove {
			v = res.Record.Fields[field.Name]
		}
		if v == nil && field.Required {
			v = r.Arg(field.Name)
		}
		switch {
		case v != nil && len(f.check(&field.Type, v, "")) == 0:
			at[field.Name] = Clone(v)
		case field.Required:
			at[field.Name] = f.required(field.Name, f.least(&field.Type, 0))
		}
	}
}

var successWords = map[string]bool{
	"success": true, "succeded": true, "succeeded": true, "successful": true, "ok": true, "status": true,
}

// record returns a record as this operation declares it.
func (r *Call) record(f fitter, rec *Record, listed bool) any {
	fields := rec.Fields
	if len(r.plan.resource.records) > 1 {
		fields, _ = Clone(fields).(Object)
		respell(f.checker, r.plan.item, fields, 0)
	}
	out := f.record(r.plan.item, fields)
	if at, isObject := out.(Object); isObject && r.App.rules.Show != nil {
		return r.App.rules.Show(r, at, listed)
	}
	return out
}

// one writes a record, in its envelope if the answer has one. An answer that is
// neither an envelope nor a record gets its fields from complete.
func (r *Call) one(f fitter, rec *Record, d *bindings.Definition) any {
	switch {
	case r.plan.envelope != "":
		return place(Object{}, r.plan.envelope, r.record(f, rec, false))
	case d == nil || r.plan.types.hasID(r.plan.op.Answer):
		return r.record(f, rec, false)
	}
	return Object{}
}

func (r *Call) listed(f fitter, p Page) any {
	pages := r.plan.op.Pages
	if pages != nil && pages.Keyed {
		return r.pageFields(place(Object{}, pages.Items, keyed(p)), p)
	}
	items := make([]any, 0, len(p.Items))
	for _, rec := range p.Items {
		if r.plan.item != nil && r.plan.item.Kind == bindings.String {
			items = append(items, rec.ID)
			continue
		}
		item := r.record(f, rec, true)
		if pages != nil {
			for param, path := range pages.Cursors {
				if field, ofItem := strings.CutPrefix(path, "item:"); ofItem && Lookup(item, field) == nil {
					item = place(item, field, r.cursor(param, path, rec))
				}
			}
		}
		items = append(items, item)
	}
	if r.plan.items == "" {
		if r.plan.item != nil {
			return items
		}
		return r.pageFields(Object{}, p)
	}
	return r.pageFields(place(Object{}, r.plan.items, items), p)
}

// keyed writes a page as an object of records by their ids.
func keyed(p Page) Object {
	all := Object{}
	for _, rec := range p.Items {
		fields, _ := Clone(rec.Fields).(Object)
		delete(fields, "id")
		all[rec.ID] = fields
	}
	return all
}
