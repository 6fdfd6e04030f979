package bindingstest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// testPages follows what each follows: parameters among the arguments, paths
// in the answer where it is described.
func testPages(t reporter, c *bindings.Catalogue) {
	for _, name := range c.Operations() {
		o, _ := c.Operation(name)
		testPaged(t, c, o)
		if o.Pages != nil {
			testWalk(t, c, o)
			testPageAnswer(t, c, o)
		}
	}
}

// testWalk follows the parameters of a list that is walked.
func testWalk(t reporter, c *bindings.Catalogue, o *bindings.Operation) {
	p := o.Pages
	if !o.ReadOnly() {
		t.Errorf("%s: each would send again what is not safe", o.Name)
	}
	if ways := count(len(p.Cursors) > 0, p.Page != "", p.Offset != "", p.URL != ""); ways > 1 {
		t.Errorf("%s: %d ways to walk it, expected one or none", o.Name, ways)
	}
	if (p.SizeParam == "") != (p.Size == 0) {
		t.Errorf("%s: size_param %q and size %d go together", o.Name, p.SizeParam, p.Size)
	}
	fields, free := arguments(c, o)
	for _, param := range slices.Concat(sortedKeys(p.Cursors), sortedKeys(p.With), []string{p.Page, p.Offset, p.SizeParam}) {
		if param != "" && find(fields, param) == nil && !free {
			t.Errorf("%s: %q is none of its arguments", o.Name, param)
		}
	}
	testAddress(t, c, o, fields)
	if p.ZeroBased && p.Page == "" {
		t.Errorf("%s: the first page is 0, and none are counted", o.Name)
	}
}

// testPageAnswer follows the paths in the answer of a list.
func testPageAnswer(t reporter, c *bindings.Catalogue, o *bindings.Operation) {
	p := o.Pages
	if resolved, d := c.Resolve(o.Answer); p.Items == bindings.OneList {
		if d != nil || resolved.Kind == bindings.List {
			t.Errorf("%s: the answer is described; say where in it the list is", o.Name)
		}
		return
	}
	items, known, err := leads(c, o.Answer, p.Items)
	if err != nil {
		t.Errorf("%s: items: %v", o.Name, err)
	}
	if want := listKind(p); known && items.Kind != want {
		t.Errorf("%s: items %q lead to a %s", o.Name, p.Items, items)
	}
	if p.Page == "" && (p.Next != "" || p.Last != "") {
		t.Errorf("%s: next %q and last %q count pages, and no parameter does", o.Name, p.Next, p.Last)
	}
	for _, path := range []string{p.Next, p.Last, p.More} {
		if _, _, err := leads(c, o.Answer, path); path != "" && err != nil {
			t.Errorf("%s: %v", o.Name, err)
		}
	}
	for param, path := range p.Cursors {
		from := o.Answer
		if inItem, found := strings.CutPrefix(path, "item:"); found {
			path, from = inItem, items.Items
		}
		if _, _, err := leads(c, from, path); err != nil {
			t.Errorf("%s: cursor %s: %v", o.Name, param, err)
		}
	}
}

// listKind is what the items of a list stand in.
func listKind(p *bindings.Pages) bindings.Kind {
	if p.Keyed {
		return bindings.Map
	}
	return bindings.List
}

// testAddress wants an address of the next page that the answer can hold and
// that hides no argument.
func testAddress(t reporter, c *bindings.Catalogue, o *bindings.Operation, arguments []bindings.Field) {
	address := o.Pages.URL
	if address == "" {
		return
	}
	if o.Method != "GET" {
		t.Errorf("%s: the address of its next page is asked for by GET", o.Name)
	}
	if find(arguments, address) != nil {
		t.Errorf("%s: the address %q is one of its other arguments", o.Name, address)
	}
	if _, d := c.Resolve(o.Answer); d != nil && !d.Open && find(d.Fields, address) == nil {
		t.Errorf("%s: #%s has no field %q", o.Name, d.Name, address)
	}
}

// turning are names of parameters that lead to another page, in lower case and
// without separators; sizing those that say how long one is.
var (
	turning = []string{"skip", "offset", "page", "pagetoken", "pagenumber", "cursor", "startafter", "startafterid", "startafterdate", "startat", "synctoken"}
	sizing  = []string{"limit", "pagesize", "perpage", "maxresults", "pagelimit", "pagelength"}
)

// testPaged wants the pages of every list that has some, so that each works:
// of a GET that takes a place or a size of a page and answers a list.
func testPaged(t reporter, c *bindings.Catalogue, o *bindings.Operation) {
	if o.Method != "GET" {
		return
	}
	takes := func(names []string) string {
		for _, f := range o.Query {
			if slices.Contains(names, strings.ToLower(strings.NewReplacer("_", "", "-", "", "$", "").Replace(f.Name))) {
				return f.Name
			}
		}
		return ""
	}
	turn, size := takes(turning), takes(sizing)
	switch p := o.Pages; {
	case p == nil && turn+size != "" && lists(c, o.Answer, 2) > 0:
		t.Errorf("%s takes %q and answers a list; name its pages", o.Name, cmp.Or(turn, size))
	case p != nil && turn != "" && len(p.Cursors) == 0 && p.Page == "" && p.Offset == "" && p.URL == "" && len(p.With) == 0:
		t.Errorf("%s takes %q, and its list comes whole", o.Name, turn)
	}
}

// lists counts the lists in an answer, down to a depth.
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
