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

// cardsBefore makes cards that are there before anybody looks.
func cardsBefore(w *world, n int) {
	for i := range n {
		w.desk.card(fmt.Sprint("c", i+1), object{"title": fmt.Sprint("card ", i+1), "column": "todo", "done": false})
		w.clock.Pass(time.Hour)
	}
}

func TestTheFirstLookOnlyNotes(t *testing.T) {
	w := newWorld(t, everything)
	cardsBefore(w, 3)
	w.want("first", w.look("cards"), "")
	w.want("nothing happened", w.look("cards"), "")
	w.clock.Pass(time.Hour)
	w.desk.card("c2", object{"title": "changed"})
	w.desk.card("c4", object{"title": "new"})
	w.want("changes", w.look("cards"), "card.updated c2, card.created c4")
	w.want("again", w.look("cards"), "")
	w.again()
	w.want("after a start", w.look("cards"), "")
	e := w.events()[0]
	want := fmt.Sprintf("poll:desk:cards:c2:updated:%d-", w.clock.Now().UnixMilli())
	if e.Source != journal.Poll || e.Connection != "desk" || e.Account != "acc" || !strings.HasPrefix(e.ID, want) ||
		!e.Time.Equal(w.clock.Now().UTC().Truncate(time.Millisecond)) || jsonpath.Text(e.Data, "title") != "changed" {
		t.Errorf("found %+v, expected an id that begins with %s", e, want)
	}
}

func TestTheFirstLookTellsWhatChangedSince(t *testing.T) {
	w := newWorld(t, everything, func(w *world) { w.setting.Since = w.clock.Now().Add(150 * time.Minute) })
	cardsBefore(w, 4) // the last of them after that
	w.desk.card("c1", object{"title": "changed"})
	w.want("first", w.look("cards"), "card.updated c1, card.created c4")
	w.want("second", w.look("cards"), "")
}

func TestWhatChangesBetweenTwoLooksIsOneChange(t *testing.T) {
	w := newWorld(t, everything)
	cardsBefore(w, 1)
	w.look("cards")
	for _, title := range []string{"a", "b", "c"} {
		w.clock.Pass(time.Minute)
		w.desk.card("c1", object{"title": title})
	}
	w.want("told", w.look("cards"), "card.updated c1")
	w.clock.Pass(time.Minute)
	w.desk.card("c1", object{"title": "a"})
	w.want("it comes back to what it was", w.look("cards"), "card.updated c1")
	w.clock.Pass(time.Minute)
	w.desk.card("c1", object{"watchers": 7})
	w.want("what nobody asks for", w.look("cards"), "")
}

func TestAFacetHasATriggerOfItsOwn(t *testing.T) {
	w := newWorld(t, everything)
	cardsBefore(w, 1)
	w.look("cards")
	w.desk.card("c1", object{"column": "doing"})
	w.want("moved", w.look("cards"), "card.updated c1, card.moved c1")
	w.clock.Pass(time.Minute)
	w.desk.card("c1", object{"done": true})
	w.want("finished", w.look("cards"), "card.finished c1")
	w.clock.Pass(time.Minute)
	w.desk.card("c1", object{"done": false})
	w.want("begun again", w.look("cards"), "")
	w.clock.Pass(time.Minute)
	w.desk.card("c2", object{"column": "done", "done": true})
	w.want("a new one moved nowhere", w.look("cards"), "card.created c2")
}

func TestWhatIsGoneIsFoundByAWholeWalk(t *testing.T) {
	w := newWorld(t, everything)
	cardsBefore(w, 5)
	w.look("cards")
	w.desk.do(func() { w.desk.cards = slices.Delete(w.desk.cards, 1, 2) })
	w.want("by what changed", w.look("cards"), "")
	w.clock.Pass(25 * time.Hour)
	w.want("missed once: it may have moved from page to page", w.look("cards"), "")
	w.clock.Pass(25 * time.Hour)
	w.want("missed twice", w.look("cards"), "card.deleted c2")
	w.clock.Pass(25 * time.Hour)
	w.want("once", w.look("cards"), "")
	w.desk.card("c2", object{"title": "restored"})
	w.want("it comes back", w.look("cards"), "card.created c2")
}

