package journaltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

var contacts = change.PollKey{Connection: "highlevel", Poll: "contacts"}

// fromList is an event about a contact that a list contained.
func fromList(id, record string) journal.Event {
	e := contact(id, record, `{}`)
	e.ID, e.Source = "poll:highlevel:contacts:"+id, journal.Poll
	return e
}

// sighting is the sighting of a contact that a list contained.
func sighting(record string, hash rune, by change.ReportedBy) change.Sighting {
	return change.Sighting{PollKey: contacts, Record: record, History: []change.Observation{{Hash: uint64(hash), At: day, By: by}}}
}

// fromWebhook is an arrival from a webhook about a contact that is polled too.
func fromWebhook(id, record string, hash rune) journal.Arrival {
	a := arrival(contact(id, record, `{}`), hook("new"))
	a.Fingerprint = &change.Fingerprint{PollKey: contacts, Record: record, Observation: change.Observation{Hash: uint64(hash), At: day}}
	return a
}

func cursor(item, value string) journal.Cursor {
	return journal.Cursor{Name: "poll", Item: item, Value: json.RawMessage(value)}
}

func (f *fixture) acceptPage(s journal.PollPage) []journal.Receipt {
	f.Helper()
	f.clock.Advance(time.Millisecond)
	s.PollKey = contacts
	receipts, err := f.store.AcceptPage(f.ctx, s)
	if err != nil {
		f.Fatalf("AcceptPage: %v", err)
	}
	return receipts
}

// known is the history of a record: hashes with a letter for ReportedBy.
func (f *fixture) known(record string) string {
	f.Helper()
	return observations(f.sighting(record))
}

func (f *fixture) sighting(record string) change.Sighting {
	f.Helper()
	all, err := f.store.Sightings(f.ctx, contacts, record)
	if err != nil {
		f.Fatalf("Sightings: %v", err)
	}
	return all[record]
}

func observations(s change.Sighting) string {
	var texts []string
	for _, t := range s.History {
		texts = append(texts, fmt.Sprintf("%c%c", rune(t.Hash), "ULW"[t.By]))
	}
	return strings.Join(texts, " ")
}

func (f *fixture) cursors() string {
	f.Helper()
	all, err := f.store.Cursors(f.ctx, contacts)
	if err != nil {
		f.Fatalf("Cursors: %v", err)
	}
	var texts []string
	for _, c := range all {
		texts = append(texts, c.Name+" "+c.Item+" "+string(c.Value))
	}
	return strings.Join(texts, ", ")
}

