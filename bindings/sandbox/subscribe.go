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
func (r *request) registered(res *result) *failure {
	reg := r.app.registrars[r.plan.op.Name]
	if reg == nil || res.record == nil {
		return nil
	}
	switch {
	case reg.ends:
		r.app.sandbox.hooks.drop(r.app, res.record.id)
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
func (r *request) open(reg *registrar, res *result) *failure {
	a, hook := r.app, r.app.def.Webhook
	undo := func(failed *failure) *failure {
		a.store.remove(r.plan.resource.name, res.record)
		return failed
	}
	var sub *subscription
	for _, def := range reg.opens {
		if items, fits := r.fits(def.Create.Args); fits {
			sub = &subscription{app: a, def: def, items: items, record: res.record.id, resource: r.plan.resource.name}
			break
		}
	}
	if sub == nil {
		return nil // of what it tells nobody knows here
	}
	failed := r.chosen(sub, res)
	if failed == nil {
		failed = r.terms(sub, sub.def.Create.Args, res)
	}
	if failed != nil {
		return undo(failed)
	}
	if sub.url == "" {
		return nil
	}
	for _, path := range sub.def.Keep {
		if lookup(res.record.fields, path) == nil {
			res.record.fields, _ = place(res.record.fields, path, letters(a.random, 27, mixedAlphabet)).(object)
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
func (r *request) chosen(sub *subscription, res *result) *failure {
	name, value := r.spot(sub.def.Create.Args, "id")
	id, made := text(value), res.record
	if name == "" || id == "" || id == made.id {
		return nil
	}
	store := r.app.store
	if store.get(sub.resource, id) != nil {
		return r.app.invalid([]problem{{name, wrong, "an id that is not taken"}})
	}
	store.remove(sub.resource, made)
	made.id, sub.record = id, id
	r.app.identify(r.plan.resource, made)
	store.put(sub.resource, made)
	return nil
}

// alterSubscription takes other terms for a subscription that is there.
func (r *request) alterSubscription(call *bindings.Call, res *result) *failure {
	hooks := r.app.sandbox.hooks
	sub := hooks.of(r.app, res.record.id)
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
func (r *request) terms(sub *subscription, args map[string]any, res *result) *failure {
	if name, value := r.spot(args, "url"); name != "" && value != nil {
		address, err := url.Parse(text(value))
		if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
			return r.app.invalid([]problem{{name, wrong, "an http or https address"}})
		}
		sub.url = address.String()
	}
	if _, value := r.spot(args, "types"); value != nil {
		sub.types = nil
		list, _ := value.([]any)
		for _, t := range list {
			sub.types = append(sub.types, text(t))
		}
	}
	if _, value := r.spot(args, "types.text"); !empty(value) {
		sub.types = strings.Split(text(value), ",")
	}
	if name, value := r.spot(args, "secret"); name != "" {
		if sub.secret = text(value); empty(value) {
			sub.secret = letters(r.app.random, 32, mixedAlphabet)
		}
		delete(res.record.fields, name)
		res.fields = object{name: sub.secret}
	}
	for _, word := range []string{"expires", "expires.ms"} {
		if name, value := r.spot(args, word); name != "" && !empty(value) {
			sub.expires = endAt(text(value))
			if sub.expires.IsZero() {
				return r.app.invalid([]problem{{name, wrong, "a time"}})
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
func (r *request) spot(args map[string]any, word string) (name string, value any) {
	for _, name := range sorted(args) {
		if args[name] == "{"+word+"}" {
			return name, r.arg(name)
		}
	}
	return "", nil
}

var itemWord = regexp.MustCompile(`\{of\.[^{}]*\}`)

// fits reports whether a request says what args say, and gives the values of
// the item that it is for.
func (r *request) fits(args map[string]any) (items []string, fits bool) {
	for _, name := range sorted(args) {
		want, isText := args[name].(string)
		have := text(r.arg(name))
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
func (a *app) lapse(now time.Time) {
	for _, sub := range a.sandbox.hooks.lapsed(a, now) {
		a.end(sub)
	}
}

// end takes a subscription away with its record. The app's lock is held.
func (a *app) end(sub *subscription) {
	if r := a.store.get(sub.resource, sub.record); r != nil {
		a.store.remove(sub.resource, r)
	}
	a.sandbox.hooks.drop(a, sub.record)
}

// takes reports whether a webhook goes to a subscription.
func (sub *subscription) takes(e *envelope) bool {
	if e.trigger.Vendor == "" && !nudges(e.app.def.Webhook) {
		return false // it is found by looking
	}
	if len(sub.types) > 0 && !slices.Contains(sub.types, e.trigger.Vendor) {
		return false
	}
	if sub.def == nil {
		return true
	}
	if !slices.ContainsFunc(sub.def.Triggers, func(pattern string) bool { return names(pattern, e.trigger.Name) }) {
		return false
	}
	if wants := sub.app.rules.wants; wants != nil && !wants(sub, e) {
		return false
	}
	return !slices.ContainsFunc(sub.items, func(item string) bool { return !e.tellsOf(item) })
}

// names reports whether a pattern, of which a part may be "*", names a trigger.
func names(pattern, trigger string) bool {
	return slices.EqualFunc(strings.Split(pattern, "."), strings.Split(trigger, "."), func(want, have string) bool { return want == "*" || want == have })
}

// tellsOf reports whether a change is one of an item: it hangs under it, or
// hangs under nothing and holds its id. Of what was made by hand nobody knows, so that it is.
func (e *envelope) tellsOf(item string) bool {
	if e.links == nil {
		return true
	}
	for _, id := range e.links {
		if id == item {
			return true
		}
	}
	return len(e.links) == 0 && holds(e.fields, item)
}

func holds(v any, id string) bool {
	switch v := v.(type) {
	case string:
		return v == id
	case object:
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
func (sub *subscription) addressed(e *envelope) *job {
	j := &job{trigger: e.trigger.Name, id: e.id, form: e.form != nil, done: make(chan error, 1)}
	hook := sub.app.def.Webhook
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
	body, _ := clone(e.body).(object)
	if hook.Proof != nil && hook.Proof.Path != "" {
		body, _ = place(body, hook.Proof.Path, sub.secret).(object)
	}
	if sub.app.rules.notify != nil && sub.def != nil {
		sub.app.rules.notify(sub, body)
	}
	j.header = sub.headers(body)
	var whole any = body
	if hook.Batch != "" {
		whole = place(object{}, hook.Batch, []any{body})
	}
	j.body = encode(whole)
	return j
}

// nudge is a message that is headers alone.
func (sub *subscription) nudge(word string) http.Header {
	said := object{sub.app.def.Webhook.Type: word}
	if sub.app.rules.notify != nil && sub.def != nil {
		sub.app.rules.notify(sub, said)
	}
	return sub.headers(said)
}

// headers are those that say something beside the body.
func (sub *subscription) headers(said object) http.Header {
	header, hook := http.Header{}, sub.app.def.Webhook
	for name, as := range hook.Headers {
		if v := said[name]; v != nil {
			header.Set(as, text(v))
		}
	}
	if hook.Proof != nil && hook.Proof.Header != "" {
		header.Set(hook.Proof.Header, sub.secret)
	}
	return header
}

// confirm checks an address as the vendor does before it sends there.
func (h *hooks) confirm(sub *subscription, by *bindings.Confirm) error {
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
	case notAccepted(answer.StatusCode):
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
func (h *hooks) tell(sub *subscription, j *job) {
	h.mu.Lock()
	defer h.mu.Unlock()
	j.done = make(chan error, 1)
	h.enqueue(sub, j)
}

// of finds the subscription that an operation made with a record.
func (h *hooks) of(a *app, record string) *subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, sub := range h.subscriptions {
		if sub.app == a && sub.record == record {
			return sub
		}
	}
	return nil
}

// alter gives a subscription the terms of another.
func (h *hooks) alter(sub, terms *subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	sub.url, sub.secret, sub.types, sub.expires = terms.url, terms.secret, terms.types, terms.expires
}

// lapsed are the subscriptions of an app whose time is over.
func (h *hooks) lapsed(a *app, now time.Time) (over []*subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, sub := range h.subscriptions {
		if sub.app == a && !sub.expires.IsZero() && !now.Before(sub.expires) {
			over = append(over, sub)
		}
	}
	return over
}
