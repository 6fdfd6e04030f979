package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// Page is one part of a list.
type Page struct {
	Items   []*Record
	Start   int // number of items before it
	Size    int
	Total   int
	More    bool
	cursors map[string]any // by parameter
}

// maxPage is the highest page size that a request may ask for.
const maxPage = 1000

func (r *Call) list() (Result, *Failure) {
	items := r.changedSince(r.store.all(r.plan.resource.name, r.Links()))
	if r.plan.rule != nil && r.plan.rule.NewestFirst {
		slices.Reverse(items)
	}
	items, failed := r.odata(r.filter(slices.DeleteFunc(items, r.isForeign)))
	if failed != nil {
		return Result{}, failed
	}
	r.sort(items)
	return r.List(items), nil
}

// sort orders a list as sort_by=field:direction requires.
func (r *Call) sort(items []*Record) {
	field, direction, found := strings.Cut(Text(r.Arg("sort_by")), ":")
	if !found {
		return
	}
	slices.SortStableFunc(items, func(a, b *Record) int {
		order := strings.Compare(strings.ToLower(Text(a.Fields[field])), strings.ToLower(Text(b.Fields[field])))
		if direction == "desc" {
			return -order
		}
		return order
	})
}

// PageOf returns the page of the list that the request asks for.
func (r *Call) PageOf(items []*Record) Page {
	pages := r.plan.op.Pages
	out := Page{Total: len(items), Size: r.App.rules.PageSize}
	if pages == nil {
		out.Size = len(items)
		if n := r.PositiveArg("limit", "per_page", "pageSize", "pageLimit"); n > 0 {
			out.Size = min(n, maxPage)
		}
		out.Start = min(r.PositiveArg("skip", "offset"), len(items))
	} else {
		if pages.SizeParam != "" {
			if n := r.PositiveArg(pages.SizeParam); n > 0 {
				out.Size = min(n, maxPage)
			}
		}
		switch {
		case pages.Page != "" && pages.ZeroBased:
			out.Start = r.PositiveArg(pages.Page) * out.Size
		case pages.Page != "":
			out.Start = (max(r.PositiveArg(pages.Page), 1) - 1) * out.Size
		case pages.Offset != "":
			out.Start = r.PositiveArg(pages.Offset)
		case pages.URL != "":
			out.Start = r.skipTokenStart(items)
		default:
			out.Start = r.startAfter(items, pages)
		}
		out.Start = min(out.Start, len(items))
	}
	end := min(out.Start+out.Size, len(items))
	out.Items, out.More = items[out.Start:end], end < len(items)
	if pages != nil && out.More && len(out.Items) > 0 {
		out.cursors = map[string]any{}
		for param, path := range pages.Cursors {
			out.cursors[param] = r.cursor(param, path, out.Items[len(out.Items)-1])
		}
	}
	return out
}

// PositiveArg is the first argument with one of these names that is a positive
// number; 0 if none is.
func (r *Call) PositiveArg(names ...string) int {
	for _, name := range names {
		if v := r.Arg(name); v != nil {
			if n, err := strconv.Atoi(Text(v)); err == nil && n > 0 && n < 1<<30 {
				return n
			}
		}
	}
	return 0
}

// startAfter returns the position after the item that the cursors of the request
// name.
func (r *Call) startAfter(items []*Record, pages *bindings.Pages) int {
	given := map[string]string{}
	for param := range pages.Cursors {
		if v := r.Arg(param); !Empty(v) {
			given[param] = Text(v)
		}
	}
	if len(given) == 0 {
		return 0
	}
	for i := len(items) - 1; i >= 0; i-- {
		all := true
		for param, v := range given {
			all = all && Text(r.cursor(param, pages.Cursors[param], items[i])) == v
		}
		if all {
			return i + 1
		}
	}
	return len(items)
}

// cursor returns the value with which a parameter names an item: what the item
// has at that path, its id, its time, or a text that only the sandbox reads.
func (r *Call) cursor(param, path string, item *Record) any {
	field, ofItem := strings.CutPrefix(path, "item:")
	if ofItem {
		if v := Lookup(item.Fields, field); v != nil {
			if t := r.plan.types.typeAt(r.plan.item, steps(field)); t != nil {
				v = fitter{r.checker(), r.Now}.fit(t, v, 0)
			}
			return v
		}
	}
	name := strings.TrimSuffix(Fold(param), "[]")
	last := Fold(steps(field)[len(steps(field))-1])
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
		return []any{Number(item.At), item.ID}
	case kind == bindings.Number || kind == bindings.Integer || kind == bindings.Int64:
		return Number(item.At)
	case strings.HasSuffix(name, "id") || strings.HasSuffix(last, "id"):
		return item.ID
	case ofItem:
		return Number(item.At)
	}
	return base64.RawURLEncoding.EncodeToString([]byte("after:" + item.ID))
}

