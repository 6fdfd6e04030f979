package sandbox

import (
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// slackDerived is what a method means that no table names: a list shows the
// records of its family, and everything else is checked and answered.
func slackDerived(m *model, op *bindings.Operation) *rule {
	if op.Pages == nil {
		return &rule{verb: none}
	}
	name := strings.TrimPrefix(op.Path, "/")
	return slackList(m, op, strings.ReplaceAll(name[:strings.LastIndexByte(name, '.')], ".", "/"))
}

// slackList lists a resource as the answer shows it: as records, as their ids,
// or as an object of them.
func slackList(m *model, op *bindings.Operation, resource string) *rule {
	if op.Pages.Keyed {
		return &rule{resource: resource, do: slackKeyed}
	}
	if _, item := m.types(op).listPath(op, ""); item != nil && item.Kind == bindings.String {
		return &rule{resource: resource, do: slackIDs}
	}
	return &rule{resource: resource, verb: list}
}

// slackIDs lists the ids of the records that fit.
func slackIDs(r *request) (result, *failure) {
	p := r.cut(r.filter(r.app.store.all(r.plan.resource.name, nil)))
	ids := []any{}
	for _, rec := range p.items {
		ids = append(ids, rec.id)
	}
	return result{fields: r.turned(place(object{}, r.plan.op.Pages.Items, ids), p)}, nil
}

// slackKeyed lists records as an object, by the name that each is known by.
func slackKeyed(r *request) (result, *failure) {
	p := r.cut(r.filter(r.app.store.all(r.plan.resource.name, nil)))
	all := object{}
	for _, rec := range p.items {
		shown, _ := clone(rec.fields).(object)
		delete(shown, "id")
		all[rec.id] = shown
	}
	return result{fields: r.turned(place(object{}, r.plan.op.Pages.Items, all), p)}, nil
}

// turned adds what the answer says of the page.
func (r *request) turned(out any, p page) object {
	shown, _ := r.meta(out, p).(object)
	return shown
}
