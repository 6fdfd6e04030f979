package change

import (
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// comparison holds what is told of a record against what is known.
type comparison struct {
	lore *Lore
	ids  []string // values that every event about the record has

	shared       int      // values that both have
	sent         int      // fields that both have and that we sent
	contradicted bool     // one that we sent is told otherwise
	strays       []string // others that are told otherwise, and what we sent in other letters
	otherCase    bool     // the values compared last differ in the case of letters alone
}

// records compares the fields of a record; one that one side does not have is
// not known, or not told.
func (c *comparison) records(known, told gjson.Result) {
	have := known.Map()
	told.ForEach(func(key, value gjson.Result) bool {
		name := key.String()
		before, has := have[name]
		switch {
		case !has || name == c.lore.version() || slices.Contains(c.lore.Free, name):
		case name == c.lore.Within && before.IsObject() && value.IsObject():
			c.records(before, value)
		default:
			c.field(name, before, value)
		}
		return true
	})
}

func (c *comparison) field(name string, known, told gjson.Result) {
	shared := c.shared
	c.otherCase = false
	same := c.same(known, told, true)
	ours := c.lore.sent(name)
	if same && ours && c.shared > shared {
		c.sent++
	}
	switch {
	case same && c.otherCase:
		c.strays = append(c.strays, name)
	case !same && ours:
		c.contradicted = true
	case !same:
		c.strays = append(c.strays, name)
	}
}

func (c *comparison) same(known, told gjson.Result, fields bool) bool {
	switch {
	case empty(known) && empty(told):
		return true
	case known.IsObject() && told.IsObject():
		return c.sameFields(known, told)
	case known.IsArray() && told.IsArray():
		return c.sameList(known.Array(), told.Array())
	case known.IsObject() || known.IsArray() || told.IsObject() || told.IsArray():
		return false
	}
	a, b := strings.TrimSpace(known.String()), strings.TrimSpace(told.String())
	if fields && b != "" && !slices.Contains(c.ids, b) {
		c.shared++
	}
	// Vendors put texts, numbers and times into a form of their own on the way.
	if a != b && strings.EqualFold(a, b) {
		c.otherCase = c.otherCase || !strings.Contains(a, "@")
		return true
	}
	return a == b || known.Type == gjson.Number && told.Type == gjson.Number && known.Num == told.Num || sameTime(a, b)
}

// sameTime compares times, and days as their beginning in UTC.
func sameTime(a, b string) bool {
	x, y := timeOf(a), timeOf(b)
	return !x.IsZero() && x.Equal(y)
}

func timeOf(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// sameFields compares what both have.
func (c *comparison) sameFields(known, told gjson.Result) bool {
	have := known.Map()
	same := true
	told.ForEach(func(name, value gjson.Result) bool {
		if before, has := have[name.String()]; has && !slices.Contains(c.lore.Free, name.String()) {
			same = c.same(before, value, true)
		}
		return same
	})
	return same
}

// sameList compares lists in which the order of plain values tells nothing.
func (c *comparison) sameList(known, told []gjson.Result) bool {
	if len(known) != len(told) {
		return false
	}
	c.shared++
	left := slices.Clone(known)
	for _, value := range told {
		found := slices.IndexFunc(left, func(before gjson.Result) bool { return c.same(before, value, false) })
		if found < 0 {
			return false
		}
		left = slices.Delete(left, found, found+1)
	}
	return true
}

func empty(v gjson.Result) bool {
	return !v.Exists() || v.Type == gjson.Null || v.Type == gjson.String && v.Str == ""
}
