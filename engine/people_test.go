package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// change does what some person wants next: one more is there, one has another
// name, one is gone.
func (w *town) change() {
	w.mu.Lock()
	defer w.mu.Unlock()
	alive := w.alive()
	switch n := w.dice.IntN(10); {
	case len(alive) < 5 || n < 3:
		w.create()
	case n < 9:
		w.edit(alive[w.dice.IntN(len(alive))])
	default:
		w.remove(alive[w.dice.IntN(len(alive))])
	}
}

func (w *town) alive() (alive []*person) {
	for _, p := range w.people {
		if !p.gone {
			w.meet(p)
			alive = append(alive, p)
		}
	}
	return alive
}

func (w *town) create() {
	p := &person{place: cities[w.dice.IntN(len(cities))], want: map[string]string{}}
	w.people = append(w.people, p)
	w.changes++
	for _, f := range traits[:3+w.dice.IntN(2)] {
		p.want[f.contact] = w.value(p, f.contact)
	}
	if w.dice.IntN(2) == 0 {
		body := maps.Clone(p.want)
		body["locationId"] = "loc-" + p.place
		p.contact = w.ask(p, "highlevel", "POST", "/contacts/", body).Get("contact.id").Str
		return
	}
	body := map[string]string{"kind": "individual"}
	for _, f := range traits {
		if v := p.want[f.contact]; v != "" {
			body[f.client] = v
		}
	}
	p.client = w.ask(p, "qonto", "POST", "/clients", body).Get("client.id").Str
}

// value is one that nobody else has.
func (w *town) value(p *person, field string) string {
	v := fmt.Sprintf("%s-%s-%d", p.place, field, w.changes)
	if field == "email" {
		v = fmt.Sprintf("%d.%d@%s.example", slices.Index(w.people, p), w.changes, p.place)
	}
	return strings.ToLower(v)
}

// edit changes one or two fields on one side; nobody changes a field on both
// sides before it is alike.
func (w *town) edit(p *person) {
	contact, client := w.contact(p), w.client(p)
	onContact := contact.Exists() && (!client.Exists() || w.dice.IntN(2) == 0)
	body := map[string]string{}
	for range 1 + w.dice.IntN(2) {
		f := traits[w.dice.IntN(len(traits))]
		mine, theirs := contact.Get(f.contact).Str, client.Get(f.client).Str
		if !onContact {
			mine, theirs = theirs, mine
		}
		alike := mine == theirs
		latest := mine == p.want[f.contact]
		if !latest || !alike && theirs == p.want[f.contact] {
			continue // its way from the other side is not over
		}
		value := w.value(p, f.contact)
		if w.dice.IntN(8) == 0 && f.contact == "city" {
			value = ""
		}
		name := f.client
		if onContact {
			name = f.contact
		}
		body[name], p.want[f.contact] = value, value
	}
	if len(body) == 0 {
		return
	}
	w.changes++
	if onContact {
		w.ask(p, "highlevel", "PUT", "/contacts/"+p.contact, body)
	} else {
		w.ask(p, "qonto", "PATCH", "/clients/"+p.client, body)
	}
}

func (w *town) remove(p *person) {
	w.changes++
	p.gone = true
	if p.contact != "" && (p.client == "" || w.dice.IntN(2) == 0) {
		w.ask(p, "highlevel", "DELETE", "/contacts/"+p.contact, nil)
	} else {
		w.ask(p, "qonto", "DELETE", "/clients/"+p.client, nil)
	}
}

// meddle has somebody else change a record just before a call of the engine
// does.
func (w *town) meddle(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dice.IntN(10) > 0 {
		return
	}
	for _, p := range w.people {
		if !p.gone && id != "" && (p.contact == id || p.client == id) {
			w.meddled++
			w.edit(p)
		}
	}
}

