package poll_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
	"github.com/tidewire/tidewire/engine/poll"
)

// tokenPlay is a stand-in of a vendor whose files change between polls.
type tokenPlay struct {
	*world
	found []string // the events of each look
}

// act does one step of a play:
//
//	new F, old F   file F comes into the list, made now or nine days ago
//	bare F         the same for a file without times
//	set F          file F changes, or is listed again after it was deleted
//	gone F         file F is deleted
//	part F S       file F, an occurrence of the series S, comes into the list
//	lost, valid    the vendor refuses tokens, or takes them again
//	hour           an hour passes
//	look           the list is read
//	fail N         the same, but the Nth commit fails
//	crash N        the same, and the process starts again
//	hook T         the script has one hook, on trigger T
func (p *tokenPlay) act(step string) {
	p.Helper()
	p.clock.Pass(5 * time.Second)
	words := append(strings.Fields(step), "", "")
	switch file := words[1]; words[0] {
	case "new":
		p.file(file, object{"created": p.stamp(0)})
	case "old":
		p.file(file, object{"created": p.stamp(9 * 24 * time.Hour)})
	case "bare":
		p.file(file, object{"updated": nil})
	case "set":
		p.file(file, object{"state": "here"})
	case "gone":
		p.file(file, object{"state": "gone"})
	case "part":
		created := p.last(words[2])["created"]
		if created == nil {
			created = p.stamp(9 * 24 * time.Hour)
		}
		p.file(file, object{"created": created, "series": words[2]})
	case "lost", "valid":
		p.desk.do(func() { p.desk.lost = words[0] == "lost" })
	case "hour":
		p.clock.Pass(time.Hour)
	case "look":
		p.found = append(p.found, p.look("files"))
	case "fail", "crash":
		p.cut(words[0] == "crash", file)
	case "hook":
		p.script(fmt.Sprintf("on(%q, { lane = false }, function(event) end)", file))
		p.reload()
	default:
		p.Fatalf("found step %q, expected one of the above", step)
	}
}

func (p *tokenPlay) stamp(ago time.Duration) string {
	return p.clock.Now().Add(-ago).UTC().Format(time.RFC3339)
}

func (p *tokenPlay) last(id string) object {
	state := object{}
	for _, f := range p.desk.files {
		if f["id"] == id {
			state = f
		}
	}
	return state
}

func (p *tokenPlay) file(id string, fields object) {
	p.desk.do(func() {
		changed := object{"id": id, "updated": p.stamp(0)}
		for k, v := range p.last(id) {
			if k != "updated" || v == nil {
				changed[k] = v
			}
		}
		for k, v := range fields {
			changed[k] = v
		}
		p.desk.files = append(p.desk.files, changed)
	})
}

func (p *tokenPlay) cut(crash bool, commit string) {
	p.Helper()
	p.sweeps = 0
	p.fail = func(n int) error {
		if fmt.Sprint(n) == commit {
			return errors.New("the disk is full")
		}
		return nil
	}
	if _, err := p.poller.Look(p.Context(), "desk", "files", journal.Poll); err == nil {
		p.Fatalf("the look did not fail at commit %s", commit)
	}
	p.fail = nil
	if crash {
		p.again()
	}
	p.found = append(p.found, p.told())
}

