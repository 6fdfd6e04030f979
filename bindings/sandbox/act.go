package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// Result is the result of an operation, before it is written as an answer.
type Result struct {
	Record *Record
	made   bool // set by an upsert or put that created the record
	Listed bool
	Page   Page
	// Fields are added to the answer unchanged, in place of fields of the same
	// names.
	Fields Object
	// Changes are sent as webhooks.
	Changes []Change
}

// Change is one change of a record.
type Change struct {
	Resource string
	Verb     string // created, updated, deleted, or another past tense
	Record   *Record
	Fields   Object // the record as it was then
	Trigger  string // instead of the one of resource and verb
}

// perform executes the plan of the operation. The app's lock is held.
func (r *Call) perform() (Result, *Failure) {
	p := r.plan
	if res, failed, is := r.consentState(); is {
		return res, failed
	}
	if failed := r.checkAccount(); failed != nil {
		return Result{}, failed
	}
	if failed := r.checkLinks(); failed != nil {
		return Result{}, failed
	}
	if failed := r.checkConsent(); failed != nil {
		return Result{}, failed
	}
	if check := r.rules.Check; check != nil {
		if failed := check(r); failed != nil {
			return Result{}, failed
		}
	}
	if failed := r.required(); failed != nil {
		return Result{}, failed
	}
	if p.rule != nil && p.rule.Do != nil {
		return p.rule.Do(r)
	}
	return r.Do(p.verb)
}

// required refuses a request without what Rule.Requires names.
func (r *Call) required() *Failure {
	if r.plan.rule == nil {
		return nil
	}
	for _, need := range r.plan.rule.Requires {
		if !slices.ContainsFunc(need.OneOf, func(path string) bool { return !Empty(Lookup(r.Fields, path)) }) {
			return &Failure{Status: r.rules.InvalidStatus, Kind: bindings.Invalid, Code: need.Code, Message: need.Message}
		}
	}
	return nil
}

// Do applies a verb to the records that the request names.
func (r *Call) Do(v Verb) (Result, *Failure) {
	switch v {
	case Create:
		return r.create()
	case Read:
		found, failed := r.Find()
		return Result{Record: found}, failed
	case List:
		return r.list()
	case Update, Put:
		return r.change()
	case Remove:
		return r.remove()
	case Upsert:
		return r.upsert()
	case Act, Extend:
		return r.act()
	case Single:
		return r.single()
	case CreateAll:
		return r.createAll(), nil
	case ClearAll:
		return r.clear()
	}
	return Result{}, nil
}

// checkLinks refuses a path below a record that does not exist.
func (r *Call) checkLinks() *Failure {
	for _, l := range r.plan.links {
		if l.parent == nil || !l.parent.idsChecked {
			continue
		}
		id := r.Params[l.param]
		if parent := r.App.store.get(l.parent.name, id); parent == nil || r.isForeign(parent) {
			return r.App.NotFound(l.parent.noun, id)
		}
	}
	return nil
}

// Links are the ids in the path above the record, by folded parameter.
func (r *Call) Links() map[string]string {
	links := map[string]string{}
	for _, l := range r.plan.links {
		links[l.name] = r.Params[l.param]
	}
	return links
}

// Find returns the record that the request names.
func (r *Call) Find() (*Record, *Failure) {
	id := Text(r.Arg(r.plan.id))
	if found := r.ByID(id); found != nil && !r.isForeign(found) {
		return found, nil
	}
	return nil, r.notFound(id)
}

// notFound refuses a request for a record that does not exist.
func (r *Call) notFound(id string) *Failure {
	failed := r.App.NotFound(r.plan.resource.noun, id)
	if r.plan.rule != nil && r.plan.rule.NotFoundCode != "" {
		failed.Code = r.plan.rule.NotFoundCode
	}
	return failed
}

