package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// page is one part of a list.
type page struct {
	items   []*record
	start   int // items before it
	size    int
	total   int
	more    bool
	cursors map[string]any // by parameter
}

// maxPage bounds what a request may ask for.
const maxPage = 1000

func (r *request) list() (result, *failure) {
	items := r.app.store.all(r.plan.resource.name, r.links())
	items, failed := r.odata(r.filter(slices.DeleteFunc(items, r.foreign)))
	if failed != nil {
		return result{}, failed
	}
	r.sort(items)
	return result{listed: true, page: r.cut(items)}, nil
}

// sort orders a list as sort_by=field:direction asks for.
func (r *request) sort(items []*record) {
	field, direction, found := strings.Cut(text(r.arg("sort_by")), ":")
	if !found {
		return
	}
	slices.SortStableFunc(items, func(a, b *record) int {
		order := strings.Compare(strings.ToLower(text(a.fields[field])), strings.ToLower(text(b.fields[field])))
		if direction == "desc" {
			return -order
		}
		return order
	})
}

// cut takes the page that the request asks for out of the whole list.
func (r *request) cut(items []*record) page {
	pages := r.plan.op.Pages
	out := page{total: len(items), size: r.app.rules.pageSize}
	if pages == nil {
		out.size = len(items)
		if n := r.positive("limit", "per_page", "pageSize", "pageLimit"); n > 0 {
			out.size = min(n, maxPage)
		}
		out.start = min(r.positive("skip", "offset"), len(items))
	} else {
		if pages.SizeParam != "" {
			if n := r.positive(pages.SizeParam); n > 0 {
				out.size = min(n, maxPage)
			}
		}
		switch {
		case pages.Page != "" && pages.Zero:
			out.start = r.positive(pages.Page) * out.size
		case pages.Page != "":
			out.start = (max(r.positive(pages.Page), 1) - 1) * out.size
		case pages.Offset != "":
			out.start = r.positive(pages.Offset)
		case pages.URL != "":
			out.start = r.skipped(items)
		default:
			out.start = r.after(items, pages)
		}
		out.start = min(out.start, len(items))
	}
	end := min(out.start+out.size, len(items))
	out.items, out.more = items[out.start:end], end < len(items)
	if pages != nil && out.more && len(out.items) > 0 {
		out.cursors = map[string]any{}
		for param, path := range pages.Cursors {
			out.cursors[param] = r.cursor(param, path, out.items[len(out.items)-1])
		}
	}
	return out
}

func (r *request) positive(names ...string) int {
	for _, name := range names {
		if v := r.arg(name); v != nil {
			if n, err := strconv.Atoi(text(v)); err == nil && n > 0 && n < 1<<30 {
				return n
			}
		}
	}
	return 0
}

// after gives the position behind the item that the cursors of the request name.
func (r *request) after(items []*record, pages *bindings.Pages) int {
	given := map[string]string{}
	for param := range pages.Cursors {
		if v := r.arg(param); !empty(v) {
			given[param] = text(v)
		}
	}
	if len(given) == 0 {
		return 0
	}
	for i := len(items) - 1; i >= 0; i-- {
		all := true
		for param, v := range given {
			all = all && text(r.cursor(param, pages.Cursors[param], items[i])) == v
		}
		if all {
			return i + 1
		}
	}
	return len(items)
}

// cursor gives the value by which a parameter names an item: what the item
// has at that path, its id, its time, or a text that only we read.
func (r *request) cursor(param, path string, item *record) any {
	field, ofItem := strings.CutPrefix(path, "item:")
	if ofItem {
		if v := lookup(item.fields, field); v != nil {
			if t := r.plan.types.typeAt(r.plan.item, steps(field)); t != nil {
				v = fitter{r.checker(), r.now}.fit(t, v, 0)
			}
			return v
		}
	}
	name := strings.TrimSuffix(fold(param), "[]")
	last := fold(steps(field)[len(steps(field))-1])
	kind := r.paramKind(param)
	whole := r.plan.op.Answer
	if ofItem {
		whole = r.plan.item
	}
	if t := r.plan.types.typeAt(whole, steps(field)); t != nil {
		if resolved, _ := r.plan.types.Resolve(t); resolved.Kind != bindings.Any {
			kind = resolved.Kind
		}
	}
	switch {
	case ofItem && kind == bindings.List:
		return []any{number(item.at), item.id}
	case kind == bindings.Number || kind == bindings.Integer || kind == bindings.Int64:
		return number(item.at)
	case strings.HasSuffix(name, "id") || strings.HasSuffix(last, "id"):
		return item.id
	case ofItem:
		return number(item.at)
	}
	return base64.RawURLEncoding.EncodeToString([]byte("after:" + item.id))
}