func TestAListWithoutTimesIsCompared(t *testing.T) {
	w := newWorld(t, everything)
	w.desk.notes = []object{{"id": "n1", "text": "a", "seen": 1}}
	w.want("first", w.look("notes"), "")
	w.desk.do(func() { w.desk.notes = []object{{"id": "n1", "text": "a", "seen": 2, "by": nil, "tags": []string{}}} })
	w.want("what says nothing new", w.look("notes"), "")
	w.desk.do(func() { w.desk.notes = []object{{"id": "n1", "text": "b"}, {"id": "n2", "text": "c"}} })
	w.want("changes", w.look("notes"), "note.updated n1, note.created n2")
	w.clock.Pass(time.Hour)
	w.desk.do(func() { w.desk.notes = w.desk.notes[1:] })
	w.want("a list of one page is sure", w.look("notes"), "note.deleted n1")
	w.clock.Pass(time.Hour)
	w.desk.do(func() { w.desk.notes = nil })
	w.want("an empty list may be a bad day", w.look("notes"), "")
	w.want("twice it is not", w.look("notes"), "note.deleted n2")
	last := w.events()[len(w.events())-1]
	if string(last.Data) != `{"id":"n2"}` {
		t.Errorf("found %s", last.Data)
	}
}

func TestAListForEachItem(t *testing.T) {
	w := newWorld(t, everything)
	w.desk.boards["b1"] = []object{{"id": "s1", "text": object{"plain": "x"}}}
	w.desk.boards["b2"] = []object{{"id": "s1", "text": object{"plain": "other"}}}
	w.want("first", w.look("stickers"), "")
	w.desk.do(func() {
		w.desk.boards["b1"] = append(w.desk.boards["b1"], object{"id": "s2", "text": object{"plain": "new"}})
		w.desk.boards["b2"][0]["text"] = object{"plain": "changed"}
	})
	w.want("changes", w.look("stickers"), "sticker.created s2, sticker.updated s1")
	if data := string(w.events()[0].Data); data != `{"desk":"acc","id":"s2","sticker":{"id":"s2","text":{"plain":"new"}},"text":"new","board":"Board b1"}` {
		t.Errorf("found %s", data)
	}
	w.desk.do(func() { w.desk.boards["b3"] = []object{{"id": "s9"}} })
	w.want("an item that is new begins with what there is", w.look("stickers"), "")
	w.clock.Pass(time.Hour)
	w.desk.do(func() { w.desk.boards["b1"] = w.desk.boards["b1"][1:] })
	w.want("of one item only", w.look("stickers"), "sticker.deleted s1")
	if data := string(w.events()[2].Data); data != `{"desk":"acc","id":"s1","sticker":{"id":"s1"},"board":"Board b1"}` {
		t.Errorf("found %s", data)
	}
}

func TestOneItemThatCannotBeListedHidesNoOther(t *testing.T) {
	w := newWorld(t, everything)
	for _, board := range []string{"b1", "b2", "b3"} {
		w.desk.boards[board] = []object{{"id": board + "s"}}
	}
	w.look("stickers")
	w.desk.do(func() {
		w.desk.boards["b3"] = append(w.desk.boards["b3"], object{"id": "new"})
		w.desk.answer = func(path string, _ int) (int, http.Header) {
			if strings.Contains(path, "b2") {
				return 404, nil
			}
			return 0, nil
		}
	})
	_, err := w.poller.Look(t.Context(), "desk", "stickers", journal.Poll)
	if err == nil || !strings.Contains(err.Error(), "b2: ") {
		t.Errorf("found %v", err)
	}
	w.want("told", w.told(), "sticker.created new")
}

