package sandbox

import (
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// Verb is what an operation does to the records of a resource.
type Verb string

const (
	Create Verb = "create"
	Read   Verb = "read"
	List   Verb = "list"
	Update Verb = "change"
	Remove Verb = "remove"
	Upsert Verb = "upsert"
	Put    Verb = "put"    // creates or changes the record that the path names
	Act    Verb = "act"    // changes the record above the last word of the path
	Extend Verb = "extend" // adds to a list in the record above, or removes from it
	Single Verb = "single" // reads or changes the only record there is
	// CreateAll creates a record for each object in the body's list, ClearAll
	// removes the one that the request names, else all below the path.
	CreateAll Verb = "create all"
	ClearAll  Verb = "clear"
	None      Verb = "none" // checked and answered; the path does not define what it changes
)

// resource is a kind of record, named by the words of its path without the
// parameters: "contacts/tasks".
type resource struct {
	name string
	noun string // of one record, folded: "task"
	// records are the types of one record as answers declare it, the best of
	// each catalogue.
	records []recordType
	// idsChecked is set if all records of the resource are created through the
	// sandbox, so that it can refuse an unknown id.
	idsChecked bool
}

// recordType is the type of a record in one catalogue.
type recordType struct {
	types
	is *bindings.Type
}

// fields are the fields that a record has by this type.
func (t recordType) fields() []bindings.Field {
	if _, d := t.Resolve(t.is); d != nil {
		return d.Fields
	}
	return nil
}

// link is a parameter of the path before the record: the record is under the
// record that it names.
type link struct {
	param  string
	name   string // the folded name in Record.Links: "contactid"
	parent *resource
}

// plan is what the sandbox does for one operation.
type plan struct {
	op       *bindings.Operation
	types    types // that it refers to
	path     []segment
	verb     Verb
	resource *resource
	links    []link
	id       string // the parameter that names the record
	word     string // the last word of an act or extend
	rule     *Rule
	// items is the path in the answer to the list, envelope the field around
	// one record; empty where the answer is the list or the record.
	items    string
	envelope string
	item     *bindings.Type // the type of one record in this answer
}

// model is everything derived from the catalogues of an app.
type model struct {
	app       *bindings.App
	rules     *Rules
	resources map[string]*resource
	plans     []*plan
	router    router
	shapes    map[string]bool // "/a/{}" and "GET /a/{}" for every path of the catalogue
}

// listWords are the last words of paths that list the collection before them.
var listWords = map[string]bool{"search": true, "list": true, "all": true, "query": true, "filter": true, "lookup": true}

func newModel(app *bindings.App, r *Rules) *model {
	m := &model{app: app, rules: r, resources: map[string]*resource{}, shapes: map[string]bool{}}
	var ops []*bindings.Operation
	for _, name := range app.Operations() {
		op, _ := app.Operation(name)
		ops = append(ops, op)
		m.shapes[shape(template(op.Path))] = true
		m.shapes[op.Method+" "+shape(template(op.Path))] = true
	}
	for _, op := range ops {
		p := m.plan(op)
		m.plans = append(m.plans, p)
		m.router.add(op.Method, p.path, p)
	}
	m.collectTypes()
	return m
}

// plan derives what an operation does from its method, path and answer, unless
// a rule of the app defines it.
func (m *model) plan(op *bindings.Operation) *plan {
	p := &plan{op: op, types: m.types(op), path: template(op.Path), rule: m.rules.Operations[op.Method+" "+op.Path]}
	if p.rule == nil && m.rules.Derive != nil {
		p.rule = m.rules.Derive(op)
	}
	last := len(p.path) - 1
	end := p.path[last]
	lists := p.types.answersList(op)
	switch {
	case end.param && m.isCollection(p.path):
		// The parameter divides a collection: /resources/{type}/{id}.
		m.setResource(p, p.path)
		p.verb = map[string]Verb{"GET": List, "POST": Create}[op.Method]
	case end.param:
		p.id = end.text
		m.setResource(p, p.path[:last])
		p.verb = map[string]Verb{"GET": Read, "PUT": Update, "PATCH": Update, "POST": Put, "DELETE": Remove}[op.Method]
		if p.verb == Read && lists {
			p.verb, p.id = List, ""
			m.setResource(p, p.path)
		}
		if p.verb == Update && !m.shapes[shape(p.path[:last])] {
			p.verb = Put
		}
	case end.text == "upsert":
		m.setResource(p, p.path[:last])
		p.verb = Upsert
	case listWords[end.text] && last > 0:
		m.setResource(p, p.path[:last])
		p.verb = List
	case m.isCollection(p.path):
		m.setResource(p, p.path)
		p.verb = map[string]Verb{"GET": List, "POST": Create, "PUT": Put, "PATCH": Put, "DELETE": ClearAll}[op.Method]
	case end.text == "bulk" && op.Method == "POST" && p.types.bulkField(op) != "":
		m.setResource(p, p.path[:last])
		p.verb = CreateAll
	case last > 0 && p.path[last-1].param:
		m.planSubpath(p, last, lists)
	default:
		m.setResource(p, p.path)
		p.verb = m.planWord(p, lists)
	}
	if p.verb == "" {
		p.verb = None
	}
	m.override(p)
	m.layout(p)
	return p
}

// planSubpath plans a path that ends in a word after a record: a collection or a
// part of the record, or an action on it.
func (m *model) planSubpath(p *plan, last int, lists bool) {
	op, word := p.op, p.path[last].text
	if op.Method == "GET" {
		m.setResource(p, p.path)
		p.verb = Single
		if lists {
			p.verb = List
		}
		return
	}
	if op.Method == "DELETE" && m.hasGet(p.path) {
		m.setResource(p, p.path)
		p.verb = ClearAll
		return
	}
	p.word, p.id = word, p.path[last-1].text
	m.setResource(p, p.path[:last-1])
	p.verb = Act
	if f := p.types.bodyField(op, word); f != nil && f.Type.Kind == bindings.List {
		p.verb = Extend
	} else if op.Method == "POST" && m.hasGet(p.path) {
		p.word, p.id, p.verb = "", "", Create
		m.setResource(p, p.path)
	}
}

// planWord returns the verb of a path that ends in a word and has no records below
// it.
func (m *model) planWord(p *plan, lists bool) Verb {
	op := p.op
	switch op.Method {
	case "GET":
		if lists {
			return List
		}
		return Single
	case "POST":
		if _, item := p.types.envelope(op, ""); !lists && p.types.hasID(item) || m.hasGet(template(op.Path)) {
			return Create
		}
	case "PUT", "PATCH":
		if m.hasGet(template(op.Path)) {
			return Put
		}
	case "DELETE":
		if m.hasGet(template(op.Path)) {
			return ClearAll
		}
	}
	return None
}

// isCollection reports whether there are records below a path.
func (m *model) isCollection(path []segment) bool { return m.shapes[shape(path)+"/{}"] }

// hasGet reports whether the catalogue has a GET of this path.
func (m *model) hasGet(path []segment) bool { return m.shapes["GET "+shape(path)] }

// setResource sets resource and links of a plan from the path of a collection.
func (m *model) setResource(p *plan, path []segment) {
	p.resource, p.links = m.resource(resourceName(path)), nil
	for i, s := range path {
		if !s.param {
			continue
		}
		l := link{param: s.text, parent: m.resource(resourceName(path[:i]))}
		l.name = Fold(s.text)
		if l.name == "id" {
			l.name = l.parent.noun + "id"
		}
		if m.isAccount(p.op, s.text) || l.parent == p.resource {
			l.parent = nil
		}
		p.links = append(p.links, l)
	}
}

func (m *model) isAccount(op *bindings.Operation, param string) bool {
	return param == op.Account || slices.Contains(m.rules.AccountParams, Fold(param))
}

func resourceName(path []segment) string {
	var words []string
	for _, s := range path {
		if !s.param {
			words = append(words, s.text)
		}
	}
	return strings.Join(words, "/")
}

// resource returns the resource with a name, and creates it at the first call.
func (m *model) resource(name string) *resource {
	if other, found := m.rules.Aliases[name]; found {
		name = other
	}
	r := m.resources[name]
	if r == nil {
		last := name[strings.LastIndexByte(name, '/')+1:]
		r = &resource{name: name, noun: Singular(Fold(last))}
		m.resources[name] = r
	}
	return r
}

func (m *model) override(p *plan) {
	if p.rule == nil {
		return
	}
	switch {
	case p.rule.Verb != "":
		p.verb = p.rule.Verb
	case p.rule.Do != nil:
		p.verb = None
	}
	switch {
	case p.rule.Resource != "":
		p.resource = m.resource(p.rule.Resource)
	case p.rule.Verb == List:
		m.setResource(p, p.path)
	}
	if p.rule.ID != "" {
		p.id = p.rule.ID
	}
}

// collectTypes collects, for every resource, the types of its records and whether
// its ids can be checked.
func (m *model) collectTypes() {
	rank := map[Verb]int{Read: 5, Create: 4, Update: 3, Upsert: 3, List: 2, Single: 1}
	type in struct {
		resource *resource
		types    types
	}
	best := map[in]int{}
	for _, p := range m.plans {
		if p.verb == Create || p.verb == Upsert || p.verb == CreateAll {
			p.resource.idsChecked = true
		}
		at := in{p.resource, p.types}
		if n := rank[p.verb]; n > best[at] && p.types.hasFields(p.item) {
			best[at] = n
			p.resource.setType(recordType{p.types, p.item})
		}
	}
	for name := range m.rules.Seeds {
		m.resource(name).idsChecked = true
	}
}

// setType adds a type, or replaces the type of the same catalogue.
func (r *resource) setType(t recordType) {
	for i := range r.records {
		if r.records[i].types == t.types {
			r.records[i] = t
			return
		}
	}
	r.records = append(r.records, t)
}
