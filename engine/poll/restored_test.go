package poll_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// restore restarts the poller on a journal that was restored from a backup of now.
func (w *fixture) restore() {
	w.Helper()
	w.clock.Advance(time.Minute)
	w.close()
	_, err := sqlite.Restore(w.Context(), filepath.Join(w.folder, "tidewire.db"), w.clock.Now())
	w.must(err)
	w.clock.Advance(time.Minute)
	w.open()
}

// paused returns the new events, those of paused runs in brackets.
func (w *fixture) paused(seen map[string]bool) string {
	w.Helper()
	runs, err := w.store.Runs(w.Context(), journal.RunQuery{Limit: 100})
	w.must(err)
	slices.Reverse(runs)
	var all []string
	for _, r := range runs {
		if seen[r.Event] {
			continue
		}
		seen[r.Event] = true
		e, _, err := w.store.Event(w.Context(), r.Event)
		w.must(err)
		text := strings.TrimPrefix(e.Type, "helpdesk.") + " " + e.Record
		if r.Reason == journal.Restored {
			text = "(" + text + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// The first complete scan after a restore finds changes that may be older: without a
// time of their own, they count as from before the restore. Later scans find new ones.
func TestChangesFromBeforeARestore(t *testing.T) {
	t.Run("a list without times", func(t *testing.T) {
		w, seen := newFixture(t, everything), map[string]bool{}
		set := func(notes ...object) { w.vendor.do(func() { w.vendor.notes = notes }) }
		set(object{"id": "n1", "text": "a"}, object{"id": "n2", "text": "a"})
		w.scan("notes")
		w.restore()
		set(object{"id": "n1", "text": "b"}, object{"id": "n3", "text": "c"})
		w.scan("notes")
		w.want("first scan", w.paused(seen), "(note.updated n1), (note.created n3), (note.deleted n2)")
		w.clock.Advance(time.Hour)
		set(object{"id": "n1", "text": "c"}, object{"id": "n4", "text": "c"})
		w.again()
		w.scan("notes")
		w.want("second scan", w.paused(seen), "note.updated n1, note.created n4, note.deleted n3")
	})
	t.Run("a scan that fails is not complete", func(t *testing.T) {
		w, seen := newFixture(t, everything), map[string]bool{}
		w.vendor.notes = []object{{"id": "n1", "text": "a"}}
		w.scan("notes")
		w.restore()
		w.vendor.do(func() { w.vendor.notes = []object{{"id": "n1", "text": "b"}} })
		w.dieAt = w.pages + 1
		if _, err := w.poller.Scan(t.Context(), "helpdesk", "notes", journal.Poll); err == nil {
			t.Error("the scan did not fail")
		}
		w.dieAt = 0
		w.want("first scan", w.paused(seen), "(note.updated n1)")
	})
	t.Run("a list with times", func(t *testing.T) {
		w, seen := newFixture(t, everything), map[string]bool{}
		cardsBefore(w, 2)
		w.scan("cards")
		w.clock.Advance(time.Hour)
		w.vendor.card("c1", object{"title": "before"})
		w.restore()
		w.vendor.card("c2", object{"title": "after"})
		w.scan("cards")
		w.want("first scan", w.paused(seen), "card.updated c2, (card.updated c1)")
	})
	t.Run("a feed", func(t *testing.T) {
		w, seen := newFixture(t, everything, func(w *fixture) { w.setting.Poll = time.Minute }), map[string]bool{}
		add := func(id, record string) {
			w.vendor.do(func() { w.vendor.log = append(w.vendor.log, object{"event": id, "id": record, "type": "added"}) })
		}
		add("0", "r0")
		w.scan("log")
		w.restore()
		for _, id := range []string{"1", "2", "3", "4", "5"} { // several pages
			add(id, "r"+id)
		}
		w.scan("log")
		w.want("first scan", w.paused(seen), "(entry.added r1), (entry.added r2), (entry.added r3), (entry.added r4), (entry.added r5)")
		add("6", "r6")
		w.scan("log")
		w.want("second scan", w.paused(seen), "entry.added r6")
	})
}
