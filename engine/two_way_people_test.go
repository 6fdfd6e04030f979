package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// change creates, edits or removes a random pair.
func (s *syncFixture) change() {
	s.mu.Lock()
	defer s.mu.Unlock()
	alive := s.alive()
	switch n := s.random.IntN(10); {
	case len(alive) < 5 || n < 3:
		s.create()
	case n < 9:
		s.edit(alive[s.random.IntN(len(alive))])
	default:
		s.remove(alive[s.random.IntN(len(alive))])
	}
}

func (s *syncFixture) alive() (alive []*pair) {
	for _, p := range s.people {
		if !p.gone {
			s.findRecords(p)
			alive = append(alive, p)
		}
	}
	return alive
}

func (s *syncFixture) create() {
	p := &pair{place: cities[s.random.IntN(len(cities))], want: map[string]string{}}
	s.people = append(s.people, p)
	s.changes++
	for _, f := range syncedFields[:3+s.random.IntN(2)] {
		p.want[f.contact] = s.value(p, f.contact)
	}
	if s.random.IntN(2) == 0 {
		body := maps.Clone(p.want)
		body["locationId"] = "loc-" + p.place
		p.contact = s.ask(p, "highlevel", "POST", "/contacts/", body).Get("contact.id").Str
		return
	}
	body := map[string]string{"kind": "individual"}
	for _, f := range syncedFields {
		if v := p.want[f.contact]; v != "" {
			body[f.client] = v
		}
	}
	p.client = s.ask(p, "qonto", "POST", "/clients", body).Get("client.id").Str
}

// value returns a value for a field that no other pair has.
func (s *syncFixture) value(p *pair, field string) string {
	v := fmt.Sprintf("%s-%s-%d", p.place, field, s.changes)
	if field == "email" {
		v = fmt.Sprintf("%d.%d@%s.example", slices.Index(s.people, p), s.changes, p.place)
	}
	return strings.ToLower(v)
}

