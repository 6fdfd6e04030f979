package bindingstest

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// testPages checks how pages are read: parameters that are arguments of the
// operation, and paths in the answer if that is declared.
func testPages(t reporter, c *bindings.Catalogue) {
	for _, name := range c.Operations() {
		o, _ := c.Operation(name)
		testPaged(t, c, o)
		if o.Pages != nil {
			testPageParams(t, c, o)
			testPageAnswer(t, c, o)
		}
	}
}

// testPageParams checks the parameters for pages.
func testPageParams(t reporter, c *bindings.Catalogue, o *bindings.Operation) {
	p := o.Pages
	if !o.ReadOnly() {
		t.Errorf("%s: each would repeat a call that is not read-only", o.Name)
	}
	if ways := count(len(p.Cursors) > 0, p.Page != "", p.Offset != "", p.URL != ""); ways > 1 {
		t.Errorf("%s: %d ways to read its pages, expected one or none", o.Name, ways)
	}
	if (p.SizeParam == "") != (p.Size == 0) {
		t.Errorf("%s: size_param %q and size %d go together", o.Name, p.SizeParam, p.Size)
	}
	fields, open := arguments(c, o)
	for _, param := range slices.Concat(slices.Sorted(maps.Keys(p.Cursors)), slices.Sorted(maps.Keys(p.With)), []string{p.Page, p.Offset, p.SizeParam}) {
		if param != "" && find(fields, param) == nil && !open {
			t.Errorf("%s: %q is none of its arguments", o.Name, param)
		}
	}
	testAddress(t, c, o, fields)
	if p.ZeroBased && p.Page == "" {
		t.Errorf("%s: the first page is 0, and no parameter has the number of the page", o.Name)
	}
}

// testPageAnswer checks the paths in the answer of a list.
func testPageAnswer(t reporter, c *bindings.Catalogue, o *bindings.Operation) {
	p := o.Pages
	resolved, d := c.Resolve(o.Answer)
	if p.Items == bindings.OneList {
		if d != nil || resolved.Kind == bindings.List {
			t.Errorf("%s: the answer is declared; set the path of the list in it", o.Name)
		}
		return
	}
	if p.Items == "" && resolved.Kind == bindings.Object && !p.Keyed {
		t.Errorf("%s: pages has no items; set the path of the list in %s", o.Name, o.Answer)
		return
	}
	items, known, err := typeAt(c, o.Answer, p.Items)
	if err != nil {
		t.Errorf("%s: items: %v", o.Name, err)
	}
	if want := listKind(p); known && items.Kind != want {
		t.Errorf("%s: items %q is of type %s, expected a list", o.Name, p.Items, items)
	}
	if p.Page == "" && (p.Next != "" || p.Last != "") {
		t.Errorf("%s: next %q and last %q are numbers of pages, and no parameter is", o.Name, p.Next, p.Last)
	}
	for _, path := range []string{p.Next, p.Last, p.More} {
		if _, _, err := typeAt(c, o.Answer, path); path != "" && err != nil {
			t.Errorf("%s: %v", o.Name, err)
		}
	}
	testCursors(t, c, o, items)
}

// testCursors checks the paths of the cursors in the answer of a list.
func testCursors(t reporter, c *bindings.Catalogue, o *bindings.Operation, items bindings.Type) {
	for param, path := range o.Pages.Cursors {
		from := o.Answer
		if inItem, found := strings.CutPrefix(path, "item:"); found {
			path, from = inItem, items.Items
		}
		if _, _, err := typeAt(c, from, path); err != nil {
			t.Errorf("%s: cursor %s: %v", o.Name, param, err)
		}
	}
}

// listKind returns the kind of a list's type.
func listKind(p *bindings.Pages) bindings.Kind {
	if p.Keyed {
		return bindings.Map
	}
	return bindings.List
}

// testAddress checks that the answer can have the address of the next page, and
// that no argument has the same name.
func testAddress(t reporter, c *bindings.Catalogue, o *bindings.Operation, arguments []bindings.Field) {
	address := o.Pages.URL
	if address == "" {
		return
	}
	if o.Method != "GET" {
		t.Errorf("%s: the address of a next page needs the method GET", o.Name)
	}
	if find(arguments, address) != nil {
		t.Errorf("%s: the address %q is one of its other arguments", o.Name, address)
	}
	if _, d := c.Resolve(o.Answer); d != nil && !d.Open && find(d.Fields, address) == nil {
		t.Errorf("%s: #%s has no field %q", o.Name, d.Name, address)
	}
}

// positionParams are names of parameters for the position of a page, in lower
// case and without separators; sizeParams those for its size.
var (
	positionParams = []string{"skip", "offset", "page", "pagetoken", "pagenumber", "cursor", "startafter", "startafterid", "startafterdate", "startat", "synctoken"}
	sizeParams     = []string{"limit", "pagesize", "perpage", "maxresults", "pagelimit", "pagelength"}
)

// testPaged checks that a list has Pages, so that each works, if it is the answer
// of a GET that has a parameter for the position or the size of a page.
func testPaged(t reporter, c *bindings.Catalogue, o *bindings.Operation) {
	if o.Method != "GET" {
		return
	}
	parameter := func(names []string) string {
		for _, f := range o.Query {
			if slices.Contains(names, strings.ToLower(strings.NewReplacer("_", "", "-", "", "$", "").Replace(f.Name))) {
				return f.Name
			}
		}
		return ""
	}
	position, size := parameter(positionParams), parameter(sizeParams)
	switch p := o.Pages; {
	case p == nil && position+size != "" && lists(c, o.Answer, 2) > 0:
		t.Errorf("%s has the parameter %q and answers a list; add its pages", o.Name, cmp.Or(position, size))
	case p != nil && position != "" && len(p.Cursors) == 0 && p.Page == "" && p.Offset == "" && p.URL == "" && len(p.With) == 0:
		t.Errorf("%s has the parameter %q, and its pages do not use it", o.Name, position)
	}
}

// lists returns the number of lists in an answer, down to a depth.
func lists(c *bindings.Catalogue, t *bindings.Type, depth int) (n int) {
	resolved, d := c.Resolve(t)
	if resolved.Kind == bindings.List {
		return 1
	}
	if d == nil || depth == 0 {
		return 0
	}
	for i := range d.Fields {
		n += lists(c, &d.Fields[i].Type, depth-1)
	}
	return n
}

func count(all ...bool) (n int) {
	for _, is := range all {
		if is {
			n++
		}
	}
	return n
}
