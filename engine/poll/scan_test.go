package poll_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
	"github.com/tidewire/tidewire/engine/poll"
)

// cardsBefore makes cards before the first scan.
func cardsBefore(w *fixture, n int) {
	for i := range n {
		w.vendor.card(fmt.Sprint("c", i+1), object{"title": fmt.Sprint("card ", i+1), "column": "todo", "done": false})
		w.clock.Advance(time.Hour)
	}
}

func TestTheFirstScanMakesNoEvents(t *testing.T) {
	w := newFixture(t, everything)
	cardsBefore(w, 3)
	w.want("first", w.scan("cards"), "")
	w.want("nothing happened", w.scan("cards"), "")
	w.clock.Advance(time.Hour)
	w.vendor.card("c2", object{"title": "changed"})
	w.vendor.card("c4", object{"title": "new"})
	w.want("changes", w.scan("cards"), "card.updated c2, card.created c4")
	w.want("again", w.scan("cards"), "")
	w.again()
	w.want("after a start", w.scan("cards"), "")
	e := w.events()[0]
	want := fmt.Sprintf("poll:helpdesk:cards:c2:updated:%d-", w.clock.Now().UnixMilli())
	if e.Source != journal.Poll || e.Connection != "helpdesk" || e.Account != "acc" || !strings.HasPrefix(e.ID, want) ||
		!e.Time.Equal(w.clock.Now().UTC().Truncate(time.Millisecond)) || jsonpath.Text(e.Data, "title") != "changed" {
		t.Errorf("found %+v, expected an id that begins with %s", e, want)
	}
}

func TestTheFirstScanReportsChangesSinceATime(t *testing.T) {
	w := newFixture(t, everything, func(w *fixture) { w.setting.Since = w.clock.Now().Add(150 * time.Minute) })
	cardsBefore(w, 4) // the last of them after that
	w.vendor.card("c1", object{"title": "changed"})
	w.want("first", w.scan("cards"), "card.updated c1, card.created c4")
	w.want("second", w.scan("cards"), "")
}

func TestChangesBetweenTwoScansAreOneEvent(t *testing.T) {
	w := newFixture(t, everything)
	cardsBefore(w, 1)
	w.scan("cards")
	for _, title := range []string{"a", "b", "c"} {
		w.clock.Advance(time.Minute)
		w.vendor.card("c1", object{"title": title})
	}
	w.want("events", w.scan("cards"), "card.updated c1")
	w.clock.Advance(time.Minute)
	w.vendor.card("c1", object{"title": "a"})
	w.want("it comes back to what it was", w.scan("cards"), "card.updated c1")
	w.clock.Advance(time.Minute)
	w.vendor.card("c1", object{"watchers": 7})
	w.want("a field that is not compared", w.scan("cards"), "")
}

func TestAFacetHasATriggerOfItsOwn(t *testing.T) {
	w := newFixture(t, everything)
	cardsBefore(w, 1)
	w.scan("cards")
	w.vendor.card("c1", object{"column": "doing"})
	w.want("moved", w.scan("cards"), "card.updated c1, card.moved c1")
	w.clock.Advance(time.Minute)
	w.vendor.card("c1", object{"done": true})
	w.want("finished", w.scan("cards"), "card.finished c1")
	w.clock.Advance(time.Minute)
	w.vendor.card("c1", object{"done": false})
	w.want("begun again", w.scan("cards"), "")
	w.clock.Advance(time.Minute)
	w.vendor.card("c2", object{"column": "done", "done": true})
	w.want("a new one moved nowhere", w.scan("cards"), "card.created c2")
}

func TestDeletedRecordsAreFoundByAFullWalk(t *testing.T) {
	w := newFixture(t, everything)
	cardsBefore(w, 5)
	w.scan("cards")
	w.vendor.do(func() { w.vendor.cards = slices.Delete(w.vendor.cards, 1, 2) })
	w.want("by what changed", w.scan("cards"), "")
	w.clock.Advance(25 * time.Hour)
	w.want("missed once: it may have moved from page to page", w.scan("cards"), "")
	w.clock.Advance(25 * time.Hour)
	w.want("missed twice", w.scan("cards"), "card.deleted c2")
	w.clock.Advance(25 * time.Hour)
	w.want("once", w.scan("cards"), "")
	w.vendor.card("c2", object{"title": "restored"})
	w.want("it comes back", w.scan("cards"), "card.created c2")
}