func TestAFeedTellsEachEntryOnce(t *testing.T) {
	w := newWorld(t, everything, func(w *world) { w.setting.Poll = time.Minute })
	entry := func(id string) object { return object{"event": id, "id": "r", "type": "added"} }
	w.desk.log = []object{entry("0")}
	w.want("what was before is not told", w.look("log"), "")
	w.desk.do(func() {
		for _, id := range []string{"1", "2", "3", "4", "5"} {
			w.desk.log = append(w.desk.log, entry(id))
		}
		w.desk.log = append(w.desk.log, object{"event": "6", "type": "unheard of"})
	})
	w.fail = func(n int) error {
		if n == 3 {
			return errors.New("the machine dies")
		}
		return nil
	}
	if _, err := w.poller.Look(t.Context(), "desk", "log", journal.Poll); err == nil {
		t.Error("the look did not fail")
	}
	w.fail = nil
	w.again()
	w.look("log")
	var ids []string
	for _, e := range w.events() {
		ids = append(ids, e.ID)
	}
	w.want("entries", strings.Join(ids, " "), "desk:1 desk:2 desk:3 desk:4 desk:5")
	w.desk.do(func() { w.desk.log = nil })
	w.want("the token is lost", w.look("log"), "")
	w.desk.do(func() { w.desk.log = []object{entry("7")} })
	w.want("and it goes on", w.look("log"), "entry.added r")
	if w.log.count("forgot how far") != 1 {
		t.Error("the log does not tell of the lost token")
	}
}

func TestATokenOfTheVendors(t *testing.T) {
	w := newWorld(t, everything)
	file := func(id, state string) {
		w.desk.do(func() { w.desk.files = append(w.desk.files, object{"id": id, "state": state}) })
	}
	for _, id := range []string{"f1", "f2", "f3"} {
		file(id, "here")
	}
	w.want("first", w.look("files"), "")
	file("f2", "moved")
	file("f4", "here")
	file("f1", "gone")
	w.want("changes", w.look("files"), "file.updated f2, file.created f4, file.deleted f1")
	w.want("again", w.look("files"), "")
	if last := w.desk.asked[len(w.desk.asked)-1]; last != "/files?token=6" {
		t.Errorf("asked for %s", last)
	}
	w.clock.Pass(time.Hour)
	file("f2", "gone")
	file("f4", "moved")
	file("f5", "here")
	w.desk.do(func() { w.desk.lost = true })
	w.want("the token is lost: all is compared", w.look("files"), "file.updated f4, file.created f5")
	w.desk.do(func() { w.desk.lost = false })
	file("f5", "moved")
	w.want("and it goes on", w.look("files"), "file.updated f5")
}

func TestWhatNobodyTakesIsNotTold(t *testing.T) {
	w := newWorld(t, `on("desk.card.updated", function() end)`)
	cardsBefore(w, 1)
	w.look("cards")
	w.desk.card("c2", object{"title": "new"})
	w.desk.card("c1", object{"title": "changed", "column": "doing"})
	w.want("only what a hook takes", w.look("cards"), "card.updated c1")
	if _, err := w.poller.Look(t.Context(), "desk", "notes", journal.Poll); !poll.Idle(err) {
		t.Errorf("notes: found %v, expected that nobody looks", err)
	}
	w.script(everything)
	w.reload()
	w.want("what was new before its hook was", w.look("cards"), "")
	w.clock.Pass(time.Minute)
	w.desk.card("c2", object{"title": "changed"})
	w.want("then", w.look("cards"), "card.updated c2")
}

func (w *world) reload() {
	w.Helper()
	if _, err := w.scripts.Reload(w.Context()); err != nil {
		w.Fatal(err)
	}
}

func TestAPauseOfTheScriptLosesNothing(t *testing.T) {
	w := newWorld(t, everything)
	cardsBefore(w, 2)
	w.look("cards")
	w.script(`on("emit:other", function() end)`)
	w.reload()
	w.desk.card("c1", object{"title": "while nobody looked"})
	if _, err := w.poller.Look(t.Context(), "desk", "cards", journal.Poll); !poll.Idle(err) {
		t.Errorf("found %v, expected that nobody looks", err)
	}
	w.clock.Pass(14 * 24 * time.Hour)
	w.script(everything + "\n-- another version")
	w.reload()
	w.want("told", w.look("cards"), "card.updated c1")
}