var pollPageTests = map[string]func(f *fixture){
	"a new store has no cursors and sightings": func(f *fixture) {
		want(f, "cursors", f.cursors(), "")
		want(f, "known", f.known("c_1"), "")
	},
	"events, sightings and cursors are stored together": func(f *fixture) {
		receipts := f.acceptPage(journal.PollPage{
			Cursors:   []journal.Cursor{cursor("", `{"since":1}`), cursor("cal", `"x"`)},
			Sightings: []change.Sighting{sighting("c_1", 'A', change.ReportedByList), sighting("c_2", 'B', change.Unreported)},
			Arrivals:  []journal.Arrival{arrival(fromList("1", "c_1"), hook("new"))},
		})
		if len(receipts) != 1 || !receipts[0].Stored || len(receipts[0].Runs) != 1 {
			f.Errorf("found %+v", receipts)
		}
		f.reopen()
		want(f, "cursors", f.cursors(), `poll  {"since":1}, poll cal "x"`)
		want(f, "known", f.known("c_1")+", "+f.known("c_2"), "AL, BU")
		want(f, "event", f.next().Event.ID, "poll:highlevel:contacts:1")
	},
	"a sighting is read as it was stored": func(f *fixture) {
		s := sighting("c_1", 'A', change.ReportedByList)
		s.Item, s.Missed, s.History[0].Listed = "cal", true, true
		s.History = append(s.History, change.Observation{Aspect: change.FacetAspect("x"), Hash: 1<<64 - 1})
		f.acceptPage(journal.PollPage{Sightings: []change.Sighting{s}})
		got := f.sighting("c_1")
		if got.Row == 0 || got.Version == 0 {
			f.Errorf("found %+v, expected a row and a version", got)
		}
		s.Row, s.Version = got.Row, got.Version
		want(f, "sighting", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", s))
	},
	"the sighting of a record has what calls wrote": func(f *fixture) {
		wrote := func(record string, aspect change.Aspect, hash rune) {
			f.clock.Advance(10 * time.Second)
			s := step(1, "highlevel.contacts.update", `{}`)
			s.Started = f.clock.Now()
			f.record(f.begun(), s, journal.Effect{Written: &change.Written{
				Connection: "highlevel", Noun: "highlevel.contact", Record: record, Data: json.RawMessage(`{}`),
				Fingerprint: &change.Fingerprint{PollKey: contacts, Record: record,
					Observation: change.Observation{Aspect: aspect, Hash: uint64(hash)}, Implied: []change.Observation{{Aspect: change.FacetAspect("x"), Hash: 'x'}}},
			}})
		}
		wrote("c_1", change.ContentAspect, 'A')
		want(f, "a record that nothing is known of", f.known("c_1"), "")
		wrote("c_2", change.CreatedAspect, '*')
		want(f, "a created record", f.known("c_2"), "*U xU")
		wrote("c_2", change.ContentAspect, 'A')
		wrote("c_2", change.ContentAspect, 'B')
		want(f, "after two edits", f.known("c_2"), "*U xU AU BU")
		f.acceptPage(journal.PollPage{Sightings: []change.Sighting{sighting("c_1", 'A', change.ReportedByList)}})
		wrote("c_1", change.ContentAspect, 'B')
		f.reopen()
		want(f, "a record that was listed", f.known("c_1"), "AL BU xU")
	},
	"a cursor replaces the one of its name and item": func(f *fixture) {
		f.acceptPage(journal.PollPage{Cursors: []journal.Cursor{cursor("", `1`), cursor("cal", `1`), {Name: "reconcile", Value: []byte(`7`)}}})
		f.acceptPage(journal.PollPage{Cursors: []journal.Cursor{cursor("cal", `2`)}})
		want(f, "cursors", f.cursors(), "poll  1, poll cal 2, reconcile  7")
	},
	"polls and connections are separate": func(f *fixture) {
		f.acceptPage(journal.PollPage{Sightings: []change.Sighting{sighting("c_1", 'A', change.Unreported)}, Cursors: []journal.Cursor{cursor("", `1`)}})
		for _, other := range []change.PollKey{{Connection: "highlevel", Poll: "notes"}, {Connection: "highlevel/paris", Poll: "contacts"}} {
			seen, err := f.store.Sightings(f.ctx, other, "c_1")
			cursors, cursorErr := f.store.Cursors(f.ctx, other)
			if len(seen)+len(cursors) > 0 || err != nil || cursorErr != nil {
				f.Errorf("%v: found %v, %v, %v, %v", other, seen, cursors, err, cursorErr)
			}
		}
	},
	"a stale sighting refuses the whole page": func(f *fixture) {
		f.acceptPage(journal.PollPage{Sightings: []change.Sighting{sighting("c_1", 'A', change.Unreported)}})
		read := f.sighting("c_1")
		f.accept(fromWebhook("1", "c_1", 'B'))
		for name, stale := range map[string]change.Sighting{"changed since": read, "new, and known": sighting("c_1", 'A', change.Unreported)} {
			_, err := f.store.AcceptPage(f.ctx, journal.PollPage{PollKey: contacts, Cursors: []journal.Cursor{cursor("", `9`)},
				Sightings: []change.Sighting{sighting("c_2", 'A', change.Unreported), stale},
				Arrivals:  []journal.Arrival{arrival(fromList("9", "c_1"), hook("new"))}})
			if !errors.Is(err, journal.ErrStale) {
				f.Errorf("%s: found %v, expected ErrStale", name, err)
			}
		}
		want(f, "cursors", f.cursors(), "")
		want(f, "known", f.known("c_1")+", "+f.known("c_2"), "AU BW, ")
		_, _, err := f.store.Event(f.ctx, "poll:highlevel:contacts:9")
		f.wantErr(err, journal.ErrNotFound)
	},
	"the webhook of a state that a list reported is a duplicate, once": func(f *fixture) {
		f.acceptPage(journal.PollPage{Sightings: []change.Sighting{sighting("c_1", 'A', change.ReportedByList)},
			Arrivals: []journal.Arrival{arrival(fromList("1", "c_1"), hook("new"))}})
		receipts := f.accept(fromWebhook("1", "c_1", 'A'), fromWebhook("2", "c_1", 'A'))
		if !receipts[0].Duplicate || receipts[0].Stored || receipts[1].Duplicate || len(receipts[1].Runs) != 1 {
			f.Errorf("found %+v", receipts)
		}
		_, _, err := f.store.Event(f.ctx, "highlevel:1")
		f.wantErr(err, journal.ErrNotFound)
		if again := f.accept(fromWebhook("1", "c_1", 'A'))[0]; !again.Duplicate {
			f.Errorf("sent again: found %+v", again)
		}
	},
	"a state that a webhook reported has a sighting": func(f *fixture) {
		f.accept(fromWebhook("1", "c_1", 'A'))
		f.accept(fromWebhook("1", "c_1", 'A')) // a repeat
		want(f, "known", f.known("c_1"), "AW")
	},
	"a webhook without hooks makes no sighting": func(f *fixture) {
		a := fromWebhook("1", "c_1", 'A')
		a.Hooks = nil
		f.accept(a)
		want(f, "known", f.known("c_1"), "")
	},
	"the records of an item are listed in batches": func(f *fixture) {
		var all []change.Sighting
		for i := range 7 {
			s := sighting(fmt.Sprint("c_", i), 'A', change.Unreported)
			s.Item = []string{"cal", "other"}[i/6]
			all = append(all, s)
		}
		f.acceptPage(journal.PollPage{Sightings: all})
		var found []string
		after := int64(0)
		for {
			some, err := f.store.SightingsOf(f.ctx, contacts, "cal", after, 4)
			if err != nil {
				f.Fatal(err)
			}
			for _, s := range some {
				if s.Row <= after {
					f.Errorf("row %d is listed after row %d", s.Row, after)
				}
				after = s.Row
				found = append(found, s.Record)
			}
			if len(some) < 4 {
				break
			}
		}
		slices.Sort(found)
		wantList(f, "records", found, []string{"c_0", "c_1", "c_2", "c_3", "c_4", "c_5"})
	},
	"an invalid page stores nothing": func(f *fixture) {
		good := sighting("c_1", 'A', change.Unreported)
		for name, bad := range map[string]journal.PollPage{
			"no poll":         {PollKey: change.PollKey{Connection: "highlevel"}, Sightings: []change.Sighting{good}},
			"no record":       {PollKey: contacts, Sightings: []change.Sighting{good, {}}},
			"long record":     {PollKey: contacts, Sightings: []change.Sighting{good, sighting(strings.Repeat("x", 5000), 'A', 0)}},
			"cursor not JSON": {PollKey: contacts, Sightings: []change.Sighting{good}, Cursors: []journal.Cursor{cursor("", `{`)}},
			"bad event":       {PollKey: contacts, Sightings: []change.Sighting{good}, Arrivals: []journal.Arrival{{}}},
		} {
			if _, err := f.store.AcceptPage(f.ctx, bad); err == nil {
				f.Errorf("%s: stored", name)
			}
		}
		want(f, "known", f.known("c_1"), "")
	},
	"sightings of deleted records are pruned with the ids of events": func(f *fixture) {
		gone := change.Sighting{PollKey: contacts, Record: "c_1", History: []change.Observation{{Aspect: change.DeletedAspect, At: day, By: change.ReportedByList}}}
		f.acceptPage(journal.PollPage{Sightings: []change.Sighting{gone, sighting("c_2", 'A', change.Unreported)}})
		prune := func() {
			if _, err := f.store.Prune(f.ctx, journal.Retention{IDs: 24 * time.Hour}); err != nil {
				f.Fatal(err)
			}
		}
		prune()
		s := f.sighting("c_1")
		want(f, "at once", s.Gone(), true)
		f.clock.Advance(25 * time.Hour)
		prune()
		want(f, "later", f.sighting("c_1").Row, 0)
		want(f, "one that is not deleted", f.known("c_2"), "AU")
	},
}