func TestAListWithoutTimesIsCompared(t *testing.T) {
	w := newFixture(t, everything)
	w.vendor.notes = []object{{"id": "n1", "text": "a", "seen": 1}}
	w.want("first", w.scan("notes"), "")
	w.vendor.do(func() { w.vendor.notes = []object{{"id": "n1", "text": "a", "seen": 2, "by": nil, "tags": []string{}}} })
	w.want("no change", w.scan("notes"), "")
	w.vendor.do(func() { w.vendor.notes = []object{{"id": "n1", "text": "b"}, {"id": "n2", "text": "c"}} })
	w.want("changes", w.scan("notes"), "note.updated n1, note.created n2")
	w.clock.Advance(time.Hour)
	w.vendor.do(func() { w.vendor.notes = w.vendor.notes[1:] })
	w.want("a list of one page is sure", w.scan("notes"), "note.deleted n1")
	w.clock.Advance(time.Hour)
	w.vendor.do(func() { w.vendor.notes = nil })
	w.want("an empty list may be a fault", w.scan("notes"), "")
	w.want("two are not", w.scan("notes"), "note.deleted n2")
	last := w.events()[len(w.events())-1]
	if string(last.Data) != `{"id":"n2"}` {
		t.Errorf("found %s", last.Data)
	}
}

func TestAListForEachItem(t *testing.T) {
	w := newFixture(t, everything)
	w.vendor.boards["b1"] = []object{{"id": "s1", "text": object{"plain": "x"}}}
	w.vendor.boards["b2"] = []object{{"id": "s1", "text": object{"plain": "other"}}}
	w.want("first", w.scan("stickers"), "")
	w.vendor.do(func() {
		w.vendor.boards["b1"] = append(w.vendor.boards["b1"], object{"id": "s2", "text": object{"plain": "new"}})
		w.vendor.boards["b2"][0]["text"] = object{"plain": "changed"}
	})
	w.want("changes", w.scan("stickers"), "sticker.created s2, sticker.updated s1")
	if data := string(w.events()[0].Data); data != `{"helpdesk":"acc","id":"s2","sticker":{"id":"s2","text":{"plain":"new"}},"text":"new","board":"Board b1"}` {
		t.Errorf("found %s", data)
	}
	w.vendor.do(func() { w.vendor.boards["b3"] = []object{{"id": "s9"}} })
	w.want("an item that is new begins with what there is", w.scan("stickers"), "")
	w.clock.Advance(time.Hour)
	w.vendor.do(func() { w.vendor.boards["b1"] = w.vendor.boards["b1"][1:] })
	w.want("of one item only", w.scan("stickers"), "sticker.deleted s1")
	if data := string(w.events()[2].Data); data != `{"helpdesk":"acc","id":"s1","sticker":{"id":"s1"},"board":"Board b1"}` {
		t.Errorf("found %s", data)
	}
}

func TestAnItemThatCannotBeListedDoesNotStopOthers(t *testing.T) {
	w := newFixture(t, everything)
	for _, board := range []string{"b1", "b2", "b3"} {
		w.vendor.boards[board] = []object{{"id": board + "s"}}
	}
	w.scan("stickers")
	w.vendor.do(func() {
		w.vendor.boards["b3"] = append(w.vendor.boards["b3"], object{"id": "new"})
		w.vendor.answer = func(path string, _ int) (int, http.Header) {
			if strings.Contains(path, "b2") {
				return 404, nil
			}
			return 0, nil
		}
	})
	_, err := w.poller.Scan(t.Context(), "helpdesk", "stickers", journal.Poll)
	if err == nil || !strings.Contains(err.Error(), "b2: ") {
		t.Errorf("found %v", err)
	}
	w.want("events", w.newEvents(), "sticker.created new")
}