func TestANewRecordOfAListWithAToken(t *testing.T) {
	const week = 7 * 24 * time.Hour
	partial := func(w *world) {
		files, _ := w.app.Poll("files")
		files.Sync.Complete = false
	}
	since := func(w *world) { w.setting.Since = w.clock.Now().Add(-week) }
	for name, test := range map[string]struct {
		change func(*world)
		play   string
		want   string // the events of each look, without "file."
	}{
		"older than the first look":                   {nil, "new a, new b, look, old c, new d, look, look", "; created c, created d; "},
		"a changed old record":                        {nil, "old a, new b, look, set a, set b, look, set b, look", "; updated a, updated b; updated b"},
		"changed after it was created":                {nil, "new a, look, old c, look, set c, look", "; created c; updated c"},
		"a list of changes only":                      {partial, "old a, look, old c, new d, look, set c, look", "; updated c, created d; updated c"},
		"a list of changes only, token lost":          {partial, "old a, look, old c, new d, lost, look", "; updated c, created d"},
		"since":                                       {since, "old a, new b, look, look, old c, set a, look", "updated a, created b; ; created c, updated a"},
		"first look, crash after page 1":              {nil, "old a, old b, old c, crash 2, old d, new e, look, old f, look", "; created e; created f"},
		"first look, error after page 1":              {nil, "old a, old b, old c, fail 2, old d, new e, look, old f, look", "; created e; created f"},
		"first look, two crashes":                     {nil, "old a, old b, old c, crash 2, crash 1, look, old f, look", "; ; ; created f"},
		"first look with since, crash after page 1":   {since, "old a, old b, old c, crash 2, new e, look, old f, look", "updated a, updated b; updated c, created e; created f"},
		"later look, crash after page 1":              {nil, "old a, look, old b, old c, old d, crash 2, look, look", "; created b, created c; created d; "},
		"later look, error after page 1":              {nil, "old a, look, old b, old c, old d, fail 2, look, look", "; created b, created c; created d; "},
		"token lost, no change":                       {nil, "old a, old b, old c, look, lost, look, valid, look", "; ; "},
		"token lost, changes meanwhile":               {nil, "old a, old b, old c, look, lost, set b, old d, new e, look", "; updated b, created d, created e"},
		"token lost, deleted meanwhile":               {nil, "old a, old b, look, lost, hour, gone a, look", "; deleted a"},
		"token lost, deleted meanwhile, listed again": {nil, "old a, old b, look, lost, hour, gone a, look, set a, look", "; deleted a; created a"},
		"token lost twice":                            {nil, "old a, old b, old c, look, lost, old d, look, old e, look, look, valid, old f, look, look", "; created d; created e; ; created f; "},
		"token lost, crashes in the full list":        {nil, "old a, old b, look, lost, old c, old d, old e, crash 2, crash 2, old f, look, look", "; created c, created d; created e; created f; "},
		"deleted and listed again":                    {nil, "old a, look, gone a, look, set a, look, set a, look", "; deleted a; created a; updated a"},
		"deleted and listed again twice":              {nil, "new a, look, gone a, look, set a, look, gone a, look, set a, look", "; deleted a; created a; deleted a; created a"},
		"deleted and listed again between two looks":  {nil, "old a, look, gone a, set a, look", "; updated a"},
		"deleted and listed again, no times":          {nil, "bare a, look, gone a, look, set a, look, bare b, look", "; deleted a; created a; created b"},
		"created and deleted between two looks":       {nil, "old a, look, old b, gone b, look, set b, look", "; ; created b"},
		"deleted before the first look":               {nil, "old a, gone a, old b, look, set a, look", "; created a"},
		"occurrence of a series":                      {nil, "old s, look, part o s, look, set o, look, gone o, look", "; updated o; updated o; deleted o"},
		"occurrence of a series, token lost":          {nil, "old s, look, lost, part o s, look, look", "; updated o; "},
		"occurrence deleted and listed again":         {nil, "old s, part o s, look, gone o, look, set o, look", "; deleted o; created o"},
		"occurrence that was never listed is deleted": {nil, "old s, look, part o s, gone o, look, set o, look", "; ; updated o"},
		"occurrence of a new series":                  {nil, "old a, look, new s, look, part o s, look, set o, look, gone s, look, set o, look", "; created s; updated o; updated o; deleted s; updated o"},
		"occurrence listed with its series":           {nil, "old a, look, part o s, old s, look, set o, look", "; created o, created s; updated o"},
		"occurrence without its series":               {nil, "old a, look, part o s, look, set o, look", "; created o; updated o"},
		"occurrence of a deleted series":              {nil, "old s, look, gone s, look, part o s, look", "; deleted s; created o"},
		"hook on updated only":                        {nil, "hook desk.file.updated, old a, look, old b, look, set b, look", "; ; updated b"},
		"hook on created added later":                 {nil, "hook desk.file.updated, old a, look, old b, look, hook desk.file.*, look, set b, old c, look", "; ; ; updated b, created c"},
		"hook on created only":                        {nil, "hook desk.file.created, old a, look, set a, old b, look, gone b, look, set b, look", "; created b; ; created b"},
		"script removed and put back":                 {nil, "old a, look, hook emit:other, old b, set a, hook desk.file.*, look", "; created b, updated a"},
		"script removed and put back, token lost":     {nil, "old a, look, hook emit:other, old b, set a, lost, hook desk.file.*, look", "; updated a, created b"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.change == nil {
				test.change = func(*world) {}
			}
			p := &tokenPlay{world: newWorld(t, everything, test.change)}
			for step := range strings.SplitSeq(test.play, ", ") {
				p.act(step)
			}
			p.want("events", strings.ReplaceAll(strings.Join(p.found, "; "), "file.", ""), test.want)
		})
	}
}

