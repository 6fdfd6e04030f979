package call

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
)

// Page returns the items in the answer of a list, and the arguments of the next
// page. Next is an object of those arguments that change, to be merged into the
// script's own; it is nil at the end.
func Page(op *bindings.Operation, args, answer json.RawMessage) (items, next json.RawMessage, err error) {
	p := op.Pages
	if p == nil {
		return nil, nil, pageError(op, "the catalogue has no rule for the pages of %s; call it page by page", op.Name)
	}
	list, err := listOf(op, gjson.ParseBytes(answer))
	if err != nil {
		return nil, nil, err
	}
	if !list.Exists() || list.Type == gjson.Null {
		list = gjson.Parse("[]")
	}
	items = json.RawMessage(list.Raw)
	if p.Keyed && list.IsObject() {
		items = members(list)
		list = gjson.ParseBytes(items)
	}
	if !list.IsArray() {
		return nil, nil, pageError(op, "expected a list at %q in the answer, found %s", p.Items, kindOf(list))
	}
	all := list.Array()
	if len(all) == 0 && !namesNextPage(p) {
		return items, nil, nil
	}
	w := paginator{p, gjson.ParseBytes(args), gjson.ParseBytes(answer), all}
	switch {
	case len(p.Cursors) > 0:
		next, err = w.cursors(op)
	case p.Page != "":
		next, err = w.page(op)
	case p.Offset != "":
		next = w.offset()
	case p.URL != "":
		next, err = w.address(op)
	}
	if err != nil {
		return nil, nil, err
	}
	return items, next, nil
}

// listOf finds the list in an answer.
func listOf(op *bindings.Operation, answer gjson.Result) (gjson.Result, error) {
	switch op.Pages.Items {
	case "":
		return answer, nil
	case bindings.OneList:
		return onlyList(op, answer)
	}
	return answer.Get(op.Pages.Items), nil
}

// maxListDepth bounds how far below the answer a list is searched.
const maxListDepth = 3

// onlyList is the answer itself, or the only list among its members, or else
// among theirs.
func onlyList(op *bindings.Operation, answer gjson.Result) (gjson.Result, error) {
	if answer.IsArray() || answer.Type == gjson.Null {
		return answer, nil
	}
	level := map[string]gjson.Result{"": answer}
	for range maxListDepth {
		lists, below := map[string]gjson.Result{}, map[string]gjson.Result{}
		for path, o := range level {
			o.ForEach(func(key, value gjson.Result) bool {
				at := strings.TrimPrefix(path+"."+key.String(), ".")
				switch {
				case value.IsArray():
					lists[at] = value
				case value.IsObject():
					below[at] = value
				}
				return true
			})
		}
		names := slices.Sorted(maps.Keys(lists))
		switch {
		case len(names) == 1:
			return lists[names[0]], nil
		case len(names) > 1:
			return answer, pageError(op, "the answer has several lists, %s, and the documents do not name one; call it page by page", strings.Join(names, ", "))
		}
		level = below
	}
	return answer, pageError(op, "expected a list somewhere in the answer, found none; call it page by page")
}

// members writes an object as the list of its members.
func members(o gjson.Result) json.RawMessage {
	list := []byte{'['}
	o.ForEach(func(key, value gjson.Result) bool {
		if len(list) > 1 {
			list = append(list, ',')
		}
		list = append(append(list, `{"key":`...), key.Raw...)
		list = append(append(append(list, `,"value":`...), value.Raw...), '}')
		return true
	})
	return append(list, ']')
}

// namesNextPage reports whether the answer itself names the next page. It may
// do that after a page without items, or without the list: Slack counts items
// that it then leaves out.
func namesNextPage(p *bindings.Pages) bool {
	for _, path := range p.Cursors {
		if strings.HasPrefix(path, "item:") {
			return false
		}
	}
	return len(p.Cursors) > 0 || p.URL != "" || p.Next != ""
}

// paginator finds the arguments of the page after one page of a list.
type paginator struct {
	pages        *bindings.Pages
	args, answer gjson.Result
	items        []gjson.Result
}

func (w paginator) cursors(op *bindings.Operation) (json.RawMessage, error) {
	if w.isLast() {
		return nil, nil
	}
	next := map[string]json.RawMessage{}
	moved := false
	for i, name := range slices.Sorted(maps.Keys(w.pages.Cursors)) {
		value := w.cursor(w.pages.Cursors[name])
		if absent := value.Type == gjson.Null || value.String() == ""; absent {
			if i == 0 {
				return nil, nil
			}
			continue
		}
		next[name] = json.RawMessage(value.Raw)
		moved = moved || valueOf(w.args, name).String() != value.String()
	}
	if !moved {
		return nil, samePageError(op)
	}
	return json.Marshal(next)
}