func (r *Call) paramKind(name string) bindings.Kind {
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

// pageFields writes the fields of the answer about the page that its type declares.
func (r *Call) pageFields(out any, p Page) any {
	number := p.Start/max(p.Size, 1) + 1
	if pages := r.plan.op.Pages; pages != nil {
		out = r.cursors(out, pages, p)
		if at, isObject := out.(Object); isObject && pages.URL != "" {
			r.writeNextURL(at, p)
		}
		if pages.Next != "" && p.More {
			out = place(out, pages.Next, Count(number+1))
		}
		if pages.More != "" {
			out = place(out, pages.More, p.More)
		}
		if pages.Last != "" {
			out = place(out, pages.Last, Count(max((p.Total+p.Size-1)/max(p.Size, 1), 1)))
		}
	}
	known := map[string]any{
		"total": Count(p.Total), "count": Count(p.Total), "totalcount": Count(p.Total),
		"totalitems": Count(p.Total), "totalpages": Count((p.Total + p.Size - 1) / max(p.Size, 1)),
		"currentpage": Count(number), "page": Count(number), "perpage": Count(p.Size), "pagesize": Count(p.Size),
		"hasmore": p.More, "hasnextpage": p.More,
	}
	if p.More {
		known["nextpage"] = Count(number + 1)
	}
	if number > 1 {
		known["prevpage"] = Count(number - 1)
	}
	r.fillCounters(out, r.plan.op.Answer, known, 0)
	return out
}

// cursors writes the cursors of the next page, and leaves those of the last one
// empty.
func (r *Call) cursors(out any, pages *bindings.Pages, p Page) any {
	for param, path := range pages.Cursors {
		if strings.HasPrefix(path, "item:") {
			continue
		}
		v, found := p.cursors[param]
		switch {
		case found:
			out = place(out, path, v)
			r.nextAddress(out, path, param, v)
		case !p.More && Lookup(out, path) == nil:
			out = r.emptyCursor(out, path)
		}
	}
	return out
}

// nextAddress writes the address of the next page beside its cursor, whole and
// below the base URL, if the type there has "uri" and "path".
func (r *Call) nextAddress(out any, path, param string, cursor any) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return
	}
	at, isObject := Lookup(out, path[:i]).(Object)
	_, d := r.plan.types.Resolve(r.plan.types.typeAt(r.plan.op.Answer, steps(path[:i])))
	if !isObject || fieldOf(d, "uri") == nil || fieldOf(d, "path") == nil {
		return
	}
	query := r.HTTP.URL.Query()
	query.Set(param, Text(cursor))
	at["uri"] = r.address(query)
	at["path"] = strings.TrimPrefix(r.HTTP.URL.EscapedPath(), r.App.base) + "?" + query.Encode()
}

// emptyCursor writes an empty text as the cursor of the last page if its type is
// text and required.
func (r *Call) emptyCursor(out any, path string) any {
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

// fillCounters fills the declared counters of an answer and of the objects in it.
func (r *Call) fillCounters(out any, t *bindings.Type, known map[string]any, depth int) {
	at, isObject := out.(Object)
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
			r.fillInnerCounters(at, f, known, depth)
			continue
		}
		v, found := known[Fold(f.Name)]
		if !found || at[f.Name] != nil {
			continue
		}
		if _, isNumber := v.(json.Number); isNumber && resolved.Kind == bindings.String {
			v = Text(v)
		}
		if len(r.checker().check(&f.Type, v, "")) == 0 {
			at[f.Name] = v
		}
	}
}

// fillInnerCounters fills the counters of an object in the answer, which it creates
// if its name is that of an object for counters.
func (r *Call) fillInnerCounters(at Object, f *bindings.Field, known map[string]any, depth int) {
	if name := Fold(f.Name); name != "meta" && name != "pagination" && name != "data" && at[f.Name] == nil {
		return
	}
	nested, has := at[f.Name].(Object)
	if !has {
		nested = Object{}
	}
	r.fillCounters(nested, &f.Type, known, depth+1)
	if len(nested) > 0 {
		at[f.Name] = nested
	}
}

// checker checks values against the types of the operation's catalogue.
func (r *Call) checker() checker { return checker{r.plan.types.Catalogue, false} }