func (w *town) contact(p *person) gjson.Result {
	if p.contact == "" {
		return gjson.Result{}
	}
	return w.ask(p, "highlevel", "GET", "/contacts/"+p.contact, nil).Get("contact")
}

func (w *town) client(p *person) gjson.Result {
	if p.client == "" {
		return gjson.Result{}
	}
	return w.ask(p, "qonto", "GET", "/clients/"+p.client, nil).Get("client")
}

// meet finds the record that the sync made of a person by the number in the
// email.
func (w *town) meet(p *person) {
	if p.contact != "" && p.client != "" {
		return
	}
	whose := fmt.Sprintf("%d.", slices.Index(w.people, p))
	find := func(apps *sandbox.Sandbox, app, resource string) string {
		for _, r := range apps.Records(app, resource) {
			if email := gjson.GetBytes(r, "email").Str; strings.HasPrefix(email, whose) && strings.HasSuffix(email, "@"+p.place+".example") {
				return gjson.GetBytes(r, "id").Str
			}
		}
		return ""
	}
	if p.contact == "" {
		p.contact = find(w.crm, "highlevel", "contacts")
	}
	if p.client == "" {
		p.client = find(w.banks[p.place], "qonto", "clients")
	}
}

// agree holds both sides against what was wanted last, record by record.
func (w *town) agree() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	there := map[string]int{}
	for i, p := range w.people {
		if p.gone {
			continue
		}
		w.meet(p)
		there[p.place]++
		contact, client := w.contact(p), w.client(p)
		if !contact.Exists() || !client.Exists() {
			w.t.Errorf("person %d of %s: contact %q, client %q; expected both", i, p.place, p.contact, p.client)
			continue
		}
		if at := contact.Get("locationId").Str; at != "loc-"+p.place {
			w.t.Errorf("person %d of %s is at %s", i, p.place, at)
		}
		for _, f := range traits {
			a, b := contact.Get(f.contact).Str, client.Get(f.client).Str
			if want := p.want[f.contact]; a != want || b != want {
				w.t.Errorf("person %d of %s (contact %s, client %s): %s is %q and %q, wanted was %q", i, p.place, p.contact, p.client, f.contact, a, b, want)
			}
		}
	}
	contacts := map[string]int{}
	for _, r := range w.crm.Records("highlevel", "contacts") {
		contacts[strings.TrimPrefix(gjson.GetBytes(r, "locationId").Str, "loc-")]++
	}
	for _, place := range cities {
		if clients := len(w.banks[place].Records("qonto", "clients")); contacts[place] != there[place] || clients != there[place] {
			w.t.Errorf("%s has %d contacts and %d clients for %d people", place, contacts[place], clients, there[place])
		}
	}
}

// audit looks at the requests since the last time: what a call says and hears
// is of the place alone whose account its token is for.
func (w *town) audit() {
	w.t.Helper()
	for door := range w.doors {
		apps, app := w.crm, "highlevel"
		if door != "highlevel" {
			apps, app = w.banks[door], "qonto"
		}
		requests, all := apps.Requests(app), apps.Calls(app, "")
		fresh := all - w.logged[door]
		w.logged[door] = all
		if fresh > len(requests) {
			w.t.Fatalf("%d requests to %s were not looked at", fresh-len(requests), door)
		}
		for _, r := range requests[len(requests)-fresh:] {
			place := door
			if door == "highlevel" {
				if r.Account == "" {
					continue // the company's own, and people's
				}
				place = strings.TrimPrefix(r.Account, "loc-")
			}
			if r.Status == 401 || r.Status == 403 {
				w.t.Errorf("%s was answered with %d by %s: %s", r.Operation, r.Status, door, r.Answer)
			}
			text := r.Path + " " + r.Query + " " + r.Body + " " + r.Answer
			for _, other := range cities {
				if other != place && strings.Contains(text, other) {
					w.t.Errorf("%s with the account of %s tells of %s: %s", r.Operation, place, other, text)
				}
			}
		}
	}
}
