package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// EmitOptions define how an event is made by hand.
type EmitOptions struct {
	// Unstored leaves the records unchanged. Otherwise the data of a created or
	// updated event is stored as its record, and the record of a deleted event is
	// removed, so that a script finds what the event reports.
	Unstored bool
	// ID is the vendor's id of the webhook; empty: a new one. A vendor's repeat of
	// a webhook has the same id.
	ID string
	// Account replaces the sandbox's own.
	Account string
}

// Event is one event of an app and the body of its webhook.
type Event struct {
	App     *App
	Trigger *bindings.Trigger
	Body    Object
	Form    *bindings.WebhookForm // nil: JSON
	ID      string
	Account string
	At      time.Time
	// Links and fields are those of the record that changed; nil if the event was
	// made by hand.
	Links  map[string]string
	fields Object
}

// sendChange sends the webhook of a change, if the vendor has one. The app's lock
// is held.
func (a *App) sendChange(c Change) {
	if a.rules.Events != nil {
		a.sendAll(a.rules.Events(a, c))
		return
	}
	if !a.sandbox.webhooks.hasSubscribers(a.Def.Name) {
		return
	}
	t := a.triggerOf(c)
	if t == nil {
		return
	}
	fields := c.Fields
	if fields == nil {
		fields = c.Record.Fields
	}
	fields, _ = Clone(fields).(Object)
	for name, id := range c.Record.Links {
		a.setLinkField(&resource{records: []recordType{{types{a.Def.Catalogue, a.rules}, t.Data}}}, fields, name, id)
	}
	if f := a.wrapper(t); f != nil {
		fields = Object{f.Name: fields}
	}
	data, _ := fitter{a.checker(), a.sandbox.now()}.record(t.Data, fields).(Object)
	if _, d := a.Def.Catalogue.Resolve(t.Data); d != nil && !d.Open && t.Data != nil {
		for name := range data {
			if !declares(d, name) {
				delete(data, name)
			}
		}
	}
	e := a.event(t, data, EmitOptions{Account: a.accountOf(c.Record)})
	e.Links, e.fields = c.Record.Links, c.Record.Fields
	a.sandbox.webhooks.send(a, e)
}

// sendAll sends the events that an app's rules made of a change.
func (a *App) sendAll(webhooks []*Event) []*job {
	if !a.sandbox.webhooks.hasSubscribers(a.Def.Name) {
		return nil
	}
	var all []*job
	for _, e := range webhooks {
		e.App, e.ID, e.Account, e.At = a, UUID(a.Random), a.Account, a.sandbox.now()
		all = append(all, a.sandbox.webhooks.send(a, e)...)
	}
	return all
}

// accountOf returns the account of a record: its own, or that of a record above
// it; empty if neither names one.
func (a *App) accountOf(r *Record) string {
	if account := Text(r.Fields[a.rules.AccountField]); account != "" {
		return account
	}
	for _, name := range slices.Sorted(maps.Keys(r.Links)) {
		for _, resource := range slices.Sorted(maps.Keys(a.store.collections)) {
			above := a.store.get(resource, r.Links[name])
			if above != nil && above != r && a.model.resource(resource).noun+"id" == name {
				return a.accountOf(above)
			}
		}
	}
	return ""
}

// checker checks events against the types of the app's own catalogue, which has
// those of all editions.
func (a *App) checker() checker { return checker{a.Def.Catalogue, false} }

// wrapper is the field of an event's data that contains the whole record, for
// vendors that wrap it.
func (a *App) wrapper(t *bindings.Trigger) *bindings.Field {
	_, d := a.Def.Catalogue.Resolve(t.Data)
	if t.Data == nil || d == nil {
		return nil
	}
	for i := range d.Fields {
		f := &d.Fields[i]
		if resolved, _ := a.Def.Catalogue.Resolve(&f.Type); resolved.Kind == bindings.Object && Fold(f.Name) == nounOf(t) {
			return f
		}
	}
	return nil
}

func nounOf(t *bindings.Trigger) string { return Fold(bindings.TriggerName(t.Name).Noun()) }

func (a *App) triggerOf(c Change) *bindings.Trigger {
	name := c.Trigger
	if name == "" {
		named := false
		if name, named = a.rules.Triggers[c.Resource+" "+c.Verb]; named && name == "" {
			return nil
		}
	}
	if name == "" {
		name = a.model.resource(c.Resource).noun + "." + c.Verb
	}
	for _, candidate := range a.Def.Catalogue.Triggers() {
		if n := bindings.TriggerName(candidate); n.Local() == name || Fold(n.Noun())+"."+n.Verb() == name {
			t, _ := a.Def.Catalogue.Trigger(candidate)
			return t
		}
	}
	return nil
}

