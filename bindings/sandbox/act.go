package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// result is what an operation came to, before it is written as an answer.
type result struct {
	record *record
	made   bool // by an upsert or put
	listed bool
	page   page
	// fields stand in the answer as they are, beside or over the rest.
	fields object
	// changes are what webhooks tell.
	changes []changed
}

// changed is one change of a record.
type changed struct {
	resource *resource
	verb     string // created, updated, deleted, or another past tense
	record   *record
	fields   object // the record as it then was
	trigger  string // instead of the one of resource and verb
}

// perform does what the plan says. The app's lock is held.
func (r *request) perform() (result, *failure) {
	p := r.plan
	if res, failed, is := r.looked(); is {
		return res, failed
	}
	if failed := r.checkAccount(); failed != nil {
		return result{}, failed
	}
	if failed := r.checkLinks(); failed != nil {
		return result{}, failed
	}
	if failed := r.agreed(); failed != nil {
		return result{}, failed
	}
	if guard := r.app.rules.guard; guard != nil {
		if failed := guard(r); failed != nil {
			return result{}, failed
		}
	}
	if p.rule != nil && p.rule.do != nil {
		return p.rule.do(r)
	}
	switch p.verb {
	case create:
		return r.create()
	case read:
		found, failed := r.find()
		return result{record: found}, failed
	case list:
		return r.list()
	case change, put:
		return r.change()
	case remove:
		return r.remove()
	case upsert:
		return r.upsert()
	case act, extend:
		return r.act()
	case single:
		return r.single()
	case createAll:
		return r.createAll(), nil
	case clearAll:
		return r.clear()
	}
	return result{}, nil
}

// checkLinks refuses a path below a record that is not there.
func (r *request) checkLinks() *failure {
	for _, l := range r.plan.links {
		if l.parent == nil || !l.parent.known {
			continue
		}
		id := r.params[l.param]
		if parent := r.app.store.get(l.parent.name, id); parent == nil || r.foreign(parent) {
			return r.app.notFound(l.parent.noun, id)
		}
	}
	return nil
}

func (r *request) links() map[string]string {
	links := map[string]string{}
	for _, l := range r.plan.links {
		links[l.name] = r.params[l.param]
	}
	return links
}

// find gives the record that the request names.
func (r *request) find() (*record, *failure) {
	id := text(r.arg(r.plan.id))
	if found := r.seek(id); found != nil && !r.foreign(found) {
		return found, nil
	}
	return nil, r.notFound(id)
}

// notFound refuses a request for a record that is not there.
func (r *request) notFound(id string) *failure {
	failed := r.app.notFound(r.plan.resource.noun, id)
	if r.plan.rule != nil && r.plan.rule.missing != "" {
		failed.code = r.plan.rule.missing
	}
	return failed
}

// seek gives the record of an id below what the path names: ids may be there
// once for each of those only.
func (r *request) seek(id string) *record {
	found, links := r.app.store.get(r.plan.resource.name, id), r.links()
	if found != nil && found.under(links) {
		return found
	}
	for _, rec := range r.app.store.all(r.plan.resource.name, links) {
		if len(links) > 0 && r.app.rules.idOf(rec.fields) == id {
			return rec
		}
	}
	return nil
}

func (r *request) create() (result, *failure) {
	a, res := r.app, r.plan.resource
	u := a.rules.unique[res.name]
	if same, field := a.store.same(res.name, r.fields); same != nil && u.refuse != 0 {
		return result{}, &failure{status: u.refuse, kind: bindings.Conflict, message: u.message,
			extra: object{"meta": object{res.noun + "Id": same.id, "matchingField": field}}}
	}
	made := a.make(res, "", r.fields, r.links(), r)
	return result{record: made, changes: []changed{{resource: res, verb: "created", record: made}}}, nil
}

// make stores a new record. An empty id is made.
func (a *app) make(res *resource, id string, fields object, links map[string]string, r *request) *record {
	now := a.sandbox.now()
	made := &record{id: id, fields: object{}, links: map[string]string{}, at: a.store.moment(now)}
	if fromTime := a.rules.timeID[res.name]; id == "" && fromTime != nil {
		made.id = fromTime(made.at)
	} else if id == "" {
		made.id = a.rules.id(a.random, res.name)
	}
	for name, v := range fields {
		if v != nil {
			made.fields[name] = clone(v)
		}
	}
	a.identify(res, made)
	a.date(res, made.fields, stamp(now), true)
	for name, v := range links {
		made.links[name] = v
		a.mirror(res, made.fields, name, v)
	}
	if r != nil {
		a.inherit(res, made, r)
	}
	a.settle(res, made)
	a.store.put(res.name, made)
	return made
}

