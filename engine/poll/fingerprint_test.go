package poll_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/poll"
)

// TestWrittenFingerprint finds what a call made of a polled record, as far as call and
// answer have what the poll compares.
func TestWrittenFingerprint(t *testing.T) {
	w := newFixture(t, everything, func(w *fixture) {
		cards, _ := w.app.Poll("cards")
		cards.Compare = []string{"title", "column"}
		stickers, _ := w.app.Poll("stickers")
		stickers.Adds = map[string]string{"board": "id"}
		files, _ := w.app.Poll("files")
		files.PerItem, files.ForEach = true, &bindings.ForEach{List: bindings.Call{Operation: "boards.list"}, ID: "id"}
		files.Adds, files.Updated, files.Ignore = map[string]string{"board": "id", "name": "name"}, "", []string{"etag"}
	})
	moved, finished := change.FacetAspect("helpdesk.card.moved"), change.FacetAspect("helpdesk.card.finished")
	card := []string{"title", "column"}
	all := []string{"id", "title", "column", "done"}
	for name, test := range map[string]struct {
		noun, data string
		names      []string // of the fields that the answer can have
		within     string
		created    bool
		want       map[change.Aspect]uint64 // nil: none
	}{
		"an edit": {noun: "card", data: `{"id":"r","title":"a","column":"b"}`, names: all,
			want: map[change.Aspect]uint64{change.ContentAspect: hash(`{"title":"a","column":"b"}`, card...), moved: hash(`{"column":"b"}`, "column"), finished: hash(`{}`, "done")}},
		"a created record": {noun: "card", data: `{"id":"r","title":"a"}`, names: all, created: true,
			want: map[change.Aspect]uint64{change.CreatedAspect: 0, change.ContentAspect: hash(`{"title":"a"}`, card...), moved: hash(`{}`, "column"), finished: hash(`{}`, "done")}},
		"the answer has a part": {noun: "card", data: `{"id":"r","column":"b"}`, names: []string{"id"},
			want: map[change.Aspect]uint64{moved: hash(`{"column":"b"}`, "column")}},
		"the answer has nothing that is compared": {noun: "card", data: `{"id":"r","watchers":3}`, names: []string{"id"}},
		"a created record of which only the id is known": {noun: "card", data: `{"id":"r"}`, created: true,
			want: map[change.Aspect]uint64{change.CreatedAspect: 0}},
		"the item is compared as a whole, without arguments and what is ignored": {noun: "note", data: `{"id":"r","text":"a","seen":1,"notify":true}`, names: []string{"id", "text", "seen"},
			want: map[change.Aspect]uint64{change.ContentAspect: hash(`{"id":"r","text":"a"}`)}},
		"the fields of the item are not known":            {noun: "note", data: `{"id":"r","text":"a"}`},
		"event.data has the record in a field":            {noun: "note", data: `{"note":{"text":"a"}}`, names: []string{"text"}, within: "note"},
		"event.data has other names":                      {noun: "sticker", data: `{"id":"r","text":"a","board":"b"}`, names: []string{"id", "text"}},
		"a record that is unique in its item":             {noun: "file", data: `{"id":"r","text":"a","board":"b","name":"n","etag":1}`, names: []string{"id", "text", "etag"}, want: map[change.Aspect]uint64{change.ContentAspect: hash(`{"id":"r","text":"a","board":"b","name":"n"}`)}},
		"one of whose item only the id is known":          {noun: "file", data: `{"id":"r","text":"a","board":"b"}`, names: []string{"id", "text"}},
		"one whose item is not known":                     {noun: "file", data: `{"id":"r","text":"a"}`, names: []string{"id", "text"}},
		"a record that is not polled":                     {noun: "entry", data: `{"id":"r"}`, created: true},
		"the record is in a field, and the paths are not": {noun: "card", data: `{"card":{"title":"a","column":"b"}}`, names: all, within: "card"},
	} {
		t.Run(name, func(t *testing.T) {
			m := w.polls.WrittenFingerprint(&change.Written{Connection: "helpdesk", Noun: "helpdesk." + test.noun, Record: "r", Data: []byte(test.data), Created: test.created,
				Fields: change.Fields{Within: test.within, Names: test.names}, EchoRule: change.EchoRule{Within: test.within}})
			found := map[change.Aspect]uint64{}
			if m != nil {
				for _, o := range append([]change.Observation{m.Observation}, m.Implied...) {
					found[o.Aspect] = o.Hash
				}
			}
			if fmt.Sprint(found) != fmt.Sprint(test.want) {
				t.Errorf("found %v, expected %v", found, test.want)
			}
		})
	}

	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	written := &change.Written{Connection: "helpdesk", Noun: "helpdesk.card", Record: "r", Data: []byte(`{"title":"a","column":"b","updated":"2026-03-01T12:00:00Z"}`)}
	if m := w.polls.WrittenFingerprint(written); m == nil || !m.At.Equal(at) {
		t.Errorf("the time of the answer: found %+v, expected %v", m, at)
	}
	written.Gone = true
	if m := w.polls.WrittenFingerprint(written); m != nil {
		t.Errorf("a deleted record: found %+v", m)
	}
}

func hash(data string, compare ...string) uint64 { return poll.ContentHash([]byte(data), compare, nil) }