func TestAWaitAsksForAPoll(t *testing.T) {
	w := newWorld(t, `on("emit:go", function() wait_for("desk.note.updated", { timeout = "1 day" }) end)`)
	w.desk.notes = []object{{"id": "n1", "text": "a"}}
	w.look("notes")
	w.desk.do(func() { w.desk.notes = []object{{"id": "n1", "text": "b"}} })
	w.want("told", w.look("notes"), "note.updated n1")
}

func TestSettingsOfAConnection(t *testing.T) {
	for name, test := range map[string]struct {
		auth            string
		poll, reconcile time.Duration
		cards, lost     bool // cards are polled, and reconciled
		notes           bool
	}{
		"webhooks tell of cards":                {auth: "token", notes: true},
		"a key gets no webhooks":                {auth: "key", cards: true, notes: true},
		"what webhooks tell is polled too":      {auth: "token", poll: time.Hour, cards: true, notes: true},
		"nothing is polled":                     {auth: "key", poll: config.Off},
		"what webhooks lost is looked for":      {auth: "token", reconcile: time.Hour, lost: true, notes: true},
		"only that":                             {auth: "token", poll: config.Off, reconcile: time.Hour, lost: true},
		"what is polled need not be reconciled": {auth: "key", reconcile: time.Hour, cards: true, notes: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, everything, func(w *world) {
				w.setting.Credentials = map[string]string{test.auth: "sandbox-token"}
				w.setting.Poll, w.setting.Reconcile = test.poll, test.reconcile
			})
			for what, want := range map[string]bool{"cards poll": test.cards, "cards reconcile": test.lost, "notes poll": test.notes, "notes reconcile": false} {
				name, source, _ := strings.Cut(what, " ")
				_, err := w.poller.Look(t.Context(), "desk", name, journal.Source(source))
				if found := !poll.Idle(err); found != want || found && err != nil {
					t.Errorf("%s: found %v, %v, expected %v", what, found, err, want)
				}
			}
		})
	}
}

func TestAWalkThatIsCutOffDoublesNothing(t *testing.T) {
	for sweep := 1; sweep <= 4; sweep++ {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("at sweep %d, kept %v", sweep, kept), func(t *testing.T) {
				w := newWorld(t, everything)
				cardsBefore(w, 2)
				w.look("cards")
				for i := range 6 {
					w.clock.Pass(time.Second)
					w.desk.card(fmt.Sprint("n", i), object{"title": "new"})
				}
				w.sweeps = 0
				w.fail = func(n int) error {
					if n == sweep {
						return errors.New("the machine dies")
					}
					return nil
				}
				if kept { // it dies when the page is kept and nobody has heard of it
					w.fail, w.dies = nil, sweep
				}
				if _, err := w.poller.Look(t.Context(), "desk", "cards", journal.Poll); err == nil && sweep < 4 {
					t.Fatal("the look was not cut off")
				}
				w.fail, w.dies = nil, 0
				w.again()
				if _, err := w.poller.Look(t.Context(), "desk", "cards", journal.Poll); err != nil {
					t.Fatal(err)
				}
				told := strings.Split(w.told(), ", ")
				slices.Sort(told)
				w.want("told", strings.Join(told, ", "), "card.created n0, card.created n1, card.created n2, card.created n3, card.created n4, card.created n5")
				w.want("again", w.look("cards"), "")
			})
		}
	}
}

// What changes behind a walk is found by the next, although the walk itself saw
// a later change.
func TestWhatChangesBehindTheFirstWalkIsTold(t *testing.T) {
	w := newWorld(t, everything)
	w.desk.byID = true
	cardsBefore(w, 6)
	w.desk.do(func() {
		w.desk.answer = func(_ string, n int) (int, http.Header) {
			if n == 2 { // the first page was read
				w.clock.Pass(10 * time.Minute)
				w.desk.mu.Unlock()
				w.desk.card("c1", object{"title": "behind it"})
				w.desk.card("c0", object{"title": "new behind it"})
				w.clock.Pass(10 * time.Minute)
				w.desk.card("c6", object{"title": "before it"})
				w.desk.card("c7", object{"title": "new before it"})
				w.desk.mu.Lock()
			}
			return 0, nil
		}
	})
	w.want("the first walk", w.look("cards"), "card.created c7")
	w.want("the second", w.look("cards"), "card.created c0, card.updated c1")
	w.want("the third", w.look("cards"), "")
}