// ByID returns the record with an id below the records that the path names.
// Some apps' ids are unique only there.
func (r *Call) ByID(id string) *Record {
	found, links := r.App.store.get(r.plan.resource.name, id), r.Links()
	if found != nil && found.under(links) {
		return found
	}
	for _, rec := range r.App.store.all(r.plan.resource.name, links) {
		if len(links) > 0 && r.App.rules.idOf(rec.Fields) == id {
			return rec
		}
	}
	return nil
}

func (r *Call) create() (Result, *Failure) {
	a, res := r.App, r.plan.resource
	r.addSet()
	u := a.rules.Unique[res.name]
	if same, field := a.store.duplicate(res.name, r.Fields); same != nil && u.ConflictStatus != 0 {
		return Result{}, &Failure{Status: u.ConflictStatus, Kind: bindings.Conflict, Message: u.Message,
			Extra: Object{"meta": Object{res.noun + "Id": same.ID, "matchingField": field}}}
	}
	return r.Created(a.newRecord(res, "", r.Fields, r.Links(), r)), nil
}

// newRecord stores a new record. With an empty id it creates one.
func (a *App) newRecord(res *resource, id string, fields Object, links map[string]string, r *Call) *Record {
	now := a.sandbox.now()
	made := &Record{ID: id, Fields: Object{}, Links: map[string]string{}, At: a.store.uniqueTime(now)}
	if fromTime := a.rules.TimeID[res.name]; id == "" && fromTime != nil {
		made.ID = fromTime(made.At)
	} else if id == "" {
		made.ID = a.rules.NewID(a.Random, res.name)
	}
	for name, v := range fields {
		if v != nil {
			made.Fields[name] = Clone(v)
		}
	}
	a.setID(res, made)
	a.setTimes(res, made.Fields, FormatTime(now), true)
	for name, v := range links {
		made.Links[name] = v
		a.setLinkField(res, made.Fields, name, v)
	}
	if r != nil {
		a.setAccount(res, made, r)
	}
	a.completeRecord(res, made)
	a.store.put(res.name, made)
	return made
}

// setID writes the id to the fields that the record's type has for it.
func (a *App) setID(res *resource, r *Record) {
	if field := a.rules.IDField[res.name]; field != "" {
		r.Fields[field] = r.ID
		return
	}
	usual := a.rules.IDs[0]
	if len(res.records) == 0 {
		r.Fields[usual] = r.ID
	}
	for _, t := range res.records {
		_, d := t.Resolve(t.is)
		other := false
		for _, name := range a.rules.IDs[1:] {
			if fieldOf(d, name) != nil {
				r.Fields[name], other = r.ID, true
			}
		}
		if !other || fieldOf(d, usual) != nil {
			r.Fields[usual] = r.ID
		}
	}
}

// setLinkField writes a link to the field of the same name, if the type declares
// one and it is empty.
func (a *App) setLinkField(res *resource, fields Object, name, v string) {
	for _, t := range res.records {
		for _, f := range t.fields() {
			if Fold(f.Name) == name && fields[f.Name] == nil {
				fields[f.Name] = v
			}
		}
	}
}

// setAccount sets the account of a record to that of the request, else to the
// sandbox's, if its type has a field for it.
func (a *App) setAccount(res *resource, made *Record, r *Call) {
	field := a.rules.AccountField
	if field == "" || made.Fields[field] != nil {
		return
	}
	account := r.argFolded(Fold(field))
	if account == "" && r.token != nil {
		account = r.token.Account
	}
	if account == "" {
		account = a.Account
	}
	a.setLinkField(res, made.Fields, Fold(field), account)
}

var createdNames = map[string]bool{"dateadded": true, "createdat": true, "created": true, "creationdate": true, "createddatetime": true}
var updatedNames = map[string]bool{"modifiedat": true, "dateupdated": true, "updatedat": true, "updated": true, "lastmodifieddatetime": true, "lastupdateddatetime": true}

