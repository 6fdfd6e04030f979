package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// EmitOptions says how an event is made by hand.
type EmitOptions struct {
	// Unstored leaves the records alone; else data of a created or updated
	// event is stored as the record it is about, and a deleted one removed, so
	// that a script finds what it is told of.
	Unstored bool
	// ID is the vendor's id of the webhook; empty: a new one. The same id again
	// is what a vendor's repeat looks like.
	ID string
	// Account replaces the sandbox's own.
	Account string
}

// envelope is a webhook's body on its way to be written.
type envelope struct {
	app     *app
	trigger *bindings.Trigger
	body    object
	form    *bindings.WebhookForm // nil: JSON
	id      string
	account string
	at      time.Time
	// links and fields are those of the record that changed; no links where the
	// event was made by hand.
	links  map[string]string
	fields object
}

// announce sends the webhook of a change, where the vendor has one. The app's
// lock is held.
func (a *app) announce(c changed) {
	if a.rules.announce != nil {
		a.rules.announce(a, c)
		return
	}
	if !a.sandbox.hooks.wanted(a.def.Name) {
		return
	}
	t := a.triggerOf(c)
	if t == nil {
		return
	}
	fields := c.fields
	if fields == nil {
		fields = c.record.fields
	}
	fields, _ = clone(fields).(object)
	for name, id := range c.record.links {
		a.mirror(&resource{records: []recordType{{types{a.def.Catalogue, a.rules}, t.Data}}}, fields, name, id)
	}
	if f := a.wrapper(t); f != nil {
		fields = object{f.Name: fields}
	}
	data, _ := fitter{a.checker(), a.sandbox.now()}.record(t.Data, fields).(object)
	if _, d := a.def.Catalogue.Resolve(t.Data); d != nil && !d.Open && t.Data != nil {
		for name := range data {
			if !declares(d, name) {
				delete(data, name)
			}
		}
	}
	e := a.envelope(t, data, EmitOptions{Account: a.accountOf(c.record)})
	e.links, e.fields = c.record.links, c.record.fields
	a.sandbox.hooks.send(a, e)
}

// accountOf gives the account of a record: its own, or that of a record it
// hangs under; empty where neither names one.
func (a *app) accountOf(r *record) string {
	if account := text(r.fields[a.rules.accountField]); account != "" {
		return account
	}
	for _, name := range sorted(r.links) {
		for _, resource := range sorted(a.store.collections) {
			above := a.store.get(resource, r.links[name])
			if above != nil && above != r && a.model.resource(resource).noun+"id" == name {
				return a.accountOf(above)
			}
		}
	}
	return ""
}

// checker holds events against the types of the app's own catalogue, which has
// those of all editions.
func (a *app) checker() checker { return checker{a.def.Catalogue, false} }

// wrapper is the field of an event's data that holds the whole record, for
// vendors that wrap it.
func (a *app) wrapper(t *bindings.Trigger) *bindings.Field {
	_, d := a.def.Catalogue.Resolve(t.Data)
	if t.Data == nil || d == nil {
		return nil
	}
	for i := range d.Fields {
		f := &d.Fields[i]
		if resolved, _ := a.def.Catalogue.Resolve(&f.Type); resolved.Kind == bindings.Object && fold(f.Name) == nounOf(t.Name) {
			return f
		}
	}
	return nil
}

func nounOf(trigger string) string {
	_, rest, _ := strings.Cut(trigger, ".")
	noun, _, _ := strings.Cut(rest, ".")
	return fold(noun)
}

func (a *app) triggerOf(c changed) *bindings.Trigger {
	name := c.trigger
	if name == "" {
		named := false
		if name, named = a.rules.triggers[c.resource.name+" "+c.verb]; named && name == "" {
			return nil
		}
	}
	if name == "" {
		name = c.resource.noun + "." + c.verb
	}
	for _, candidate := range a.def.Catalogue.Triggers() {
		short := strings.TrimPrefix(candidate, a.def.Name+".")
		if noun, verb, _ := strings.Cut(short, "."); short == name || fold(noun)+"."+verb == name {
			t, _ := a.def.Catalogue.Trigger(candidate)
			return t
		}
	}
	return nil
}

// envelope writes the body of a webhook as App.Webhook says, completed by the
// app's table.
func (a *app) envelope(t *bindings.Trigger, data object, opts EmitOptions) *envelope {
	w := a.def.Webhook
	e := &envelope{app: a, trigger: t, id: opts.ID, account: opts.Account, at: a.sandbox.now()}
	if e.id == "" {
		e.id = uuid(a.random)
	}
	if e.account == "" {
		e.account = a.account
	}
	if e.form = a.formOf(t); e.form != nil {
		e.fillForm(data)
		return e
	}
	var body any = data
	if w.Data != "" {
		body = place(object{}, w.Data, data)
	}
	if w.Type != "" && t.Vendor != "" {
		body = place(body, w.Type, t.Vendor)
	}
	if w.ID != "" {
		body = place(body, w.ID, e.id)
	}
	for _, path := range []string{w.At, w.Time} {
		if path != "" {
			body = place(body, path, stamp(e.at))
		}
	}
	if len(a.def.Account.Paths) > 0 && lookup(body, a.def.Account.Paths[0]) == nil {
		body = place(body, a.def.Account.Paths[0], e.account)
	}
	for _, path := range sorted(t.When) {
		if t.When[path] != "" {
			body = place(body, path, t.When[path])
		}
	}
	e.body, _ = body.(object)
	if a.rules.envelope != nil {
		a.rules.envelope(e)
	}
	return e
}