// cursor finds a cursor in the answer or, behind "item:", in the last item.
func (w paginator) cursor(path string) gjson.Result {
	if inItem, found := strings.CutPrefix(path, "item:"); found {
		return w.items[len(w.items)-1].Get(inItem)
	}
	return w.answer.Get(path)
}

func (w paginator) address(op *bindings.Operation) (json.RawMessage, error) {
	value := valueOf(w.answer, w.pages.URL)
	if value.Type == gjson.Null || value.String() == "" {
		return nil, nil
	}
	if valueOf(w.args, w.pages.URL).String() == value.String() {
		return nil, samePageError(op)
	}
	return json.Marshal(map[string]json.RawMessage{w.pages.URL: json.RawMessage(value.Raw)})
}

func (w paginator) page(op *bindings.Operation) (json.RawMessage, error) {
	present := w.number(w.pages.Page, firstPage(w.pages))
	if w.pages.Next != "" {
		value := w.answer.Get(w.pages.Next)
		if value.Type == gjson.Null || value.String() == "" || value.Type == gjson.False || w.isLast() {
			return nil, nil
		}
		if value.Float() == present {
			return nil, samePageError(op)
		}
		return object(w.pages.Page, value.Float()), nil
	}
	if last := w.answer.Get(w.pages.Last); w.pages.Last != "" && last.Type == gjson.Number {
		if present >= last.Float() {
			return nil, nil
		}
		return object(w.pages.Page, present+1), nil
	}
	if w.isLast() || w.notFull() {
		return nil, nil
	}
	return object(w.pages.Page, present+1), nil
}

func (w paginator) offset() json.RawMessage {
	if w.isLast() || w.notFull() {
		return nil
	}
	return object(w.pages.Offset, w.number(w.pages.Offset, 0)+float64(len(w.items)))
}

// isLast reports whether the answer has, in a field for that, that there is no
// next page.
func (w paginator) isLast() bool {
	if w.pages.More == "" {
		return false
	}
	more := w.answer.Get(w.pages.More)
	return more.Exists() && !more.Bool()
}

// notFull reports whether a page has fewer items than it may have, where the
// answer does not have whether there are more.
func (w paginator) notFull() bool {
	if w.pages.More != "" && w.answer.Get(w.pages.More).Exists() {
		return false
	}
	size := float64(w.pages.Size)
	if w.pages.SizeParam != "" {
		size = w.number(w.pages.SizeParam, size)
	}
	return float64(len(w.items)) < size
}

func (w paginator) number(name string, otherwise float64) float64 {
	value := valueOf(w.args, name)
	if n := value.Float(); value.Exists() && !math.IsNaN(n) && !math.IsInf(n, 0) {
		return n
	}
	return otherwise
}

// valueOf is an argument by its plain name, also one with characters that have
// a meaning in a gjson path.
func valueOf(args gjson.Result, name string) gjson.Result {
	var found gjson.Result
	args.ForEach(func(key, value gjson.Result) bool {
		if key.String() == name {
			found = value
		}
		return !found.Exists()
	})
	return found
}

func object(name string, value float64) json.RawMessage {
	return json.RawMessage(fmt.Sprintf("{%s:%.0f}", quote(name), value))
}

func firstPage(p *bindings.Pages) float64 {
	if p.ZeroBased {
		return 0
	}
	return 1
}

// withPageArguments adds arguments of a list that the script does not pass:
// those that the catalogue fixes, the page size, and, where the operation
// requires it, the first page.
func withPageArguments(s *shape, p *bindings.Pages, args json.RawMessage) json.RawMessage {
	if p == nil {
		return args
	}
	if len(args) == 0 {
		args = json.RawMessage("{}")
	}
	table := gjson.ParseBytes(args)
	add := func(name string, value json.RawMessage) {
		if name != "" && !hasKey(table, name) {
			args = prepend(args, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.With)) {
		add(name, json.RawMessage("{"+quote(name)+":"+quote(p.With[name])+"}"))
	}
	if p.Size > 0 {
		add(p.SizeParam, object(p.SizeParam, float64(p.Size)))
	}
	if a := s.index[p.Page]; a != nil && a.required {
		add(p.Page, object(p.Page, firstPage(p)))
	}
	if a := s.index[p.Offset]; a != nil && a.required {
		add(p.Offset, object(p.Offset, 0))
	}
	return args
}

func samePageError(op *bindings.Operation) error {
	return pageError(op, "the answer asks for the same page again; the walk would never end")
}

func pageError(op *bindings.Operation, message string, args ...any) *bindings.Error {
	return &bindings.Error{Kind: bindings.Invalid, Operation: op.Name, Message: fmt.Sprintf(message, args...)}
}