// setTimes writes the times of creation and change to the fields that the type
// has for them.
func (a *App) setTimes(res *resource, fields Object, at string, made bool) {
	written := map[string]bool{}
	for _, t := range res.records {
		for _, f := range t.fields() {
			name := Fold(f.Name)
			unset := made && fields[f.Name] == nil
			if !written[f.Name] && (updatedNames[name] && (unset || !made) || createdNames[name] && unset) {
				written[f.Name] = true
				fields[f.Name] = fitter{checker{t.Catalogue, false}, a.sandbox.now()}.fit(&f.Type, at, 0)
			}
		}
	}
}

// update merges fields into a record; null removes a field. It returns the
// changes to send as webhooks: one for each field that has an event of its own,
// and one of the whole record for all other fields.
func (a *App) update(res *resource, r *Record, fields Object) []Change {
	var found []Change
	other := len(fields) == 0
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		v := fields[name]
		if slices.Contains(a.rules.IDs, name) {
			continue
		}
		same := string(Encode(r.Fields[name])) == string(Encode(v))
		if v == nil {
			delete(r.Fields, name)
		} else {
			r.Fields[name] = Clone(v)
		}
		if trigger := a.rules.FieldTriggers[res.name+" "+name]; trigger == "" {
			other = true
		} else if !same && (v != false || !strings.HasSuffix(trigger, ".completed")) {
			found = append(found, Change{Resource: res.name, Record: r, Trigger: trigger})
		}
	}
	if other {
		found = append(found, Change{Resource: res.name, Verb: "updated", Record: r})
	}
	a.setTimes(res, r.Fields, FormatTime(a.sandbox.now()), false)
	a.completeRecord(res, r)
	a.store.put(res.name, r)
	return found
}

// completeRecord completes a record that is new or was changed.
func (a *App) completeRecord(res *resource, r *Record) {
	SetDefaults(r.Fields, a.rules.Defaults[res.name])
	if fill := a.rules.Fill[res.name]; fill != nil {
		fill(r.Fields)
	}
	if a.rules.Complete != nil {
		a.rules.Complete(a, res.name, r)
	}
}

func (r *Call) change() (Result, *Failure) {
	a, res := r.App, r.plan.resource
	r.addSet()
	id := ""
	if r.plan.id != "" {
		id = Text(r.Arg(r.plan.id))
	} else {
		id = a.rules.idOf(r.Fields)
	}
	found := r.ByID(id)
	if found != nil && r.isForeign(found) {
		return Result{}, a.NotFound(res.noun, id)
	}
	if found == nil {
		if r.plan.verb == Put {
			made := a.newRecord(res, id, r.Fields, r.Links(), r)
			return Result{Record: made, made: true, Changes: []Change{{Resource: res.name, Verb: "created", Record: made}}}, nil
		}
		return Result{}, a.NotFound(res.noun, id)
	}
	return Result{Record: found, Changes: a.update(res, found, r.Fields)}, nil
}

func (r *Call) remove() (Result, *Failure) {
	found, failed := r.Find()
	if failed != nil {
		return Result{}, failed
	}
	res := r.plan.resource
	r.App.delete(res, found)
	return Result{Record: found, Changes: []Change{{Resource: res.name, Verb: "deleted", Record: found}}}, nil
}

// delete removes a record, unless the vendor's lists still have deleted ones.
func (a *App) delete(res *resource, r *Record) {
	if a.rules.SoftDelete == nil || !a.rules.SoftDelete(res.name, r) {
		a.store.remove(res.name, r)
		return
	}
	a.completeRecord(res, r)
	a.store.put(res.name, r)
}

func (r *Call) upsert() (Result, *Failure) {
	a, res := r.App, r.plan.resource
	found, _ := a.store.duplicate(res.name, r.Fields)
	if id := Text(r.Fields["id"]); found == nil && id != "" {
		if found = a.store.get(res.name, id); found == nil {
			return Result{}, a.NotFound(res.noun, id)
		}
	}
	if found != nil {
		return Result{Record: found, Fields: Object{"new": false}, Changes: a.update(res, found, r.Fields)}, nil
	}
	made := a.newRecord(res, "", r.Fields, r.Links(), r)
	return Result{Record: made, made: true, Fields: Object{"new": true},
		Changes: []Change{{Resource: res.name, Verb: "created", Record: made}}}, nil
}