// event writes the body of a webhook as App.Webhook defines, completed by the
// app's rules.
func (a *App) event(t *bindings.Trigger, data Object, opts EmitOptions) *Event {
	w := a.Def.Webhook
	e := &Event{App: a, Trigger: t, ID: opts.ID, Account: opts.Account, At: a.sandbox.now()}
	if e.ID == "" {
		e.ID = UUID(a.Random)
	}
	if e.Account == "" {
		e.Account = a.Account
	}
	if e.Form = a.formOf(t); e.Form != nil {
		e.fillForm(data)
		return e
	}
	var body any = data
	if w.Data != "" {
		body = place(Object{}, w.Data, data)
	}
	if w.Type != "" && t.Vendor != "" {
		body = place(body, w.Type, t.Vendor)
	}
	if w.ID != "" {
		body = place(body, w.ID, e.ID)
	}
	for _, path := range []string{w.At, w.Time} {
		if path != "" {
			body = place(body, path, FormatTime(e.At))
		}
	}
	if len(a.Def.Account.Paths) > 0 && Lookup(body, a.Def.Account.Paths[0]) == nil {
		body = place(body, a.Def.Account.Paths[0], e.Account)
	}
	for _, path := range slices.Sorted(maps.Keys(t.When)) {
		if t.When[path] != "" {
			body = place(body, path, t.When[path])
		}
	}
	e.Body, _ = body.(Object)
	if a.rules.CompleteWebhook != nil {
		a.rules.CompleteWebhook(e)
	}
	return e
}

// Emit makes an event by hand and sends its webhook as the vendor would, as if the
// change had been made there. It returns when every subscriber has accepted it,
// or the error after the vendor's last attempt.
func (s *Sandbox) Emit(ctx context.Context, trigger string, data any, opts EmitOptions) error {
	name, _, _ := strings.Cut(trigger, ".")
	a := s.apps[name]
	if a == nil {
		return s.unknownApp(name)
	}
	t, found := a.Def.Catalogue.Trigger(trigger)
	if !found || a.Def.Webhook == nil {
		err := fmt.Errorf("app %q has no trigger %q", name, trigger)
		if near := bindings.Nearest(trigger, a.Def.Catalogue.Triggers()); near != "" {
			err = fmt.Errorf("%w; did you mean %q?", err, near)
		}
		return err
	}
	v, err := normal(data)
	if err != nil {
		return fmt.Errorf("emit %q: %w", trigger, err)
	}
	fields, isObject := v.(Object)
	if v == nil {
		fields, isObject = Object{}, true
	}
	if !isObject {
		return fmt.Errorf("emit %q: expected an object as data, found %.60s", trigger, Encode(v))
	}
	if !s.webhooks.hasSubscribers(name) {
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

func (a *App) emit(t *bindings.Trigger, fields Object, opts EmitOptions) []*job {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.Form != "" { // what a person did on a screen is no record
		data, _ := Clone(fields).(Object)
		return a.sandbox.webhooks.send(a, a.event(t, data, opts))
	}
	if a.rules.Events != nil {
		return a.sendAll(a.rules.Events(a, a.changeOf(t, fields)))
	}
	wrap := a.wrapper(t)
	data := fields
	if wrap != nil {
		if inner, ok := fields[wrap.Name].(Object); ok {
			data = inner
		}
	}
	if !opts.Unstored {
		data = a.storeData(t, data)
	}
	data, _ = Clone(data).(Object)
	if wrap != nil {
		data = Object{wrap.Name: data}
	}
	whole, _ := fitter{a.checker(), a.sandbox.now()}.record(t.Data, data).(Object)
	return a.sandbox.webhooks.send(a, a.event(t, whole, opts))
}

// changeOf returns the change that an event made by hand reports, for an app with
// Rules.Events, and applies it to the records.
func (a *App) changeOf(t *bindings.Trigger, data Object) Change {
	c := Change{Trigger: t.Name, Fields: data}
	res := a.resourceOf(t)
	if res == nil {
		return c
	}
	c.Resource = res.name
	id := a.rules.idOf(data)
	c.Record = a.store.get(res.name, id)
	switch verb := bindings.TriggerName(t.Name).Verb(); {
	case verb != "deleted" && verb != "removed":
		c.Record = a.seed(res.name, data)
	case c.Record != nil:
		a.delete(res, c.Record)
	}
	return c
}

// storeData applies an event made by hand to the records, and returns the whole
// record.
func (a *App) storeData(t *bindings.Trigger, data Object) Object {
	n := bindings.TriggerName(t.Name)
	res := a.resourceOf(t)
	if res == nil {
		return data
	}
	if n.Verb() == "deleted" {
		id := a.rules.idOf(data)
		if r := a.store.get(res.name, id); r != nil {
			a.delete(res, r)
			return r.Fields
		}
		return data
	}
	stored := a.seed(res.name, data)
	for key, trigger := range a.rules.FieldTriggers {
		// After "task.completed" the field is set.
		if field, found := strings.CutPrefix(key, res.name+" "); found && trigger == n.Local() && n.Verb() == field {
			stored.Fields[field] = true
		}
	}
	return stored.Fields
}

// resourceOf finds the resource that an event is about: if several have the noun,
// the one with the shortest name.
func (a *App) resourceOf(t *bindings.Trigger) *resource {
	short := bindings.TriggerName(t.Name).Local()
	for _, key := range slices.Sorted(maps.Keys(a.rules.Triggers)) {
		if a.rules.Triggers[key] == short {
			name, _, _ := strings.Cut(key, " ")
			return a.model.resource(name)
		}
	}
	noun := nounOf(t)
	var best *resource
	for _, name := range slices.Sorted(maps.Keys(a.model.resources)) {
		r := a.model.resources[name]
		if r.noun == noun && (best == nil || r.idsChecked && !best.idsChecked || r.idsChecked == best.idsChecked && len(r.name) < len(best.name)) {
			best = r
		}
	}
	return best
}