// The created event of a record that is older than the poll has the time of the
// record's last change, and a new id each time.
func TestTheTimeOfARecordThatCameLater(t *testing.T) {
	p := &tokenPlay{world: newWorld(t, everything)}
	for _, step := range []string{"old a", "look", "old b", "look", "gone b", "look", "set b", "look"} {
		p.act(step)
	}
	var created []journal.Event
	for _, e := range p.events() {
		if e.Type == "desk.file.created" {
			created = append(created, e)
		}
	}
	if len(created) != 2 || created[0].ID == created[1].ID {
		t.Fatalf("found %+v, expected two events with ids of their own", created)
	}
	for _, e := range created {
		if updated := jsonpath.Text(e.Data, "updated"); e.Time.Format(time.RFC3339) != updated {
			t.Errorf("found %s, expected %s", e.Time, updated)
		}
	}
}

// Each connection has its own first look. So has one with a new name.
func TestANewRecordOfEachConnection(t *testing.T) {
	p := &tokenPlay{world: newWorld(t, everything, func(w *world) {
		second := w.setting
		second.Name, second.Account = "desk/second", "acc2"
		w.others = []connection.Settings{second}
	})}
	look := func(name, want string) {
		t.Helper()
		if _, err := p.poller.Look(t.Context(), name, "files", journal.Poll); err != nil {
			t.Fatal(err)
		}
		p.want(name, p.told(), want)
	}
	p.act("old a")
	look("desk", "")
	p.act("old b")
	look("desk/second", "")
	look("desk", "file.created b")
	p.act("old c")
	look("desk/second", "file.created c")
	look("desk", "file.created c")

	p.act("old d")
	p.others[0].Name = "desk/renamed"
	p.again()
	look("desk/renamed", "")
	p.act("old e")
	look("desk/renamed", "file.created e")
	look("desk", "file.created d, file.created e")
	if _, err := p.poller.Look(t.Context(), "desk/second", "files", journal.Poll); !poll.Idle(err) {
		t.Errorf("found %v, expected no poll of the old name", err)
	}
}

// A list that is asked for what changed since a time has an unknown record that
// is older than the poll because that record changed.
func TestAnOldRecordOfAListWithoutAToken(t *testing.T) {
	w := newWorld(t, everything)
	cardsBefore(w, 1)
	w.look("cards")
	w.clock.Pass(time.Minute)
	stamp := w.clock.Now().UTC().Format(time.RFC3339)
	w.desk.do(func() {
		w.desk.cards = append(w.desk.cards, object{"id": "c9", "created": "2020-01-01T00:00:00Z", "updated": stamp})
	})
	w.want("events", w.look("cards"), "card.updated c9")
}
