package sandbox

import (
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// noteHeader says what an answer cannot: that the vendor's documents do not
// describe it.
const noteHeader = "X-Sandbox-Note"

const undescribed = "answer not described by the vendor's documents"

// reply is an answer ready to be sent, and to be sent again for the same
// idempotency key.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// answer writes a result as the operation declares its answer.
func (r *request) answer(res result) reply {
	op := r.plan.op
	out := reply{status: op.Status, header: http.Header{}}
	if out.status == 0 {
		out.status = http.StatusOK
		if r.plan.verb == create {
			out.status = http.StatusCreated
		}
	}
	if len(op.AnswerHeaders) > 0 && r.app.rules.headers != nil {
		for name, value := range r.app.rules.headers(r, res) {
			out.header.Set(name, value)
		}
		return out
	}
	if out.status == http.StatusNoContent {
		return out
	}
	var body any = object{}
	switch {
	case op.Answer == nil:
		out.header.Set(noteHeader, undescribed)
		switch {
		case op.Status != 0:
			body = nil
		case res.listed && op.Pages != nil:
			body = r.listed(fitter{r.checker(), r.now}, res.page)
		}
	default:
		body = r.shaped(res)
	}
	if at, isObject := body.(object); isObject {
		for name, v := range r.app.rules.success {
			at[name] = v
		}
	}
	if body != nil {
		out.header.Set("Content-Type", "application/json; charset=utf-8")
		out.body = encode(body)
	}
	return out
}

func (r *request) shaped(res result) any {
	f := fitter{r.checker(), r.now}
	resolved, d := f.catalogue.Resolve(r.plan.op.Answer)
	var body any
	switch {
	case res.listed:
		body = r.listed(f, res.page)
	case res.record != nil && r.plan.verb != remove:
		body = r.one(f, res.record, d)
	default:
		body = object{}
	}
	if resolved.Kind == bindings.List {
		if at, isObject := body.(object); isObject {
			body = []any{}
			if len(at) > 0 {
				body = []any{at}
			}
		}
		return f.fit(&resolved, body, 0)
	}
	at, isObject := body.(object)
	if d == nil || !isObject {
		if resolved.Kind == bindings.Boolean {
			return true
		}
		return f.fit(&resolved, body, 0)
	}
	for name, v := range res.fields {
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

// complete says yes where the answer has a word for success, and fills what it
// requires: from the record or the request where those have it.
func (r *request) complete(f fitter, d *bindings.Definition, at object, res result) {
	for i := range d.Fields {
		field := &d.Fields[i]
		if at[field.Name] != nil {
			continue
		}
		resolved, _ := f.catalogue.Resolve(&field.Type)
		gone := r.plan.verb == remove || r.plan.verb == clearAll
		if name := fold(field.Name); resolved.Kind == bindings.Boolean && (successWords[name] || name == "deleted" && gone) {
			at[field.Name] = true
			continue
		}
		var v any
		if res.record != nil && r.plan.verb != remove {
			v = res.record.fields[field.Name]
		}
		if v == nil && field.Required {
			v = r.arg(field.Name)
		}
		switch {
		case v != nil && len(f.check(&field.Type, v, "")) == 0:
			at[field.Name] = clone(v)
		case field.Required:
			at[field.Name] = f.named(field.Name, f.least(&field.Type, 0))
		}
	}
}

var successWords = map[string]bool{
	"success": true, "succeded": true, "succeeded": true, "successful": true, "ok": true, "status": true,
}

// record gives a record as this operation declares it.
func (r *request) record(f fitter, rec *record, listed bool) any {
	fields := rec.fields
	if len(r.plan.resource.records) > 1 {
		fields, _ = clone(fields).(object)
		respell(f.checker, r.plan.item, fields, 0)
	}
	shown := f.record(r.plan.item, fields)
	if at, isObject := shown.(object); isObject && r.app.rules.show != nil {
		return r.app.rules.show(r, at, listed)
	}
	return shown
}

// one writes a record, in its envelope where the answer has one. An answer
// that is neither an envelope nor a record gets its fields from complete.
func (r *request) one(f fitter, rec *record, d *bindings.Definition) any {
	switch {
	case r.plan.envelope != "":
		return place(object{}, r.plan.envelope, r.record(f, rec, false))
	case d == nil || r.plan.types.hasID(r.plan.op.Answer):
		return r.record(f, rec, false)
	}
	return object{}
}

func (r *request) listed(f fitter, p page) any {
	pages := r.plan.op.Pages
	if pages != nil && pages.Keyed {
		return r.meta(place(object{}, pages.Items, keyed(p)), p)
	}
	items := make([]any, 0, len(p.items))
	for _, rec := range p.items {
		if r.plan.item != nil && r.plan.item.Kind == bindings.String {
			items = append(items, rec.id)
			continue
		}
		item := r.record(f, rec, true)
		if pages != nil {
			for param, path := range pages.Cursors {
				if field, ofItem := strings.CutPrefix(path, "item:"); ofItem && lookup(item, field) == nil {
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
		return r.meta(object{}, p)
	}
	return r.meta(place(object{}, r.plan.items, items), p)
}

// keyed writes a page as an object of records by their ids.
func keyed(p page) object {
	all := object{}
	for _, rec := range p.items {
		shown, _ := clone(rec.fields).(object)
		delete(shown, "id")
		all[rec.id] = shown
	}
	return all
}