// Emit makes a webhook by hand and sends it as the vendor would, as if the
// change had been made there. It returns when every subscriber has taken it,
// or with what went wrong when the vendor would send no more.
func (s *Sandbox) Emit(ctx context.Context, trigger string, data any, opts EmitOptions) error {
	name, _, _ := strings.Cut(trigger, ".")
	a := s.apps[name]
	if a == nil {
		return s.unknownApp(name)
	}
	t, found := a.def.Catalogue.Trigger(trigger)
	if !found || a.def.Webhook == nil {
		err := fmt.Errorf("app %q has no trigger %q", name, trigger)
		if near := bindings.Nearest(trigger, a.def.Catalogue.Triggers()); near != "" {
			err = fmt.Errorf("%w; did you mean %q?", err, near)
		}
		return err
	}
	v, err := normal(data)
	if err != nil {
		return fmt.Errorf("emit %q: %w", trigger, err)
	}
	fields, isObject := v.(object)
	if v == nil {
		fields, isObject = object{}, true
	}
	if !isObject {
		return fmt.Errorf("emit %q: expected an object as data, found %.60s", trigger, encode(v))
	}
	if !s.hooks.wanted(name) {
		return fmt.Errorf("emit %q: nobody has subscribed to %q", trigger, name)
	}
	deliveries := a.emit(t, fields, opts)
	if len(deliveries) == 0 {
		return fmt.Errorf("emit %q: no subscriber takes events of this type", trigger)
	}
	var failed []error
	for _, d := range deliveries {
		select {
		case err := <-d.done:
			failed = append(failed, err)
		case <-ctx.Done():
			return fmt.Errorf("emit %q: %w", trigger, ctx.Err())
		case <-s.ending.Done():
			return fmt.Errorf("emit %q: the sandbox has ended", trigger)
		}
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("emit %q: %w", trigger, err)
	}
	return nil
}

func (a *app) emit(t *bindings.Trigger, fields object, opts EmitOptions) []*job {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.Form != "" { // what somebody did on a screen is no record
		data, _ := clone(fields).(object)
		return a.sandbox.hooks.send(a, a.envelope(t, data, opts))
	}
	if a.rules.announce != nil {
		return a.rules.announce(a, a.happening(t, fields))
	}
	wrap := a.wrapper(t)
	data := fields
	if wrap != nil {
		if inner, ok := fields[wrap.Name].(object); ok {
			data = inner
		}
	}
	if !opts.Unstored {
		data = a.happened(t, data)
	}
	data, _ = clone(data).(object)
	if wrap != nil {
		data = object{wrap.Name: data}
	}
	whole, _ := fitter{a.checker(), a.sandbox.now()}.record(t.Data, data).(object)
	return a.sandbox.hooks.send(a, a.envelope(t, whole, opts))
}

// happening is the change that an event made by hand tells of, for a vendor
// with a way of its own to tell.
func (a *app) happening(t *bindings.Trigger, data object) changed {
	c := changed{resource: a.resourceOf(t), trigger: t.Name, fields: data}
	if c.resource == nil {
		return c
	}
	id := a.rules.idOf(data)
	c.record = a.store.get(c.resource.name, id)
	switch {
	case !strings.HasSuffix(t.Name, ".deleted") && !strings.HasSuffix(t.Name, ".removed"):
		c.record = a.seed(c.resource.name, data)
	case c.record != nil:
		a.drop(c.resource, c.record)
	}
	return c
}

// happened brings the store to where the event says it is, and gives the whole
// record.
func (a *app) happened(t *bindings.Trigger, data object) object {
	short := strings.TrimPrefix(t.Name, a.def.Name+".")
	_, verb, _ := strings.Cut(short, ".")
	res := a.resourceOf(t)
	if res == nil {
		return data
	}
	if verb == "deleted" {
		id := a.rules.idOf(data)
		if r := a.store.get(res.name, id); r != nil {
			a.drop(res, r)
			return r.fields
		}
		return data
	}
	stored := a.seed(res.name, data)
	for key, trigger := range a.rules.fields {
		// "task.completed" says that the field is set now.
		if field, found := strings.CutPrefix(key, res.name+" "); found && trigger == short && verb == field {
			stored.fields[field] = true
		}
	}
	return stored.fields
}

// resourceOf finds the resource that an event is about, the one with the
// shortest name where several have the noun.
func (a *app) resourceOf(t *bindings.Trigger) *resource {
	short := strings.TrimPrefix(t.Name, a.def.Name+".")
	for _, key := range sorted(a.rules.triggers) {
		if a.rules.triggers[key] == short {
			name, _, _ := strings.Cut(key, " ")
			return a.model.resource(name)
		}
	}
	noun := nounOf(t.Name)
	var best *resource
	for _, name := range sorted(a.model.resources) {
		r := a.model.resources[name]
		if r.noun == noun && (best == nil || r.known && !best.known || r.known == best.known && len(r.name) < len(best.name)) {
			best = r
		}
	}
	return best
}
