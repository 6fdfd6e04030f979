package journal_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
)

func TestWhere(t *testing.T) {
	const data = `{"status":"paid","n":3,"big":9007199254740993,"ok":true,"none":null,"deal":{"stage":"won"},"tags":["vip"],"zero":0}`
	for _, c := range []struct {
		path     string
		accepted []string
		matches  bool
	}{
		{"status", []string{`"paid"`}, true},
		{"status", []string{`"open"`, `"paid"`}, true},
		{"status", []string{`"p\u0061id"`}, true},
		{"status", []string{`"open"`}, false},
		{"status", []string{`paid`}, false},
		{"status", nil, false},
		{"n", []string{`3`}, true},
		{"n", []string{`3.0`}, true},
		{"n", []string{`30e-1`}, true},
		{"n", []string{`"3"`}, false},
		{"big", []string{`9007199254740993`}, true},
		{"big", []string{`9007199254740992`}, false},
		{"zero", []string{`-0`}, true},
		{"ok", []string{`true`}, true},
		{"ok", []string{`false`}, false},
		{"none", []string{`null`}, true},
		{"absent", []string{`null`}, true},
		{"absent", []string{`"x"`}, false},
		{"absent", []string{`false`}, false},
		{"status", []string{`null`}, false},
		{"deal.stage", []string{`"won"`}, true},
		{"deal", []string{`null`}, false},
		{"tags.0", []string{`"vip"`}, true},
		{"tags", []string{`"vip"`}, false},
		{"tags", []string{`["vip"]`}, false},
	} {
		h := &journal.Hook{Where: map[string][]string{c.path: c.accepted}}
		if h.Matches(&journal.Event{Data: []byte(data)}) != c.matches {
			t.Errorf("%s in %s: expected %v", c.path, strings.Join(c.accepted, " or "), c.matches)
		}
	}
}

func TestWhereAppliesToAllPathsAndTheConnection(t *testing.T) {
	event := &journal.Event{Connection: "highlevel/paris", Data: []byte(`{"a":1,"b":2}`)}
	for _, c := range []struct {
		hook    journal.Hook
		matches bool
	}{
		{journal.Hook{}, true},
		{journal.Hook{Connection: "highlevel/paris"}, true},
		{journal.Hook{Connection: "highlevel"}, false},
		{journal.Hook{Where: map[string][]string{"a": {"1"}, "b": {"2"}}}, true},
		{journal.Hook{Where: map[string][]string{"a": {"1"}, "b": {"3"}}}, false},
	} {
		if c.hook.Matches(event) != c.matches {
			t.Errorf("%+v: expected %v", c.hook, c.matches)
		}
	}
}

func TestExcludes(t *testing.T) {
	where := func(path string, accepted ...string) journal.Hook {
		return journal.Hook{Where: map[string][]string{path: accepted}}
	}
	for _, c := range []struct {
		one, other journal.Hook
		excludes   bool
	}{
		{journal.Hook{}, journal.Hook{}, false},
		{journal.Hook{Connection: "a"}, journal.Hook{Connection: "b"}, true},
		{journal.Hook{Connection: "a"}, journal.Hook{}, false},
		{where("a", "1", "2"), where("a", "3"), true},
		{where("a", "1", "2"), where("a", "3", "2.0"), false},
		{where("a", "1"), where("a", `"1"`), true},
		{where("a", "1"), where("b", "2"), false},
		{where("a", "null"), where("a", "null"), false},
	} {
		if c.one.Excludes(&c.other) != c.excludes || c.other.Excludes(&c.one) != c.excludes {
			t.Errorf("%+v and %+v: expected %v", c.one, c.other, c.excludes)
		}
	}
}

func FuzzValidJSON(f *testing.F) {
	f.Add([]byte(`{"a":[1,2.5e-3,"x",null,true]}`))
	f.Add([]byte(`{} {}`))
	f.Add([]byte(strings.Repeat(`[`, 20_000) + strings.Repeat(`]`, 20_000)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if journal.ValidJSON(data) && !json.Valid(data) {
			t.Errorf("%q is not JSON", data)
		}
	})
}
