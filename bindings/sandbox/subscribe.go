package sandbox

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// registrar says what an operation does to the webhooks that are registered,
// as the app's Subscriptions tell it.
type registrar struct {
	// opens are those that it may register, of which the arguments tell which.
	opens []*bindings.Subscription
	// changes and ends are those that it updates, renews or removes, with the
	// call that says where the arguments stand.
	changes []*bindings.Call
	ends    bool
}

// registrars finds what each operation does, by its name.
func registrars(app *bindings.App) map[string]*registrar {
	all := map[string]*registrar{}
	of := func(name string) *registrar {
		if all[name] == nil {
			all[name] = &registrar{}
		}
		return all[name]
	}
	for i := range app.Subscriptions {
		s := &app.Subscriptions[i]
		if s.Create.Operation == "" || app.Webhook == nil {
			continue
		}
		create := of(s.Create.Operation)
		create.opens = append(create.opens, s)
		for _, change := range []*bindings.Call{s.Update, s.Renew} {
			if change != nil {
				r := of(change.Operation)
				r.changes = append(r.changes, change)
			}
		}
		of(s.Remove.Operation).ends = true
	}
	return all
}

// registered does to the app's webhooks what an operation means for them, when
// it has done what its path tells. The app's lock is held.
func (r *Call) registered(res *Result) *Failure {
	reg := r.App.registrars[r.plan.op.Name]
	if reg == nil || res.Record == nil {
		return nil
	}
	switch {
	case reg.ends:
		r.App.sandbox.hooks.drop(r.App, res.Record.ID)
	case len(reg.opens) > 0:
		return r.open(reg, res)
	default:
		for _, call := range reg.changes {
			if failed := r.alterSubscription(call, res); failed != nil {
				return failed
			}
		}
	}
	return nil
}

// open has webhooks sent from now on, when the address has been confirmed.
func (r *Call) open(reg *registrar, res *Result) *Failure {
	a, hook := r.App, r.App.Def.Webhook
	undo := func(failed *Failure) *Failure {
		a.store.remove(r.plan.resource.name, res.Record)
		return failed
	}
	var sub *Subscription
	for _, def := range reg.opens {
		if items, fits := r.fits(def.Create.Args); fits {
			sub = &Subscription{App: a, Def: def, Items: items, Record: res.Record.ID, resource: r.plan.resource.name}
			break
		}
	}
	if sub == nil {
		return nil // of what it tells nobody knows here
	}
	failed := r.chosen(sub, res)
	if failed == nil {
		failed = r.terms(sub, sub.Def.Create.Args, res)
	}
	if failed != nil {
		return undo(failed)
	}
	if sub.url == "" {
		return nil
	}
	for _, path := range sub.Def.Keep {
		if Lookup(res.Record.Fields, path) == nil {
			res.Record.Fields, _ = place(res.Record.Fields, path, Letters(a.Random, 27, MixedAlphabet)).(Object)
		}
	}
	if hook.Confirm != nil {
		// The subscriber may ask us something before it answers.
		a.mu.Unlock()
		err := a.sandbox.hooks.confirm(sub, hook.Confirm)
		a.mu.Lock()
		if err != nil {
			return undo(a.unreadable("the address was not confirmed: " + err.Error()))
		}
	}
	if err := a.sandbox.hooks.subscribe(sub); err != nil {
		return undo(a.unreadable(err.Error()))
	}
	if nudges(hook) && len(hook.Ignore) > 0 {
		a.sandbox.hooks.tell(sub, &job{trigger: hook.Ignore[0], body: []byte{}, header: sub.nudge(hook.Ignore[0])})
	}
	return nil
}

// chosen gives a subscription the id that the subscriber chose for it.
func (r *Call) chosen(sub *Subscription, res *Result) *Failure {
	name, value := r.spot(sub.Def.Create.Args, "id")
	id, made := Text(value), res.Record
	if name == "" || id == "" || id == made.ID {
		return nil
	}
	store := r.App.store
	if store.get(sub.resource, id) != nil {
		return r.App.invalid([]Problem{{name, Wrong, "an id that is not taken"}})
	}
	store.remove(sub.resource, made)
	made.ID, sub.Record = id, id
	r.App.identify(r.plan.resource, made)
	store.put(sub.resource, made)
	return nil
}

// alterSubscription takes other terms for a subscription that is there.
func (r *Call) alterSubscription(call *bindings.Call, res *Result) *Failure {
	hooks := r.App.sandbox.hooks
	sub := hooks.of(r.App, res.Record.ID)
	if sub == nil {
		return nil
	}
	changed := *sub
	if failed := r.terms(&changed, call.Args, res); failed != nil {
		return failed
	}
	hooks.alter(sub, &changed)
	return nil
}