func TestAFeedReportsEachEntryOnce(t *testing.T) {
	w := newFixture(t, everything, func(w *fixture) { w.setting.Poll = time.Minute })
	entry := func(id string) object { return object{"event": id, "id": "r", "type": "added"} }
	w.vendor.log = []object{entry("0")}
	w.want("what was before is not reported", w.scan("log"), "")
	w.vendor.do(func() {
		for _, id := range []string{"1", "2", "3", "4", "5"} {
			w.vendor.log = append(w.vendor.log, entry(id))
		}
		w.vendor.log = append(w.vendor.log, object{"event": "6", "type": "unknown"})
	})
	w.fail = func(n int) error {
		if n == 3 {
			return errors.New("the process crashes")
		}
		return nil
	}
	if _, err := w.poller.Scan(t.Context(), "helpdesk", "log", journal.Poll); err == nil {
		t.Error("the scan did not fail")
	}
	w.fail = nil
	w.again()
	w.scan("log")
	var ids []string
	for _, e := range w.events() {
		ids = append(ids, e.ID)
	}
	w.want("entries", strings.Join(ids, " "), "helpdesk:1 helpdesk:2 helpdesk:3 helpdesk:4 helpdesk:5")
	w.vendor.do(func() { w.vendor.log = nil })
	w.want("the token is lost", w.scan("log"), "")
	w.vendor.do(func() { w.vendor.log = []object{entry("7")} })
	w.want("and the next token", w.scan("log"), "entry.added r")
	if w.log.count("token of a feed expired") != 1 {
		t.Error("the log does not have the expired token")
	}
}

func TestAListWithAToken(t *testing.T) {
	w := newFixture(t, everything)
	file := func(id, state string) {
		w.vendor.do(func() { w.vendor.files = append(w.vendor.files, object{"id": id, "state": state}) })
	}
	for _, id := range []string{"f1", "f2", "f3"} {
		file(id, "here")
	}
	w.want("first", w.scan("files"), "")
	file("f2", "moved")
	file("f4", "here")
	file("f1", "gone")
	w.want("changes", w.scan("files"), "file.updated f2, file.created f4, file.deleted f1")
	w.want("again", w.scan("files"), "")
	if last := w.vendor.asked[len(w.vendor.asked)-1]; last != "/files?token=6" {
		t.Errorf("asked for %s", last)
	}
	w.clock.Advance(time.Hour)
	file("f2", "gone")
	file("f4", "moved")
	file("f5", "here")
	w.vendor.do(func() { w.vendor.lost = true })
	w.want("the token is lost: all is compared", w.scan("files"), "file.updated f4, file.created f5")
	w.vendor.do(func() { w.vendor.lost = false })
	file("f5", "moved")
	w.want("and the next token", w.scan("files"), "file.updated f5")
}

func TestTriggersWithoutHooksAreNotPolled(t *testing.T) {
	w := newFixture(t, `on("helpdesk.card.updated", function() end)`)
	cardsBefore(w, 1)
	w.scan("cards")
	w.vendor.card("c2", object{"title": "new"})
	w.vendor.card("c1", object{"title": "changed", "column": "doing"})
	w.want("only what a hook has", w.scan("cards"), "card.updated c1")
	if _, err := w.poller.Scan(t.Context(), "helpdesk", "notes", journal.Poll); !poll.Idle(err) {
		t.Errorf("notes: found %v, expected that it is not polled", err)
	}
	w.script(everything)
	w.reload()
	w.want("what was new before its hook", w.scan("cards"), "")
	w.clock.Advance(time.Minute)
	w.vendor.card("c2", object{"title": "changed"})
	w.want("then", w.scan("cards"), "card.updated c2")
}

func (w *fixture) reload() {
	w.Helper()
	if _, err := w.scripts.Reload(w.Context()); err != nil {
		w.Fatal(err)
	}
}

func TestChangesWhileTheScriptIsAbsentAreFound(t *testing.T) {
	w := newFixture(t, everything)
	cardsBefore(w, 2)
	w.scan("cards")
	w.script(`on("emit:other", function() end)`)
	w.reload()
	w.vendor.card("c1", object{"title": "while it was not polled"})
	if _, err := w.poller.Scan(t.Context(), "helpdesk", "cards", journal.Poll); !poll.Idle(err) {
		t.Errorf("found %v, expected that it is not polled", err)
	}
	w.clock.Advance(14 * 24 * time.Hour)
	w.script(everything + "\n-- another version")
	w.reload()
	w.want("events", w.scan("cards"), "card.updated c1")
}

