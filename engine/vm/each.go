package vm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/jsonpointer"
)

// defaultPages is how many pages each reads if the option pages is not set.
const defaultPages = 1000

// pager is the iterator of one each(…).
type pager struct {
	operation  *operation
	step       Step
	itemsLeft  int // items that may still be returned; below zero: all
	pagesLeft  int // pages that may still be asked for
	pagesGiven bool
	lastPage   bool
	pageType   *bindings.Definition

	items *lua.LTable
	at    int
}

// size implements sizer.
func (w *pager) size() (int64, []lua.LValue) {
	references := []lua.LValue{}
	if w.items != nil {
		references = append(references, w.items)
	}
	return int64(len(w.step.Args)) + 512, references
}

// eachFunction is each(operation, args, { limit, pages, … }): an iterator over
// the items of a list, for every kind of pages that an app has.
func eachFunction(L *lua.LState) int {
	o := operationOf(L.Get(1))
	if o == nil {
		raise(L, "each: the first argument must be an operation such as highlevel.contacts.list, without calling it; found %s", describe(L.Get(1)))
	}
	if o.spec.Pages == nil {
		raise(L, "each: %s returns no list in pages; call it and read its answer", o.name)
	}
	function := "each(" + o.name + ")"
	options := wantOptions(L, 3, function, append([]string{"limit", "pages"}, hostOptions...)...)
	w := &pager{
		operation: o, step: o.step(L, StepPage, 2, options),
		itemsLeft: countOption(L, options, function, "limit", 0, -1), pagesLeft: countOption(L, options, function, "pages", 1, defaultPages),
		pagesGiven: option(options, "pages") != lua.LNil, pageType: o.pageType(),
	}
	activationOf(L).charge(L, 10, 1<<10)
	f := &lua.LFunction{IsG: true, GFunction: w.next}
	f.Upvalues = []*lua.Upvalue{upvalue(&lua.LUserData{Value: w, Metatable: lua.LNil})}
	L.Push(f)
	return 1
}

// next returns the next item, nil at the end.
func (w *pager) next(L *lua.LState) int {
	a := activationOf(L)
	for w.itemsLeft != 0 {
		for w.items != nil && w.at < w.items.MaxN() {
			w.at++
			item := w.items.RawGetInt(w.at)
			if a.charge(L, 1, 0); isNull(item) {
				continue
			}
			w.itemsLeft--
			L.Push(item)
			return 1
		}
		if w.lastPage || !w.nextPage(L) {
			break
		}
	}
	w.lastPage, w.items = true, nil
	L.Push(lua.LNil)
	return 1
}

// nextPage reads the next page. It reports false if there is none.
func (w *pager) nextPage(L *lua.LState) bool {
	a := activationOf(L)
	if w.pagesLeft == 0 {
		if w.pagesGiven {
			return false
		}
		raise(L, "each(%s) has read %s pages and there are more; set { pages = n } to read more, or { limit = n } to stop earlier",
			w.operation.name, grouped(defaultPages))
	}
	w.pagesLeft--
	raw := a.step(L, w.step)
	if isEmptyJSON(raw) {
		return false
	}
	page, err := a.read(L, decoder{text: raw, catalogue: w.operation.catalogue, nulls: w.step.Options.Nulls}, shape{kind: bindings.Object, def: w.pageType})
	if err != nil {
		raise(L, "each(%s): the answer is not JSON: %v", w.operation.name, err)
	}
	w.items, w.at, w.lastPage = nil, 0, true
	table, ok := page.(*lua.LTable)
	if !ok {
		return false
	}
	w.items, _ = table.RawGetString("items").(*lua.LTable)
	next, changed, err := nextArguments(w.step.Args, raw)
	if err != nil {
		raise(L, "each(%s): %v", w.operation.name, err)
	}
	if next == nil {
		return true
	}
	w.step.Args, w.lastPage = next, false
	// A value that the page put in the place of a secret is no secret.
	w.step.Secrets = maps.Clone(w.step.Secrets)
	maps.DeleteFunc(w.step.Secrets, func(at string, _ Secret) bool { return slices.Contains(changed, jsonpointer.Split(at)[0]) })
	return true
}

// nextArguments returns the arguments of this page changed by the "next" in its
// answer, and the names that were changed; nil after the last page.
func nextArguments(args, page json.RawMessage) (next json.RawMessage, changed []string, err error) {
	var answer struct {
		Next map[string]json.RawMessage `json:"next"`
	}
	if err := json.Unmarshal(page, &answer); err != nil {
		return nil, nil, err
	}
	if len(answer.Next) == 0 {
		return nil, nil, nil
	}
	changed = slices.Sorted(maps.Keys(answer.Next))
	var out bytes.Buffer
	write := func(name string, value json.RawMessage) {
		if out.Len() > 0 {
			out.WriteByte(',')
		}
		quoted, _ := json.Marshal(name)
		out.Write(quoted)
		out.WriteByte(':')
		out.Write(value)
	}
	d := json.NewDecoder(bytes.NewReader(args))
	if _, err := d.Token(); err != nil {
		return nil, nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, nil, err
		}
		text := fmt.Sprint(name)
		if instead, found := answer.Next[text]; found {
			value = instead
			delete(answer.Next, text)
		}
		write(text, value)
	}
	for _, name := range changed {
		if value, left := answer.Next[name]; left {
			write(name, value)
		}
	}
	return slices.Concat([]byte{'{'}, out.Bytes(), []byte{'}'}), changed, nil
}

// pageType declares {"items", "next"}: the items are those of the answer's list.
func (o *operation) pageType() *bindings.Definition {
	s := shapeOf(o.catalogue, o.spec.Answer)
	if o.spec.Pages.Items != "" {
		for _, name := range strings.Split(o.spec.Pages.Items, ".") {
			cursor := 0
			s = fieldShape(o.catalogue, s, name, &cursor)
		}
	}
	d := &bindings.Definition{}
	if s.kind == bindings.List && s.items != nil {
		d.Fields = []bindings.Field{{Name: "items", Type: bindings.Type{Kind: bindings.List, Items: s.items}}}
	}
	return d
}