// terms reads address, types, secret and end where the arguments have them. A
// vendor that takes a secret makes one where none is given, and shows it in
// this answer only.
func (r *Call) terms(sub *Subscription, args map[string]any, res *Result) *Failure {
	if name, value := r.spot(args, "url"); name != "" && value != nil {
		address, err := url.Parse(Text(value))
		if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
			return r.App.invalid([]Problem{{name, Wrong, "an http or https address"}})
		}
		sub.url = address.String()
	}
	if _, value := r.spot(args, "types"); value != nil {
		sub.types = nil
		list, _ := value.([]any)
		for _, t := range list {
			sub.types = append(sub.types, Text(t))
		}
	}
	if _, value := r.spot(args, "types.text"); !Empty(value) {
		sub.types = strings.Split(Text(value), ",")
	}
	if name, value := r.spot(args, "secret"); name != "" {
		if sub.secret = Text(value); Empty(value) {
			sub.secret = Letters(r.App.Random, 32, MixedAlphabet)
		}
		delete(res.Record.Fields, name)
		res.Fields = Object{name: sub.secret}
	}
	for _, word := range []string{"expires", "expires.ms"} {
		if name, value := r.spot(args, word); name != "" && !Empty(value) {
			sub.Expires = endAt(Text(value))
			if sub.Expires.IsZero() {
				return r.App.invalid([]Problem{{name, Wrong, "a time"}})
			}
		}
	}
	return nil
}

// endAt reads a time as RFC 3339 or Unix milliseconds.
func endAt(text string) time.Time {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at
	}
	if ms, err := json.Number(text).Int64(); err == nil {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}

// spot finds the argument in whose place a word stands, and what this request
// says there; nil if it says nothing.
func (r *Call) spot(args map[string]any, word string) (name string, value any) {
	for _, name := range sorted(args) {
		if args[name] == "{"+word+"}" {
			return name, r.Arg(name)
		}
	}
	return "", nil
}

var itemWord = regexp.MustCompile(`\{of\.[^{}]*\}`)

// fits reports whether a request says what args say, and gives the values of
// the item that it is for.
func (r *Call) fits(args map[string]any) (items []string, fits bool) {
	for _, name := range sorted(args) {
		want, isText := args[name].(string)
		have := Text(r.Arg(name))
		switch {
		case !isText:
			continue
		case strings.Contains(want, "{of."):
			found := itemPattern(want).FindStringSubmatch(have)
			if found == nil {
				return nil, false
			}
			items = append(items, found[1:]...)
		case !strings.Contains(want, "{") && have != "" && have != want:
			return nil, false
		}
	}
	return items, true
}

// itemPattern finds the values of the item's words in a text.
func itemPattern(text string) *regexp.Regexp {
	pattern, at := "^", 0
	for _, found := range itemWord.FindAllStringIndex(text, -1) {
		pattern += regexp.QuoteMeta(text[at:found[0]]) + `([^/'()]+)`
		at = found[1]
	}
	return regexp.MustCompile(pattern + regexp.QuoteMeta(text[at:]) + "$")
}

// lapse ends the subscriptions whose time is over. The app's lock is held.
func (a *App) lapse(now time.Time) {
	for _, sub := range a.sandbox.hooks.lapsed(a, now) {
		a.end(sub)
	}
}

// end takes a subscription away with its record. The app's lock is held.
func (a *App) end(sub *Subscription) {
	if r := a.store.get(sub.resource, sub.Record); r != nil {
		a.store.remove(sub.resource, r)
	}
	a.sandbox.hooks.drop(a, sub.Record)
}

// takes reports whether a webhook goes to a subscription.
func (sub *Subscription) takes(e *Envelope) bool {
	if e.Trigger.Vendor == "" && !nudges(e.App.Def.Webhook) {
		return false // it is found by looking
	}
	if len(sub.types) > 0 && !slices.Contains(sub.types, e.Trigger.Vendor) {
		return false
	}
	if sub.Def == nil {
		return true
	}
	if !slices.ContainsFunc(sub.Def.Triggers, func(pattern string) bool { return names(pattern, e.Trigger.Name) }) {
		return false
	}
	if wants := sub.App.rules.Wants; wants != nil && !wants(sub, e) {
		return false
	}
	return !slices.ContainsFunc(sub.Items, func(item string) bool { return !e.tellsOf(item) })
}

// names reports whether a pattern, of which a part may be "*", names a trigger.
func names(pattern, trigger string) bool {
	return slices.EqualFunc(strings.Split(pattern, "."), strings.Split(trigger, "."), func(want, have string) bool { return want == "*" || want == have })
}

