package journal_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
)

func TestLaneKey(t *testing.T) {
	record := journal.Lane{Kind: journal.LaneRecord}
	paths := func(p ...string) journal.Lane { return journal.Lane{Kind: journal.LanePaths, Paths: p} }
	for name, c := range map[string]struct {
		lane     journal.Lane
		event    journal.Event
		expected string
	}{
		"record":           {record, journal.Event{Account: "loc", Record: "c_1"}, "record:loc/c_1"},
		"account only":     {record, journal.Event{Account: "loc"}, "record:loc/"},
		"slash in account": {record, journal.Event{Account: "a/b", Record: "c"}, `record:a\/b/c`},
		"slash in record":  {record, journal.Event{Account: "a", Record: "b/c"}, `record:a/b\/c`},
		"backslash":        {record, journal.Event{Account: `a\`, Record: "b"}, `record:a\\/b`},
		"one path":         {paths("deal.id"), journal.Event{Data: []byte(`{"deal":{"id":7}}`)}, "path:7"},
		"text and number":  {paths("a", "b"), journal.Event{Data: []byte(`{"a":"x/y","b":1.50}`)}, `path:x\/y/1.5`},
		"absent":           {paths("a", "b"), journal.Event{Data: []byte(`{"b":null}`)}, "path:/"},
		"hook":             {journal.Lane{Kind: journal.LaneHook}, journal.Event{Record: "c_1"}, "hook"},
		"none":             {journal.Lane{Kind: journal.LaneNone}, journal.Event{Record: "c_1"}, ""},
		"no lane":          {journal.Lane{}, journal.Event{Record: "c_1"}, ""},
	} {
		if found := (&journal.Hook{Lane: c.lane}).LaneKey(&c.event); found != c.expected {
			t.Errorf("%s: found %q, expected %q", name, found, c.expected)
		}
	}
}

func TestLongLaneKeysAreHashed(t *testing.T) {
	h := &journal.Hook{Lane: journal.Lane{Kind: journal.LaneRecord}}
	key := func(record string) string { return h.LaneKey(&journal.Event{Account: "loc", Record: record}) }
	long := strings.Repeat("x", 10_000)
	if k := key(long + "1"); len(k) > 100 || k == key(long+"2") || k != key(long+"1") || !strings.HasPrefix(k, "record:") {
		t.Errorf("found %q", k)
	}
}