func TestAWaitIsPolledFor(t *testing.T) {
	w := newFixture(t, `on("emit:go", function() wait_for("helpdesk.note.updated", { timeout = "1 day" }) end)`)
	w.vendor.notes = []object{{"id": "n1", "text": "a"}}
	w.scan("notes")
	w.vendor.do(func() { w.vendor.notes = []object{{"id": "n1", "text": "b"}} })
	w.want("events", w.scan("notes"), "note.updated n1")
}

func TestSettingsOfAConnection(t *testing.T) {
	for name, test := range map[string]struct {
		auth            string
		poll, reconcile time.Duration
		cards, lost     bool // cards are polled, and reconciled
		notes           bool
	}{
		"cards have webhooks":                   {auth: "token", notes: true},
		"a key gets no webhooks":                {auth: "key", cards: true, notes: true},
		"what has webhooks is polled too":       {auth: "token", poll: time.Hour, cards: true, notes: true},
		"nothing is polled":                     {auth: "key", poll: config.Off},
		"what webhooks lost is reconciled":      {auth: "token", reconcile: time.Hour, lost: true, notes: true},
		"only that":                             {auth: "token", poll: config.Off, reconcile: time.Hour, lost: true},
		"what is polled need not be reconciled": {auth: "key", reconcile: time.Hour, cards: true, notes: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t, everything, func(w *fixture) {
				w.setting.Credentials = map[string]string{test.auth: "sandbox-token"}
				w.setting.Poll, w.setting.Reconcile = test.poll, test.reconcile
			})
			for what, want := range map[string]bool{"cards poll": test.cards, "cards reconcile": test.lost, "notes poll": test.notes, "notes reconcile": false} {
				name, source, _ := strings.Cut(what, " ")
				_, err := w.poller.Scan(t.Context(), "helpdesk", name, journal.Source(source))
				if found := !poll.Idle(err); found != want || found && err != nil {
					t.Errorf("%s: found %v, %v, expected %v", what, found, err, want)
				}
			}
		})
	}
}

func TestAnInterruptedWalkRepeatsNothing(t *testing.T) {
	for page := 1; page <= 4; page++ {
		for _, stored := range []bool{false, true} {
			t.Run(fmt.Sprintf("at page %d, stored %v", page, stored), func(t *testing.T) {
				w := newFixture(t, everything)
				cardsBefore(w, 2)
				w.scan("cards")
				for i := range 6 {
					w.clock.Advance(time.Second)
					w.vendor.card(fmt.Sprint("n", i), object{"title": "new"})
				}
				w.pages = 0
				w.fail = func(n int) error {
					if n == page {
						return errors.New("the process crashes")
					}
					return nil
				}
				if stored { // it crashes after the page is stored and before the answer
					w.fail, w.dieAt = nil, page
				}
				if _, err := w.poller.Scan(t.Context(), "helpdesk", "cards", journal.Poll); err == nil && page < 4 {
					t.Fatal("the scan was not interrupted")
				}
				w.fail, w.dieAt = nil, 0
				w.again()
				if _, err := w.poller.Scan(t.Context(), "helpdesk", "cards", journal.Poll); err != nil {
					t.Fatal(err)
				}
				events := strings.Split(w.newEvents(), ", ")
				slices.Sort(events)
				w.want("events", strings.Join(events, ", "), "card.created n0, card.created n1, card.created n2, card.created n3, card.created n4, card.created n5")
				w.want("again", w.scan("cards"), "")
			})
		}
	}
}

// What changes on a page that a walk has read is found by the next walk, although
// the walk itself listed a later change.
func TestChangesDuringTheFirstWalkAreFound(t *testing.T) {
	w := newFixture(t, everything)
	w.vendor.byID = true
	cardsBefore(w, 6)
	w.vendor.do(func() {
		w.vendor.answer = func(_ string, n int) (int, http.Header) {
			if n == 2 { // the first page was read
				w.clock.Advance(10 * time.Minute)
				w.vendor.mu.Unlock()
				w.vendor.card("c1", object{"title": "behind it"})
				w.vendor.card("c0", object{"title": "new behind it"})
				w.clock.Advance(10 * time.Minute)
				w.vendor.card("c6", object{"title": "before it"})
				w.vendor.card("c7", object{"title": "new before it"})
				w.vendor.mu.Lock()
			}
			return 0, nil
		}
	})
	w.want("the first walk", w.scan("cards"), "card.created c7")
	w.want("the second", w.scan("cards"), "card.created c0, card.updated c1")
	w.want("the third", w.scan("cards"), "")
}