// act changes the record above the last word of the path, by the body and by
// Rules.Actions of that word.
func (r *Call) act() (Result, *Failure) {
	a, p := r.App, r.plan
	found, failed := r.Find()
	if failed != nil {
		if !p.resource.idsChecked {
			return Result{}, nil
		}
		return Result{}, failed
	}
	if p.verb == Extend {
		return r.extend(found), nil
	}
	if p.op.Method == http.MethodDelete {
		return Result{Record: found}, nil
	}
	r.addSet()
	fields := Object{}
	maps.Copy(fields, r.Fields)
	maps.Copy(fields, a.rules.Actions[p.word])
	changes := a.update(p.resource, found, fields)
	if trigger := a.rules.Triggers[p.resource.name+" "+p.word]; trigger != "" {
		changes = []Change{{Resource: p.resource.name, Record: found, Trigger: trigger}}
	}
	return Result{Record: found, Changes: changes}, nil
}

// extend adds values to the record's list that the path ends with, or removes
// them: tags, followers.
func (r *Call) extend(found *Record) Result {
	have, _ := found.Fields[r.plan.word].([]any)
	have = slices.Clone(have)
	given, _ := r.Fields[r.plan.word].([]any)
	touched := []any{}
	for _, v := range given {
		at := slices.IndexFunc(have, func(o any) bool { return strings.EqualFold(Text(o), Text(v)) })
		switch {
		case r.plan.op.Method == http.MethodDelete && at >= 0:
			have = slices.Delete(have, at, at+1)
			touched = append(touched, v)
		case r.plan.op.Method != http.MethodDelete && at < 0:
			have = append(have, v)
			touched = append(touched, v)
		}
	}
	changes := r.App.update(r.plan.resource, found, Object{r.plan.word: have})
	suffix := "Added"
	if r.plan.op.Method == http.MethodDelete {
		suffix = "Removed"
	}
	out := Result{Record: found, Fields: Object{r.plan.word: Clone(have), r.plan.word + suffix: touched}}
	if len(touched) > 0 {
		out.Changes = changes
	}
	return out
}

// createAll creates a record for each object in the body's list.
func (r *Call) createAll() Result {
	a, res := r.App, r.plan.resource
	all, _ := r.Fields[r.plan.types.bulkField(r.plan.op)].([]any)
	out := Result{Listed: true}
	for _, v := range all {
		fields, _ := v.(Object)
		made := a.newRecord(res, "", fields, r.Links(), r)
		out.Page.Items = append(out.Page.Items, made)
		out.Changes = append(out.Changes, Change{Resource: res.name, Verb: "created", Record: made})
	}
	out.Page.Total, out.Page.Size = len(all), len(all)
	return out
}

// clear removes the record that query or body names, else all below the path.
func (r *Call) clear() (Result, *Failure) {
	a, res := r.App, r.plan.resource
	id := Text(r.Arg("id"))
	if _, inPath := r.Params["id"]; inPath {
		id = ""
	}
	var out Result
	for _, rec := range a.store.all(res.name, r.Links()) {
		if id == "" || rec.ID == id {
			a.store.remove(res.name, rec)
			out.Changes = append(out.Changes, Change{Resource: res.name, Verb: "deleted", Record: rec})
		}
	}
	if id != "" && len(out.Changes) == 0 && res.idsChecked {
		return out, a.NotFound(res.noun, id)
	}
	return out, nil
}

// single reads or changes a resource that has one record.
func (r *Call) single() (Result, *Failure) {
	all := r.App.store.all(r.plan.resource.name, r.Links())
	if len(all) == 0 {
		return Result{}, nil
	}
	return Result{Record: all[0]}, nil
}

// Count is a number as JSON has it.
func Count(n int) json.Number { return Number(int64(n)) }