func TestAClockThatIsAheadLosesNothing(t *testing.T) {
	w := newWorld(t, everything)
	w.desk.now = func() time.Time { return w.clock.Now().Add(-8 * time.Minute) }
	cardsBefore(w, 2)
	w.look("cards")
	w.clock.Pass(time.Minute)
	w.desk.card("c3", object{"title": "new"})
	w.desk.card("c1", object{"title": "changed"})
	w.want("told", w.look("cards"), "card.updated c1, card.created c3")
	w.want("once", w.look("cards"), "")
}

// While a list is walked by numbers of pages, what is deleted pulls others over
// the border of pages that were read already.
func TestARecordThatSlipsBetweenPagesIsFoundNextTime(t *testing.T) {
	w := newWorld(t, everything)
	cardsBefore(w, 1)
	w.look("cards")
	for i := range 4 {
		w.clock.Pass(time.Second)
		w.desk.card(fmt.Sprint("n", i), object{"title": "new"})
	}
	before := w.desk.requests()
	w.desk.do(func() {
		w.desk.answer = func(_ string, n int) (int, http.Header) {
			if n == before+2 { // between the first page and the second
				w.desk.cards = slices.DeleteFunc(w.desk.cards, func(o object) bool { return o["id"] == "n3" })
			}
			return 0, nil
		}
	})
	w.want("first walk", w.look("cards"), "card.created n3, card.created n2, card.created n0")
	w.want("second walk", w.look("cards"), "card.created n1")
	w.want("third walk", w.look("cards"), "")
}

func TestAListThatLagsIsAskedAgain(t *testing.T) {
	w := newWorld(t, everything)
	cardsBefore(w, 1)
	w.look("cards")
	w.desk.do(func() { w.desk.lagging = append([]object{}, w.desk.cards...) })
	w.desk.card("c2", object{"title": "late"})
	w.clock.Pass(30 * time.Second)
	late := w.desk.card("c3", object{"title": "in time"})
	w.desk.do(func() { w.desk.lagging = append(w.desk.lagging, late) })
	w.want("what the list has", w.look("cards"), "card.created c3")
	w.clock.Pass(time.Minute)
	w.desk.do(func() { w.desk.lagging = nil })
	w.want("and what it had not yet", w.look("cards"), "card.created c2")
}

func TestManyWebhooksMeanwhileDoNotHoldALookUp(t *testing.T) {
	w := newWorld(t, everything)
	cardsBefore(w, 2)
	w.look("cards")
	w.desk.card("c1", object{"title": "changed"})
	tries := 0
	w.fail = func(int) error {
		if tries++; tries <= 5 {
			w.push(fmt.Sprint("hook", tries), "updated", w.clock.Now(), fmt.Sprintf(`{"id":"c1","title":"by hook %d"}`, tries))
		}
		return nil
	}
	told := w.look("cards")
	if !strings.HasSuffix(told, "card.updated c1") || strings.Count(told, "c1") != 6 || tries < 6 {
		t.Errorf("found %s after %d tries", told, tries)
	}
}

func TestAnItemWithoutAnIDIsAnError(t *testing.T) {
	w := newWorld(t, everything)
	w.desk.notes = []object{{"text": "who am I"}}
	_, err := w.poller.Look(t.Context(), "desk", "notes", journal.Poll)
	if err == nil || !strings.Contains(err.Error(), `poll "notes": an item of the list has nothing at "id", by which it is known`) {
		t.Errorf("found %v", err)
	}
}

func TestDataIsJSON(t *testing.T) {
	w := newWorld(t, everything)
	w.desk.boards["b"] = nil
	w.look("stickers")
	w.desk.do(func() { w.desk.boards["b"] = []object{{"id": `quote " and \ é`, "text": object{"plain": "☃\n"}}} })
	w.look("stickers")
	var data map[string]any
	if err := json.Unmarshal(w.events()[0].Data, &data); err != nil || data["text"] != "☃\n" {
		t.Errorf("found %s, %v", w.events()[0].Data, err)
	}
}