// identify writes the id where the record's type has it.
func (a *app) identify(res *resource, r *record) {
	if field := a.rules.idField[res.name]; field != "" {
		r.fields[field] = r.id
		return
	}
	usual := a.rules.ids[0]
	if len(res.records) == 0 {
		r.fields[usual] = r.id
	}
	for _, t := range res.records {
		_, d := t.Resolve(t.is)
		other := false
		for _, name := range a.rules.ids[1:] {
			if fieldOf(d, name) != nil {
				r.fields[name], other = r.id, true
			}
		}
		if !other || fieldOf(d, usual) != nil {
			r.fields[usual] = r.id
		}
	}
}

// mirror shows a link in the field of the same name that the type declares.
func (a *app) mirror(res *resource, fields object, name, v string) {
	for _, t := range res.records {
		for _, f := range t.fields() {
			if fold(f.Name) == name && fields[f.Name] == nil {
				fields[f.Name] = v
			}
		}
	}
}

// inherit gives a record the account of the request, or else the sandbox's,
// where its type has a place for it.
func (a *app) inherit(res *resource, made *record, r *request) {
	field := a.rules.accountField
	if field == "" || made.fields[field] != nil {
		return
	}
	account := r.argFolded(fold(field))
	if account == "" && r.token != nil {
		account = r.token.account
	}
	if account == "" {
		account = a.account
	}
	a.mirror(res, made.fields, fold(field), account)
}

var createdNames = map[string]bool{"dateadded": true, "createdat": true, "created": true, "creationdate": true, "createddatetime": true}
var updatedNames = map[string]bool{"modifiedat": true, "dateupdated": true, "updatedat": true, "updated": true, "lastmodifieddatetime": true, "lastupdateddatetime": true}

// date writes the times of making and change where the type has them.
func (a *app) date(res *resource, fields object, at string, made bool) {
	written := map[string]bool{}
	for _, t := range res.records {
		for _, f := range t.fields() {
			name := fold(f.Name)
			fresh := made && fields[f.Name] == nil
			if !written[f.Name] && (updatedNames[name] && (fresh || !made) || createdNames[name] && fresh) {
				written[f.Name] = true
				fields[f.Name] = fitter{checker{t.Catalogue, false}, a.sandbox.now()}.fit(&f.Type, at, 0)
			}
		}
	}
}

// alter merges fields into a record; null takes a field away. It gives the
// changes that webhooks tell: those of fields with an event of their own, and
// one of the whole record for any other field.
func (a *app) alter(res *resource, r *record, fields object) []changed {
	var found []changed
	other := len(fields) == 0
	for _, name := range sorted(fields) {
		v := fields[name]
		if slices.Contains(a.rules.ids, name) {
			continue
		}
		same := string(encode(r.fields[name])) == string(encode(v))
		if v == nil {
			delete(r.fields, name)
		} else {
			r.fields[name] = clone(v)
		}
		if trigger := a.rules.fields[res.name+" "+name]; trigger == "" {
			other = true
		} else if !same && (v != false || !strings.HasSuffix(trigger, ".completed")) {
			found = append(found, changed{resource: res, record: r, trigger: trigger})
		}
	}
	if other {
		found = append(found, changed{resource: res, verb: "updated", record: r})
	}
	a.date(res, r.fields, stamp(a.sandbox.now()), false)
	a.settle(res, r)
	a.store.put(res.name, r)
	return found
}

// settle completes a record that is new or was changed.
func (a *app) settle(res *resource, r *record) {
	if fill := a.rules.fill[res.name]; fill != nil {
		fill(r.fields)
	}
	if a.rules.settle != nil {
		a.rules.settle(a, res, r)
	}
}

func (r *request) change() (result, *failure) {
	a, res := r.app, r.plan.resource
	id := ""
	if r.plan.id != "" {
		id = text(r.arg(r.plan.id))
	} else {
		id = a.rules.idOf(r.fields)
	}
	found := r.seek(id)
	if found != nil && r.foreign(found) {
		return result{}, a.notFound(res.noun, id)
	}
	if found == nil {
		if r.plan.verb == put {
			made := a.make(res, id, r.fields, r.links(), r)
			return result{record: made, made: true, changes: []changed{{resource: res, verb: "created", record: made}}}, nil
		}
		return result{}, a.notFound(res.noun, id)
	}
	return result{record: found, changes: a.alter(res, found, r.fields)}, nil
}

