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

// tokenScenario is a vendor whose files change between polls.
type tokenScenario struct {
	*fixture
	found []string // the events of each scan
}

// act does one step of a scenario:
//
//	new F, old F   file F is added to the list, created now or nine days ago
//	bare F         the same for a file without times
//	set F          file F changes, or is listed again after it was deleted
//	gone F         file F is deleted
//	part F S       file F, an occurrence of the series S, is added to the list
//	lost, valid    the vendor refuses tokens, or accepts them again
//	hour           an hour passes
//	scan           the list is read
//	fail N         the same, but the Nth commit fails
//	crash N        the same, and the process starts again
//	hook T         the script has one hook, on trigger T
func (p *tokenScenario) act(step string) {
	p.Helper()
	p.clock.Advance(5 * time.Second)
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
		p.vendor.do(func() { p.vendor.lost = words[0] == "lost" })
	case "hour":
		p.clock.Advance(time.Hour)
	case "scan":
		p.found = append(p.found, p.scan("files"))
	case "fail", "crash":
		p.cut(words[0] == "crash", file)
	case "hook":
		p.script(fmt.Sprintf("on(%q, { lane = false }, function(event) end)", file))
		p.reload()
	default:
		p.Fatalf("found step %q, expected one of the above", step)
	}
}

func (p *tokenScenario) stamp(ago time.Duration) string {
	return p.clock.Now().Add(-ago).UTC().Format(time.RFC3339)
}

func (p *tokenScenario) last(id string) object {
	state := object{}
	for _, f := range p.vendor.files {
		if f["id"] == id {
			state = f
		}
	}
	return state
}

func (p *tokenScenario) file(id string, fields object) {
	p.vendor.do(func() {
		changed := object{"id": id, "updated": p.stamp(0)}
		for k, v := range p.last(id) {
			if k != "updated" || v == nil {
				changed[k] = v
			}
		}
		for k, v := range fields {
			changed[k] = v
		}
		p.vendor.files = append(p.vendor.files, changed)
	})
}

func (p *tokenScenario) cut(crash bool, commit string) {
	p.Helper()
	p.pages = 0
	p.fail = func(n int) error {
		if fmt.Sprint(n) == commit {
			return errors.New("the disk is full")
		}
		return nil
	}
	if _, err := p.poller.Scan(p.Context(), "helpdesk", "files", journal.Poll); err == nil {
		p.Fatalf("the scan did not fail at commit %s", commit)
	}
	p.fail = nil
	if crash {
		p.again()
	}
	p.found = append(p.found, p.newEvents())
}

func TestANewRecordOfAListWithAToken(t *testing.T) {
	const week = 7 * 24 * time.Hour
	partial := func(w *fixture) {
		files, _ := w.app.Poll("files")
		files.Sync.Complete = false
	}
	since := func(w *fixture) { w.setting.Since = w.clock.Now().Add(-week) }
	for name, test := range map[string]struct {
		change func(*fixture)
		steps  string
		want   string // the events of each scan, without "file."
	}{
		"older than the first scan":                   {nil, "new a, new b, scan, old c, new d, scan, scan", "; created c, created d; "},
		"a changed old record":                        {nil, "old a, new b, scan, set a, set b, scan, set b, scan", "; updated a, updated b; updated b"},
		"changed after it was created":                {nil, "new a, scan, old c, scan, set c, scan", "; created c; updated c"},
		"a list of changes only":                      {partial, "old a, scan, old c, new d, scan, set c, scan", "; updated c, created d; updated c"},
		"a list of changes only, token lost":          {partial, "old a, scan, old c, new d, lost, scan", "; updated c, created d"},
		"since":                                       {since, "old a, new b, scan, scan, old c, set a, scan", "updated a, created b; ; created c, updated a"},
		"first scan, crash after page 1":              {nil, "old a, old b, old c, crash 2, old d, new e, scan, old f, scan", "; created e; created f"},
		"first scan, error after page 1":              {nil, "old a, old b, old c, fail 2, old d, new e, scan, old f, scan", "; created e; created f"},
		"first scan, two crashes":                     {nil, "old a, old b, old c, crash 2, crash 1, scan, old f, scan", "; ; ; created f"},
		"first scan with since, crash after page 1":   {since, "old a, old b, old c, crash 2, new e, scan, old f, scan", "updated a, updated b; updated c, created e; created f"},
		"later scan, crash after page 1":              {nil, "old a, scan, old b, old c, old d, crash 2, scan, scan", "; created b, created c; created d; "},
		"later scan, error after page 1":              {nil, "old a, scan, old b, old c, old d, fail 2, scan, scan", "; created b, created c; created d; "},
		"token lost, no change":                       {nil, "old a, old b, old c, scan, lost, scan, valid, scan", "; ; "},
		"token lost, changes meanwhile":               {nil, "old a, old b, old c, scan, lost, set b, old d, new e, scan", "; updated b, created d, created e"},
		"token lost, deleted meanwhile":               {nil, "old a, old b, scan, lost, hour, gone a, scan", "; deleted a"},
		"token lost, deleted meanwhile, listed again": {nil, "old a, old b, scan, lost, hour, gone a, scan, set a, scan", "; deleted a; created a"},
		"token lost twice":                            {nil, "old a, old b, old c, scan, lost, old d, scan, old e, scan, scan, valid, old f, scan, scan", "; created d; created e; ; created f; "},
		"token lost, crashes in the full list":        {nil, "old a, old b, scan, lost, old c, old d, old e, crash 2, crash 2, old f, scan, scan", "; created c, created d; created e; created f; "},
		"deleted and listed again":                    {nil, "old a, scan, gone a, scan, set a, scan, set a, scan", "; deleted a; created a; updated a"},
		"deleted and listed again twice":              {nil, "new a, scan, gone a, scan, set a, scan, gone a, scan, set a, scan", "; deleted a; created a; deleted a; created a"},
		"deleted and listed again between two scans":  {nil, "old a, scan, gone a, set a, scan", "; updated a"},
		"deleted and listed again, no times":          {nil, "bare a, scan, gone a, scan, set a, scan, bare b, scan", "; deleted a; created a; created b"},
		"created and deleted between two scans":       {nil, "old a, scan, old b, gone b, scan, set b, scan", "; ; created b"},
		"deleted before the first scan":               {nil, "old a, gone a, old b, scan, set a, scan", "; created a"},
		"occurrence of a series":                      {nil, "old s, scan, part o s, scan, set o, scan, gone o, scan", "; updated o; updated o; deleted o"},
		"occurrence of a series, token lost":          {nil, "old s, scan, lost, part o s, scan, scan", "; updated o; "},
		"occurrence deleted and listed again":         {nil, "old s, part o s, scan, gone o, scan, set o, scan", "; deleted o; created o"},
		"occurrence that was never listed is deleted": {nil, "old s, scan, part o s, gone o, scan, set o, scan", "; ; updated o"},
		"occurrence of a new series":                  {nil, "old a, scan, new s, scan, part o s, scan, set o, scan, gone s, scan, set o, scan", "; created s; updated o; updated o; deleted s; updated o"},
		"occurrence listed with its series":           {nil, "old a, scan, part o s, old s, scan, set o, scan", "; created o, created s; updated o"},
		"occurrence without its series":               {nil, "old a, scan, part o s, scan, set o, scan", "; created o; updated o"},
		"occurrence of a deleted series":              {nil, "old s, scan, gone s, scan, part o s, scan", "; deleted s; created o"},
		"hook on updated only":                        {nil, "hook helpdesk.file.updated, old a, scan, old b, scan, set b, scan", "; ; updated b"},
		"hook on created added later":                 {nil, "hook helpdesk.file.updated, old a, scan, old b, scan, hook helpdesk.file.*, scan, set b, old c, scan", "; ; ; updated b, created c"},
		"hook on created only":                        {nil, "hook helpdesk.file.created, old a, scan, set a, old b, scan, gone b, scan, set b, scan", "; created b; ; created b"},
		"script removed and put back":                 {nil, "old a, scan, hook emit:other, old b, set a, hook helpdesk.file.*, scan", "; created b, updated a"},
		"script removed and put back, token lost":     {nil, "old a, scan, hook emit:other, old b, set a, lost, hook helpdesk.file.*, scan", "; updated a, created b"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.change == nil {
				test.change = func(*fixture) {}
			}
			p := &tokenScenario{fixture: newFixture(t, everything, test.change)}
			for step := range strings.SplitSeq(test.steps, ", ") {
				p.act(step)
			}
			p.want("events", strings.ReplaceAll(strings.Join(p.found, "; "), "file.", ""), test.want)
		})
	}
}

