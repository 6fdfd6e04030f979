package sandbox

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// subscriptionEffect is what an operation does to registered webhooks, as defined
// by the app's Subscriptions.
type subscriptionEffect struct {
	// creates are those that it may register; the arguments decide which.
	creates []*bindings.Subscription
	// changes are the calls that update or renew one, with the places of the
	// arguments. removes is set if it ends one.
	changes []*bindings.Call
	removes bool
}

// subscriptionEffects returns the effect of each operation, by its name.
func subscriptionEffects(app *bindings.App) map[string]*subscriptionEffect {
	all := map[string]*subscriptionEffect{}
	of := func(name string) *subscriptionEffect {
		if all[name] == nil {
			all[name] = &subscriptionEffect{}
		}
		return all[name]
	}
	for i := range app.Subscriptions {
		s := &app.Subscriptions[i]
		if s.Create.Operation == "" || app.Webhook == nil {
			continue
		}
		create := of(s.Create.Operation)
		create.creates = append(create.creates, s)
		for _, change := range []*bindings.Call{s.Update, s.Renew} {
			if change != nil {
				r := of(change.Operation)
				r.changes = append(r.changes, change)
			}
		}
		of(s.Remove.Operation).removes = true
	}
	return all
}

// applyToSubscriptions applies a performed operation to the app's webhooks. The
// app's lock is held.
func (r *Call) applyToSubscriptions(res *Result) *Failure {
	effect := r.App.effects[r.plan.op.Name]
	if effect == nil || res.Record == nil {
		return nil
	}
	switch {
	case effect.removes:
		r.App.sandbox.webhooks.endSubscriptions(r.App, res.Record.ID)
	case len(effect.creates) > 0:
		return r.createSubscription(effect, res)
	default:
		for _, call := range effect.changes {
			if failed := r.updateSubscription(call, res); failed != nil {
				return failed
			}
		}
	}
	return nil
}

// createSubscription registers a webhook, after its address was confirmed.
func (r *Call) createSubscription(effect *subscriptionEffect, res *Result) *Failure {
	a, webhook := r.App, r.App.Def.Webhook
	undo := func(failed *Failure) *Failure {
		a.store.remove(r.plan.resource.name, res.Record)
		return failed
	}
	var sub *Subscription
	for _, def := range effect.creates {
		if items, matched := r.matchArgs(def.Create.Args); matched {
			sub = &Subscription{App: a, Def: def, Items: items, Record: res.Record.ID, resource: r.plan.resource.name}
			break
		}
	}
	if sub == nil {
		return nil // the app's Subscriptions have no such webhook
	}
	failed := r.useChosenID(sub, res)
	if failed == nil {
		failed = r.readTerms(sub, sub.Def.Create.Args, res)
	}
	if failed != nil {
		return undo(failed)
	}
	if sub.url == "" {
		return nil
	}
	for _, path := range sub.Def.Stored {
		if Lookup(res.Record.Fields, path) == nil {
			res.Record.Fields, _ = place(res.Record.Fields, path, Letters(a.Random, 27, MixedAlphabet)).(Object)
		}
	}
	if webhook.Handshake != nil {
		// The subscriber may call the app before it answers.
		a.mu.Unlock()
		err := a.sandbox.webhooks.handshake(sub, webhook.Handshake)
		a.mu.Lock()
		if err != nil {
			return undo(a.unreadable("the address was not confirmed: " + err.Error()))
		}
	}
	if err := a.sandbox.webhooks.subscribe(sub); err != nil {
		return undo(a.unreadable(err.Error()))
	}
	if withoutData(webhook) && len(webhook.Ignore) > 0 {
		a.sandbox.webhooks.sendTo(sub, &job{trigger: webhook.Ignore[0], body: []byte{}, header: sub.changeHeaders(webhook.Ignore[0])})
	}
	return nil
}

// useChosenID sets the id of a subscription to one that the subscriber chose.
func (r *Call) useChosenID(sub *Subscription, res *Result) *Failure {
	name, value := r.argFor(sub.Def.Create.Args, "id")
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
	r.App.setID(r.plan.resource, made)
	store.put(sub.resource, made)
	return nil
}