func (r *request) remove() (result, *failure) {
	found, failed := r.find()
	if failed != nil {
		return result{}, failed
	}
	res := r.plan.resource
	r.app.drop(res, found)
	return result{record: found, changes: []changed{{resource: res, verb: "deleted", record: found}}}, nil
}

// drop takes a record away, or leaves of it what the vendor's lists tell.
func (a *app) drop(res *resource, r *record) {
	if a.rules.leaves == nil || !a.rules.leaves(res, r) {
		a.store.remove(res.name, r)
		return
	}
	a.settle(res, r)
	a.store.put(res.name, r)
}

func (r *request) upsert() (result, *failure) {
	a, res := r.app, r.plan.resource
	found, _ := a.store.same(res.name, r.fields)
	if id := text(r.fields["id"]); found == nil && id != "" {
		if found = a.store.get(res.name, id); found == nil {
			return result{}, a.notFound(res.noun, id)
		}
	}
	if found != nil {
		return result{record: found, fields: object{"new": false}, changes: a.alter(res, found, r.fields)}, nil
	}
	made := a.make(res, "", r.fields, r.links(), r)
	return result{record: made, made: true, fields: object{"new": true},
		changes: []changed{{resource: res, verb: "created", record: made}}}, nil
}

// act changes the record above the last word of the path by the body and by
// what the word means.
func (r *request) act() (result, *failure) {
	a, p := r.app, r.plan
	found, failed := r.find()
	if failed != nil {
		if !p.resource.known {
			return result{}, nil
		}
		return result{}, failed
	}
	if p.verb == extend {
		return r.extend(found), nil
	}
	if p.op.Method == http.MethodDelete {
		return result{record: found}, nil
	}
	fields := object{}
	maps.Copy(fields, r.fields)
	maps.Copy(fields, a.rules.actions[p.word])
	changes := a.alter(p.resource, found, fields)
	if trigger := a.rules.triggers[p.resource.name+" "+p.word]; trigger != "" {
		changes = []changed{{resource: p.resource, record: found, trigger: trigger}}
	}
	return result{record: found, changes: changes}, nil
}

// extend adds values to the record's list that the path ends with, or takes
// them away: tags, followers.
func (r *request) extend(found *record) result {
	have, _ := found.fields[r.plan.word].([]any)
	have = slices.Clone(have)
	given, _ := r.fields[r.plan.word].([]any)
	touched := []any{}
	for _, v := range given {
		at := slices.IndexFunc(have, func(o any) bool { return strings.EqualFold(text(o), text(v)) })
		switch {
		case r.plan.op.Method == http.MethodDelete && at >= 0:
			have = slices.Delete(have, at, at+1)
			touched = append(touched, v)
		case r.plan.op.Method != http.MethodDelete && at < 0:
			have = append(have, v)
			touched = append(touched, v)
		}
	}
	changes := r.app.alter(r.plan.resource, found, object{r.plan.word: have})
	suffix := "Added"
	if r.plan.op.Method == http.MethodDelete {
		suffix = "Removed"
	}
	out := result{record: found, fields: object{r.plan.word: clone(have), r.plan.word + suffix: touched}}
	if len(touched) > 0 {
		out.changes = changes
	}
	return out
}

// createAll makes a record of each object in the body's list.
func (r *request) createAll() result {
	a, res := r.app, r.plan.resource
	all, _ := r.fields[r.plan.types.bulkField(r.plan.op)].([]any)
	out := result{listed: true}
	for _, v := range all {
		fields, _ := v.(object)
		made := a.make(res, "", fields, r.links(), r)
		out.page.items = append(out.page.items, made)
		out.changes = append(out.changes, changed{resource: res, verb: "created", record: made})
	}
	out.page.total, out.page.size = len(all), len(all)
	return out
}

// clear removes the record that query or body names, else all below the path.
func (r *request) clear() (result, *failure) {
	a, res := r.app, r.plan.resource
	id := text(r.arg("id"))
	if _, inPath := r.params["id"]; inPath {
		id = ""
	}
	var out result
	for _, rec := range a.store.all(res.name, r.links()) {
		if id == "" || rec.id == id {
			a.store.remove(res.name, rec)
			out.changes = append(out.changes, changed{resource: res, verb: "deleted", record: rec})
		}
	}
	if id != "" && len(out.changes) == 0 && res.known {
		return out, a.notFound(res.noun, id)
	}
	return out, nil
}

// single reads or changes a resource that has one record.
func (r *request) single() (result, *failure) {
	all := r.app.store.all(r.plan.resource.name, r.links())
	if len(all) == 0 {
		return result{}, nil
	}
	return result{record: all[0]}, nil
}

// count is a number as JSON has it.
func count(n int) json.Number { return number(int64(n)) }