// The created event of a record that is older than the poll has the time of the
// record's last change, and a new id each time.
func TestTheTimeOfARecordThatWasAddedLater(t *testing.T) {
	p := &tokenScenario{fixture: newFixture(t, everything)}
	for _, step := range []string{"old a", "scan", "old b", "scan", "gone b", "scan", "set b", "scan"} {
		p.act(step)
	}
	var created []journal.Event
	for _, e := range p.events() {
		if e.Type == "helpdesk.file.created" {
			created = append(created, e)
		}
	}
	if len(created) != 2 || created[0].ID == created[1].ID {
		t.Fatalf("found %+v, expected two events with different ids", created)
	}
	for _, e := range created {
		if updated := jsonpath.Text(e.Data, "updated"); e.Time.Format(time.RFC3339) != updated {
			t.Errorf("found %s, expected %s", e.Time, updated)
		}
	}
}

// Each connection has its own first scan. So has one with a new name.
func TestANewRecordOfEachConnection(t *testing.T) {
	p := &tokenScenario{fixture: newFixture(t, everything, func(w *fixture) {
		second := w.setting
		second.Name, second.Account = "helpdesk/second", "acc2"
		w.others = []connection.Settings{second}
	})}
	scan := func(name, want string) {
		t.Helper()
		if _, err := p.poller.Scan(t.Context(), name, "files", journal.Poll); err != nil {
			t.Fatal(err)
		}
		p.want(name, p.newEvents(), want)
	}
	p.act("old a")
	scan("helpdesk", "")
	p.act("old b")
	scan("helpdesk/second", "")
	scan("helpdesk", "file.created b")
	p.act("old c")
	scan("helpdesk/second", "file.created c")
	scan("helpdesk", "file.created c")

	p.act("old d")
	p.others[0].Name = "helpdesk/renamed"
	p.again()
	scan("helpdesk/renamed", "")
	p.act("old e")
	scan("helpdesk/renamed", "file.created e")
	scan("helpdesk", "file.created d, file.created e")
	if _, err := p.poller.Scan(t.Context(), "helpdesk/second", "files", journal.Poll); !poll.Idle(err) {
		t.Errorf("found %v, expected no poll of the old name", err)
	}
}

// A list of changes since a time contains an unknown record that is older than
// the poll because that record changed.
func TestAnOldRecordOfAListWithoutAToken(t *testing.T) {
	w := newFixture(t, everything)
	cardsBefore(w, 1)
	w.scan("cards")
	w.clock.Advance(time.Minute)
	stamp := w.clock.Now().UTC().Format(time.RFC3339)
	w.vendor.do(func() {
		w.vendor.cards = append(w.vendor.cards, object{"id": "c9", "created": "2020-01-01T00:00:00Z", "updated": stamp})
	})
	w.want("events", w.scan("cards"), "card.updated c9")
}