// updateSubscription changes the terms of a subscription.
func (r *Call) updateSubscription(call *bindings.Call, res *Result) *Failure {
	hooks := r.App.sandbox.webhooks
	sub := hooks.find(r.App, res.Record.ID)
	if sub == nil {
		return nil
	}
	changed := *sub
	if failed := r.readTerms(&changed, call.Args, res); failed != nil {
		return failed
	}
	hooks.setTerms(sub, &changed)
	return nil
}

// readTerms reads address, types, secret and end from the arguments. A vendor with
// secrets creates one if the request has none, and only this answer contains it.
func (r *Call) readTerms(sub *Subscription, args map[string]any, res *Result) *Failure {
	if name, value := r.argFor(args, "url"); name != "" && value != nil {
		address, err := url.Parse(Text(value))
		if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
			return r.App.invalid([]Problem{{name, Wrong, "an http or https address"}})
		}
		sub.url = address.String()
	}
	if _, value := r.argFor(args, "types"); value != nil {
		sub.types = nil
		list, _ := value.([]any)
		for _, t := range list {
			sub.types = append(sub.types, Text(t))
		}
	}
	if _, value := r.argFor(args, "types.text"); !Empty(value) {
		sub.types = strings.Split(Text(value), ",")
	}
	if name, value := r.argFor(args, "secret"); name != "" {
		if sub.secret = Text(value); Empty(value) {
			sub.secret = Letters(r.App.Random, 32, MixedAlphabet)
		}
		delete(res.Record.Fields, name)
		res.Fields = Object{name: sub.secret}
	}
	for _, word := range []string{"expires", "expires.ms"} {
		if name, value := r.argFor(args, word); name != "" && !Empty(value) {
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

// argFor finds the argument whose value is the placeholder {word}, and its value in
// this request; nil if it has none.
func (r *Call) argFor(args map[string]any, word string) (name string, value any) {
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if args[name] == "{"+word+"}" {
			return name, r.Arg(name)
		}
	}
	return "", nil
}

var itemPlaceholder = regexp.MustCompile(`\{of\.[^{}]*\}`)

// matchArgs reports whether a request has the literal values of args, and returns
// the values of the item that it is for.
func (r *Call) matchArgs(args map[string]any) (items []string, matched bool) {
	for _, name := range slices.Sorted(maps.Keys(args)) {
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

// itemPattern matches a text and finds the values of the item's placeholders.
func itemPattern(text string) *regexp.Regexp {
	pattern, at := "^", 0
	for _, found := range itemPlaceholder.FindAllStringIndex(text, -1) {
		pattern += regexp.QuoteMeta(text[at:found[0]]) + `([^/'()]+)`
		at = found[1]
	}
	return regexp.MustCompile(pattern + regexp.QuoteMeta(text[at:]) + "$")
}

// endExpired ends the expired subscriptions. The app's lock is held.
func (a *App) endExpired(now time.Time) {
	for _, sub := range a.sandbox.webhooks.expired(a, now) {
		a.end(sub)
	}
}

// end removes a subscription with its record. The app's lock is held.
func (a *App) end(sub *Subscription) {
	if r := a.store.get(sub.resource, sub.Record); r != nil {
		a.store.remove(sub.resource, r)
	}
	a.sandbox.webhooks.endSubscriptions(a, sub.Record)
}

// receives reports whether a webhook is sent to a subscription.
func (sub *Subscription) receives(e *Event) bool {
	if e.Trigger.Vendor == "" && !withoutData(e.App.Def.Webhook) {
		return false // it is found by a poll
	}
	if len(sub.types) > 0 && !slices.Contains(sub.types, e.Trigger.Vendor) {
		return false
	}
	if sub.Def == nil {
		return true
	}
	if !slices.ContainsFunc(sub.Def.Triggers, func(pattern string) bool { return bindings.TriggerName(e.Trigger.Name).Matches(pattern) }) {
		return false
	}
	if wants := sub.App.rules.Receives; wants != nil && !wants(sub, e) {
		return false
	}
	return !slices.ContainsFunc(sub.Items, func(item string) bool { return !e.isAbout(item) })
}

// isAbout reports whether an event is about an item: its record is under the item,
// or under nothing and contains the item's id. An event made by hand is about
// every item.
func (e *Event) isAbout(item string) bool {
	if e.Links == nil {
		return true
	}
	for _, id := range e.Links {
		if id == item {
			return true
		}
	}
	return len(e.Links) == 0 && containsText(e.fields, item)
}

func containsText(v any, id string) bool {
	switch v := v.(type) {
	case string:
		return v == id
	case Object:
		for _, inner := range v {
			if containsText(inner, id) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(inner any) bool { return containsText(inner, id) })
	}
	return false
}

// withoutData reports whether webhooks report only that something changed.
func withoutData(webhook *bindings.Webhook) bool { return len(webhook.PollOn) > 0 }

// jobFor writes an event's webhook for one subscription.
func (sub *Subscription) jobFor(e *Event) *job {
	j := &job{trigger: e.Trigger.Name, id: e.ID, form: e.Form != nil, done: make(chan error, 1)}
	webhook := sub.App.Def.Webhook
	switch {
	case j.form:
		j.body = e.encode()
		return j
	case withoutData(webhook):
		word := "exists"
		if webhook.PollOn[0] != "*" {
			word = webhook.PollOn[0]
		}
		j.body, j.header = []byte{}, sub.changeHeaders(word)
		return j
	}
	body, _ := Clone(e.Body).(Object)
	if webhook.Token != nil && webhook.Token.Path != "" {
		body, _ = place(body, webhook.Token.Path, sub.secret).(Object)
	}
	if sub.App.rules.CompleteDelivery != nil && sub.Def != nil {
		sub.App.rules.CompleteDelivery(sub, body)
	}
	j.header = sub.headers(body)
	var whole any = body
	if webhook.Batch != "" {
		whole = place(Object{}, webhook.Batch, []any{body})
	}
	j.body = Encode(whole)
	return j
}

// changeHeaders are the headers of a webhook without data.
func (sub *Subscription) changeHeaders(word string) http.Header {
	fields := Object{sub.App.Def.Webhook.Type: word}
	if sub.App.rules.CompleteDelivery != nil && sub.Def != nil {
		sub.App.rules.CompleteDelivery(sub, fields)
	}
	return sub.headers(fields)
}

// headers are the headers of a webhook that come from its fields.
func (sub *Subscription) headers(fields Object) http.Header {
	header, webhook := http.Header{}, sub.App.Def.Webhook
	for name, as := range webhook.Headers {
		if v := fields[name]; v != nil {
			header.Set(as, Text(v))
		}
	}
	if webhook.Token != nil && webhook.Token.Header != "" {
		header.Set(webhook.Token.Header, sub.secret)
	}
	return header
}

// handshake checks an address as the vendor does before it sends webhooks there.
func (w *webhookSender) handshake(sub *Subscription, by *bindings.Handshake) error {
	ctx, cancel := context.WithTimeout(w.sandbox.ending, 10*time.Second)
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
	answer, err := w.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch {
	case err != nil:
		return err
	case NotAccepted(answer.StatusCode):
		return fmt.Errorf("it answered %d", answer.StatusCode)
	case by.Query != "" && (string(body) != word || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain")):
		return fmt.Errorf("it did not send %s back as text", by.Query)
	case by.Header != "" && answer.Header.Get(by.Header) != word:
		return fmt.Errorf("it did not send the header %s back", by.Header)
	}
	if by.Header != "" {
		sub.secret = word
	}
	return nil
}

// sendTo sends a webhook to one subscription.
func (w *webhookSender) sendTo(sub *Subscription, j *job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	j.done = make(chan error, 1)
	w.enqueue(sub, j)
}

// find finds the subscription that an operation created with a record.
func (w *webhookSender) find(a *App, record string) *Subscription {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, sub := range w.subscriptions {
		if sub.App == a && sub.Record == record {
			return sub
		}
	}
	return nil
}

// setTerms copies the terms of a subscription.
func (w *webhookSender) setTerms(sub, terms *Subscription) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sub.url, sub.secret, sub.types, sub.Expires = terms.url, terms.secret, terms.types, terms.Expires
}

// expired are the subscriptions of an app that have expired.
func (w *webhookSender) expired(a *App, now time.Time) (expired []*Subscription) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, sub := range w.subscriptions {
		if sub.App == a && !sub.Expires.IsZero() && !now.Before(sub.Expires) {
			expired = append(expired, sub)
		}
	}
	return expired
}