func (r *request) paramKind(name string) bindings.Kind {
	c := r.plan.types
	for i := range r.plan.op.Query {
		if f := &r.plan.op.Query[i]; f.Name == name {
			t, _ := c.Resolve(&f.Type)
			return t.Kind
		}
	}
	if r.plan.op.Body != nil {
		_, d := c.Resolve(&r.plan.op.Body.Type)
		if f := fieldOf(d, name); f != nil {
			t, _ := c.Resolve(&f.Type)
			return t.Kind
		}
	}
	return bindings.Any
}

// meta writes what the answer says of the page, where its type declares it.
func (r *request) meta(out any, p page) any {
	pages := r.plan.op.Pages
	number := p.start/max(p.size, 1) + 1
	if pages != nil {
		for param, v := range p.cursors {
			if path := pages.Cursors[param]; !strings.HasPrefix(path, "item:") {
				out = place(out, path, v)
			}
		}
		if !p.more {
			for _, path := range pages.Cursors {
				if !strings.HasPrefix(path, "item:") && lookup(out, path) == nil {
					out = r.blank(out, path)
				}
			}
		}
		if at, isObject := out.(object); isObject && pages.URL != "" {
			r.linked(at, p)
		}
		if pages.Next != "" && p.more {
			out = place(out, pages.Next, count(number+1))
		}
		if pages.More != "" {
			out = place(out, pages.More, p.more)
		}
		if pages.Last != "" {
			out = place(out, pages.Last, count(max((p.total+p.size-1)/max(p.size, 1), 1)))
		}
	}
	known := map[string]any{
		"total": count(p.total), "count": count(p.total), "totalcount": count(p.total),
		"totalitems": count(p.total), "totalpages": count((p.total + p.size - 1) / max(p.size, 1)),
		"currentpage": count(number), "page": count(number), "perpage": count(p.size), "pagesize": count(p.size),
		"hasmore": p.more, "hasnextpage": p.more,
	}
	if p.more {
		known["nextpage"] = count(number + 1)
	}
	if number > 1 {
		known["prevpage"] = count(number - 1)
	}
	r.describe(out, r.plan.op.Answer, known, 0)
	return out
}

// blank leaves an exhausted cursor empty rather than absent where its type
// is text and required.
func (r *request) blank(out any, path string) any {
	t := r.plan.op.Answer
	var field *bindings.Field
	for _, step := range steps(path) {
		_, d := r.plan.types.Resolve(t)
		if field = fieldOf(d, step); field == nil {
			return out
		}
		t = &field.Type
	}
	if resolved, _ := r.plan.types.Resolve(t); field != nil && field.Required && resolved.Kind == bindings.String {
		return place(out, path, "")
	}
	return out
}

// describe fills the declared counters of an answer and of the objects in it.
func (r *request) describe(out any, t *bindings.Type, known map[string]any, depth int) {
	at, isObject := out.(object)
	if t == nil || !isObject || depth > 2 {
		return
	}
	_, d := r.plan.types.Resolve(t)
	if d == nil {
		return
	}
	for i := range d.Fields {
		f := &d.Fields[i]
		resolved, inner := r.plan.types.Resolve(&f.Type)
		if inner != nil {
			if name := fold(f.Name); name == "meta" || name == "pagination" || name == "data" || at[f.Name] != nil {
				nested, has := at[f.Name].(object)
				if !has {
					nested = object{}
				}
				r.describe(nested, &f.Type, known, depth+1)
				if len(nested) > 0 {
					at[f.Name] = nested
				}
			}
			continue
		}
		v, found := known[fold(f.Name)]
		if !found || at[f.Name] != nil {
			continue
		}
		if _, isNumber := v.(json.Number); isNumber && resolved.Kind == bindings.String {
			v = text(v)
		}
		if len(r.checker().check(&f.Type, v, "")) == 0 {
			at[f.Name] = v
		}
	}
}

// checker holds values against the types of the operation's catalogue.
func (r *request) checker() checker { return checker{r.plan.types.Catalogue, false} }