func TestChangesAreFoundWithAClockThatIsAhead(t *testing.T) {
	w := newFixture(t, everything)
	w.vendor.now = func() time.Time { return w.clock.Now().Add(-8 * time.Minute) }
	cardsBefore(w, 2)
	w.scan("cards")
	w.clock.Advance(time.Minute)
	w.vendor.card("c3", object{"title": "new"})
	w.vendor.card("c1", object{"title": "changed"})
	w.want("events", w.scan("cards"), "card.updated c1, card.created c3")
	w.want("once", w.scan("cards"), "")
}

// Where pages have numbers, a deletion during the walk moves other records to
// pages that were read already.
func TestARecordThatMovesBetweenPagesIsFoundNextTime(t *testing.T) {
	w := newFixture(t, everything)
	cardsBefore(w, 1)
	w.scan("cards")
	for i := range 4 {
		w.clock.Advance(time.Second)
		w.vendor.card(fmt.Sprint("n", i), object{"title": "new"})
	}
	before := w.vendor.requests()
	w.vendor.do(func() {
		w.vendor.answer = func(_ string, n int) (int, http.Header) {
			if n == before+2 { // between the first page and the second
				w.vendor.cards = slices.DeleteFunc(w.vendor.cards, func(o object) bool { return o["id"] == "n3" })
			}
			return 0, nil
		}
	})
	w.want("first walk", w.scan("cards"), "card.created n3, card.created n2, card.created n0")
	w.want("second walk", w.scan("cards"), "card.created n1")
	w.want("third walk", w.scan("cards"), "")
}

func TestAListThatLagsIsReadAgain(t *testing.T) {
	w := newFixture(t, everything)
	cardsBefore(w, 1)
	w.scan("cards")
	w.vendor.do(func() { w.vendor.lagging = append([]object{}, w.vendor.cards...) })
	w.vendor.card("c2", object{"title": "late"})
	w.clock.Advance(30 * time.Second)
	late := w.vendor.card("c3", object{"title": "in time"})
	w.vendor.do(func() { w.vendor.lagging = append(w.vendor.lagging, late) })
	w.want("what the list has", w.scan("cards"), "card.created c3")
	w.clock.Advance(time.Minute)
	w.vendor.do(func() { w.vendor.lagging = nil })
	w.want("and what it had not yet", w.scan("cards"), "card.created c2")
}

func TestManyWebhooksMeanwhileDoNotStopAScan(t *testing.T) {
	w := newFixture(t, everything)
	cardsBefore(w, 2)
	w.scan("cards")
	w.vendor.card("c1", object{"title": "changed"})
	tries := 0
	w.fail = func(int) error {
		if tries++; tries <= 5 {
			w.push(fmt.Sprint("hook", tries), "updated", w.clock.Now(), fmt.Sprintf(`{"id":"c1","title":"by hook %d"}`, tries))
		}
		return nil
	}
	events := w.scan("cards")
	if !strings.HasSuffix(events, "card.updated c1") || strings.Count(events, "c1") != 6 || tries < 6 {
		t.Errorf("found %s after %d tries", events, tries)
	}
}

func TestAnItemWithoutAnIDIsAnError(t *testing.T) {
	w := newFixture(t, everything)
	w.vendor.notes = []object{{"text": "who am I"}}
	_, err := w.poller.Scan(t.Context(), "helpdesk", "notes", journal.Poll)
	if err == nil || !strings.Contains(err.Error(), `poll "notes": an item of the list has no id at "id"`) {
		t.Errorf("found %v", err)
	}
}

func TestDataIsJSON(t *testing.T) {
	w := newFixture(t, everything)
	w.vendor.boards["b"] = nil
	w.scan("stickers")
	w.vendor.do(func() { w.vendor.boards["b"] = []object{{"id": `quote " and \ é`, "text": object{"plain": "☃\n"}}} })
	w.scan("stickers")
	var data map[string]any
	if err := json.Unmarshal(w.events()[0].Data, &data); err != nil || data["text"] != "☃\n" {
		t.Errorf("found %s, %v", w.events()[0].Data, err)
	}
}