// tellsOf reports whether a change is one of an item: it hangs under it, or
// hangs under nothing and holds its id. Of what was made by hand nobody knows, so that it is.
func (e *Envelope) tellsOf(item string) bool {
	if e.Links == nil {
		return true
	}
	for _, id := range e.Links {
		if id == item {
			return true
		}
	}
	return len(e.Links) == 0 && holds(e.fields, item)
}

func holds(v any, id string) bool {
	switch v := v.(type) {
	case string:
		return v == id
	case Object:
		for _, inner := range v {
			if holds(inner, id) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(inner any) bool { return holds(inner, id) })
	}
	return false
}

// nudges reports whether webhooks only say that something changed.
func nudges(hook *bindings.Webhook) bool { return len(hook.Nudge) > 0 }

// addressed writes a webhook as one subscription gets it.
func (sub *Subscription) addressed(e *Envelope) *job {
	j := &job{trigger: e.Trigger.Name, id: e.ID, form: e.Form != nil, done: make(chan error, 1)}
	hook := sub.App.Def.Webhook
	switch {
	case j.form:
		j.body = e.written()
		return j
	case nudges(hook):
		word := "exists"
		if hook.Nudge[0] != "*" {
			word = hook.Nudge[0]
		}
		j.body, j.header = []byte{}, sub.nudge(word)
		return j
	}
	body, _ := Clone(e.Body).(Object)
	if hook.Proof != nil && hook.Proof.Path != "" {
		body, _ = place(body, hook.Proof.Path, sub.secret).(Object)
	}
	if sub.App.rules.CompleteDelivery != nil && sub.Def != nil {
		sub.App.rules.CompleteDelivery(sub, body)
	}
	j.header = sub.headers(body)
	var whole any = body
	if hook.Batch != "" {
		whole = place(Object{}, hook.Batch, []any{body})
	}
	j.body = Encode(whole)
	return j
}

// nudge is a message that is headers alone.
func (sub *Subscription) nudge(word string) http.Header {
	said := Object{sub.App.Def.Webhook.Type: word}
	if sub.App.rules.CompleteDelivery != nil && sub.Def != nil {
		sub.App.rules.CompleteDelivery(sub, said)
	}
	return sub.headers(said)
}

// headers are those that say something beside the body.
func (sub *Subscription) headers(said Object) http.Header {
	header, hook := http.Header{}, sub.App.Def.Webhook
	for name, as := range hook.Headers {
		if v := said[name]; v != nil {
			header.Set(as, Text(v))
		}
	}
	if hook.Proof != nil && hook.Proof.Header != "" {
		header.Set(hook.Proof.Header, sub.secret)
	}
	return header
}

// confirm checks an address as the vendor does before it sends there.
func (h *hooks) confirm(sub *Subscription, by *bindings.Confirm) error {
	ctx, cancel := context.WithTimeout(h.sandbox.ending, 10*time.Second)
	defer cancel()
	address, word := sub.url, crand.Text()
	if by.Query != "" {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		query := u.Query()
		query.Set(by.Query, word)
		u.RawQuery = query.Encode()
		address = u.String()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(nil))
	if err != nil {
		return err
	}
	if by.Header != "" {
		r.Header.Set(by.Header, word)
	}
	answer, err := h.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch {
	case err != nil:
		return err
	case NotAccepted(answer.StatusCode):
		return fmt.Errorf("it answered %d", answer.StatusCode)
	case by.Query != "" && (string(said) != word || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain")):
		return fmt.Errorf("it did not send %s back as text", by.Query)
	case by.Header != "" && answer.Header.Get(by.Header) != word:
		return fmt.Errorf("it did not send the header %s back", by.Header)
	}
	if by.Header != "" {
		sub.secret = word
	}
	return nil
}

// tell hands one subscription a webhook of its own.
func (h *hooks) tell(sub *Subscription, j *job) {
	h.mu.Lock()
	defer h.mu.Unlock()
	j.done = make(chan error, 1)
	h.enqueue(sub, j)
}

// of finds the subscription that an operation made with a record.
func (h *hooks) of(a *App, record string) *Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, sub := range h.subscriptions {
		if sub.App == a && sub.Record == record {
			return sub
		}
	}
	return nil
}

// alter gives a subscription the terms of another.
func (h *hooks) alter(sub, terms *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	sub.url, sub.secret, sub.types, sub.Expires = terms.url, terms.secret, terms.types, terms.Expires
}

// lapsed are the subscriptions of an app whose time is over.
func (h *hooks) lapsed(a *App, now time.Time) (over []*Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, sub := range h.subscriptions {
		if sub.App == a && !sub.Expires.IsZero() && !now.Before(sub.Expires) {
			over = append(over, sub)
		}
	}
	return over
}
