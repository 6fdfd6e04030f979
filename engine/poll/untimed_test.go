package poll_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

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
	_, err := w.store.Accept(t.Context(), w.arrival(journal.Event{ID: "desk:1", Type: "desk.note.updated", Connection: "desk", Account: "acc",
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