// edit changes one or two fields on one side. A field is changed only once it has
// the same value on both sides.
func (s *syncFixture) edit(p *pair) {
	contact, client := s.contact(p), s.client(p)
	onContact := contact.Exists() && (!client.Exists() || s.random.IntN(2) == 0)
	body := map[string]string{}
	for range 1 + s.random.IntN(2) {
		f := syncedFields[s.random.IntN(len(syncedFields))]
		mine, theirs := contact.Get(f.contact).Str, client.Get(f.client).Str
		if !onContact {
			mine, theirs = theirs, mine
		}
		alike := mine == theirs
		latest := mine == p.want[f.contact]
		if !latest || !alike && theirs == p.want[f.contact] {
			continue // the last change is not yet synced
		}
		value := s.value(p, f.contact)
		if s.random.IntN(8) == 0 && f.contact == "city" {
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
	s.changes++
	if onContact {
		s.ask(p, "highlevel", "PUT", "/contacts/"+p.contact, body)
	} else {
		s.ask(p, "qonto", "PATCH", "/clients/"+p.client, body)
	}
}

func (s *syncFixture) remove(p *pair) {
	s.changes++
	p.gone = true
	if p.contact != "" && (p.client == "" || s.random.IntN(2) == 0) {
		s.ask(p, "highlevel", "DELETE", "/contacts/"+p.contact, nil)
	} else {
		s.ask(p, "qonto", "DELETE", "/clients/"+p.client, nil)
	}
}

// changeConcurrently changes a record, now and then, just before a call of the
// engine changes it.
func (s *syncFixture) changeConcurrently(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.random.IntN(10) > 0 {
		return
	}
	for _, p := range s.people {
		if !p.gone && id != "" && (p.contact == id || p.client == id) {
			s.concurrent++
			s.edit(p)
		}
	}
}

func (s *syncFixture) contact(p *pair) gjson.Result {
	if p.contact == "" {
		return gjson.Result{}
	}
	return s.ask(p, "highlevel", "GET", "/contacts/"+p.contact, nil).Get("contact")
}

func (s *syncFixture) client(p *pair) gjson.Result {
	if p.client == "" {
		return gjson.Result{}
	}
	return s.ask(p, "qonto", "GET", "/clients/"+p.client, nil).Get("client")
}

// findRecords sets the ids of the records that the sync has made. It finds them by
// the number in the email.
func (s *syncFixture) findRecords(p *pair) {
	if p.contact != "" && p.client != "" {
		return
	}
	whose := fmt.Sprintf("%d.", slices.Index(s.people, p))
	find := func(apps *sandbox.Sandbox, app, resource string) string {
		for _, r := range apps.Records(app, resource) {
			if email := gjson.GetBytes(r, "email").Str; strings.HasPrefix(email, whose) && strings.HasSuffix(email, "@"+p.place+".example") {
				return gjson.GetBytes(r, "id").Str
			}
		}
		return ""
	}
	if p.contact == "" {
		p.contact = find(s.crm, "highlevel", "contacts")
	}
	if p.client == "" {
		p.client = find(s.banks[p.place], "qonto", "clients")
	}
}

// expectEqual expects that both sides have the values of the last changes.
func (s *syncFixture) expectEqual() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	there := map[string]int{}
	for i, p := range s.people {
		if p.gone {
			continue
		}
		s.findRecords(p)
		there[p.place]++
		contact, client := s.contact(p), s.client(p)
		if !contact.Exists() || !client.Exists() {
			s.t.Errorf("person %d of %s: contact %q, client %q; expected both", i, p.place, p.contact, p.client)
			continue
		}
		if at := contact.Get("locationId").Str; at != "loc-"+p.place {
			s.t.Errorf("person %d of %s is at %s", i, p.place, at)
		}
		for _, f := range syncedFields {
			a, b := contact.Get(f.contact).Str, client.Get(f.client).Str
			if want := p.want[f.contact]; a != want || b != want {
				s.t.Errorf("person %d of %s (contact %s, client %s): %s is %q and %q, wanted was %q", i, p.place, p.contact, p.client, f.contact, a, b, want)
			}
		}
	}
	contacts := map[string]int{}
	for _, r := range s.crm.Records("highlevel", "contacts") {
		contacts[strings.TrimPrefix(gjson.GetBytes(r, "locationId").Str, "loc-")]++
	}
	for _, place := range cities {
		if clients := len(s.banks[place].Records("qonto", "clients")); contacts[place] != there[place] || clients != there[place] {
			s.t.Errorf("%s has %d contacts and %d clients for %d people", place, contacts[place], clients, there[place])
		}
	}
}

// checkRequests checks the requests since its last call: requests and answers with
// the token of a place's account contain no data of another place.
func (s *syncFixture) checkRequests() {
	s.t.Helper()
	for proxy := range s.proxies {
		apps, app := s.crm, "highlevel"
		if proxy != "highlevel" {
			apps, app = s.banks[proxy], "qonto"
		}
		requests, all := apps.Requests(app), apps.Calls(app, "")
		unchecked := all - s.checked[proxy]
		s.checked[proxy] = all
		if unchecked > len(requests) {
			s.t.Fatalf("%d requests to %s were not checked", unchecked-len(requests), proxy)
		}
		for _, r := range requests[len(requests)-unchecked:] {
			place := proxy
			if proxy == "highlevel" {
				if r.Account == "" {
					continue // of the company, or of a person
				}
				place = strings.TrimPrefix(r.Account, "loc-")
			}
			if r.Status == 401 || r.Status == 403 {
				s.t.Errorf("%s was answered with %d by %s: %s", r.Operation, r.Status, proxy, r.Answer)
			}
			text := r.Path + " " + r.Query + " " + r.Body + " " + r.Answer
			for _, other := range cities {
				if other != place && strings.Contains(text, other) {
					s.t.Errorf("%s with the account of %s names %s: %s", r.Operation, place, other, text)
				}
			}
		}
	}
}
