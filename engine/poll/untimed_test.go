package poll_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidewire/tidewire/engine/journal"
)

// sequences are what happens to a record: a call of ours creates it (c) or changes
// it (w), somebody else creates it (n), changes it (x), or changes it back to what
// it was before the last change (b).
var sequences = []string{
	"c", "cx", "cxb", "w", "wx", "wb", "ww", "wxb", "x", "xx", "xb", "xxb", "xw", "xwx", "xwb", "xbx", "n", "nx", "nxb", "nw", "nwb",
}

// webhookOrders are which webhooks arrive, and when.
var webhookOrders = []string{"never", "in time", "late", "very late", "reversed", "first only", "last only"}

// newRecord makes the record of one case. The first change is at a time, the others
// follow with a gap.
func newRecord(id, sequence, webhooks string, at, gap, interval time.Duration) *record {
	r := &record{id: id, exists: !strings.ContainsAny(sequence[:1], "cn")}
	texts := []string{}
	if r.exists {
		texts = append(texts, "old")
	}
	for i, what := range sequence {
		s := recordState{at: at + time.Duration(i)*gap, text: fmt.Sprintf("%c%d", what, i), ours: what == 'c' || what == 'w'}
		if what == 'b' {
			s.text = texts[len(texts)-2]
		}
		texts = append(texts, s.text)
		r.states = append(r.states, s)
	}
	last := len(r.states) - 1
	for i := range r.states {
		s := &r.states[i]
		switch {
		case webhooks == "late":
			s.webhook = s.at + interval*3/2
		case webhooks == "very late":
			s.webhook = s.at + expectedLag + 2*interval + time.Second
		case webhooks == "reversed":
			s.webhook = r.states[last].at + time.Duration(last+1-i)*time.Second
		case webhooks == "in time", webhooks == "first only" && i == 0, webhooks == "last only" && i == last:
			s.webhook = s.at + 500*time.Millisecond
		}
	}
	return r
}

// TestUntimedListReportsEachStateOnce reads each kind of list that has no times of
// change, at intervals, while records change before, between and after readings. Each
// kind of list, interval and lag has a part of the cases, with the soak tag all of
// them.
func TestUntimedListReportsEachStateOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long under the race detector, which finds no race in timelines of one goroutine each")
	}
	part := 0
	for _, list := range untimedLists {
		for _, interval := range []time.Duration{10 * time.Second, 5 * time.Minute} {
			for _, lag := range []time.Duration{0, 30 * time.Second} {
				tl := &timeline{list: list, interval: interval, lag: lag}
				n := part
				for _, sequence := range sequences {
					for _, webhooks := range webhookOrders {
						for _, after := range []time.Duration{time.Second, interval / 2, interval - 4*time.Second} {
							for _, gap := range []time.Duration{3 * time.Second, 20 * time.Second, interval} {
								if n++; n%timelineParts == 0 {
									tl.records = append(tl.records, newRecord(fmt.Sprint("r", n), sequence, webhooks, 2*interval+after, gap, interval))
								}
							}
						}
					}
				}
				part++
				t.Run(fmt.Sprintf("%s, interval %v, lag %v", list.name, interval, lag), func(t *testing.T) {
					t.Parallel()
					for _, problem := range tl.check(tl.run(t)) {
						t.Error(problem)
					}
				})
			}
		}
	}
}

// TestUntimedListOfRandomChanges does the same with random changes and webhooks.
func TestUntimedListOfRandomChanges(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long under the race detector, which finds nothing in one goroutine")
	}
	rapid.Check(t, func(r *rapid.T) {
		tl := &timeline{
			list:     rapid.SampledFrom(untimedLists).Draw(r, "list"),
			interval: rapid.SampledFrom([]time.Duration{10 * time.Second, time.Minute, 5 * time.Minute}).Draw(r, "interval"),
			lag:      rapid.SampledFrom([]time.Duration{0, 30 * time.Second}).Draw(r, "lag"),
		}
		for i := range rapid.IntRange(1, 8).Draw(r, "records") {
			tl.records = append(tl.records, randomRecord(r, fmt.Sprint("r", i)))
		}
		for _, problem := range tl.check(tl.run(t)) {
			r.Error(problem)
		}
	})
}

func randomRecord(r *rapid.T, id string) *record {
	one := &record{id: id, exists: rapid.Bool().Draw(r, "exists")}
	texts := []string{"old"}
	at := time.Duration(0)
	for i := range rapid.IntRange(1, 5).Draw(r, "states") {
		at += time.Duration(rapid.IntRange(1, 100).Draw(r, "seconds")) * time.Second
		s := recordState{at: at, text: fmt.Sprint("t", i), ours: rapid.IntRange(0, 3).Draw(r, "ours") == 0}
		if back := texts[rapid.IntRange(0, len(texts)-1).Draw(r, "back to")]; rapid.IntRange(0, 3).Draw(r, "back") == 0 && back != texts[len(texts)-1] && (one.exists || back != "old") {
			s.text = back
		}
		texts = append(texts, s.text)
		if delay := rapid.SampledFrom([]int{0, 0, 1, 1, 1, 15, 70, 200}).Draw(r, "webhook after"); delay > 0 {
			s.webhook = at + time.Duration(delay)*time.Second
		}
		one.states = append(one.states, s)
	}
	return one
}

// TestPageIsAsOldAsItsRequest changes a note twice while the page before its own is
// read. The page contains the second change; the webhook of the first comes late.
func TestPageIsAsOldAsItsRequest(t *testing.T) {
	w := newFixture(t, everything)
	set := func(text string) { w.vendor.notes = []object{{"id": "n1"}, {"id": "n2"}, {"id": "n3", "text": text}} }
	set("old")
	w.want("the first scan", w.scan("notes"), "")
	changed, requests := w.clock.Now().Add(time.Minute), w.vendor.requests()
	w.vendor.answer = func(_ string, n int) (int, http.Header) {
		if n == requests+1 {
			w.clock.Advance(2 * time.Minute)
			set("second")
		}
		return 0, nil
	}
	w.want("the second", w.scan("notes"), "note.updated n3")
	_, err := w.store.Accept(t.Context(), w.arrival(journal.Event{ID: "helpdesk:1", Type: "helpdesk.note.updated", Connection: "helpdesk", Account: "acc",
		Time: changed, Data: []byte(`{"id":"n3","text":"first"}`), Source: journal.Webhook, Record: "n3"}))
	w.must(err)
	w.want("the webhook", w.newEvents(), "note.updated n3")
	w.clock.Advance(time.Hour)
	w.want("the third", w.scan("notes"), "")
}

// TestDeletedSoonAfterItWasListed deletes a note that the scan before has found.
func TestDeletedSoonAfterItWasListed(t *testing.T) {
	w := newFixture(t, everything)
	set := func(ids ...string) {
		w.vendor.notes = nil
		for _, id := range ids {
			w.vendor.notes = append(w.vendor.notes, object{"id": id})
		}
	}
	for _, step := range []struct{ notes, want string }{{"n1", ""}, {"n1 n2", "note.created n2"}, {"n1", "note.deleted n2"}} {
		set(strings.Fields(step.notes)...)
		w.clock.Advance(10 * time.Second)
		w.want("with "+step.notes, w.scan("notes"), step.want)
	}
}
