package change

import (
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// comparison compares the state of a record that an event reports with the one
// that is stored.
type comparison struct {
	provenance *Provenance
	ids        []string // values that every event about the record has

	shared       int      // values that both have
	sent         int      // fields that both have and that we sent
	contradicted bool     // a field that we sent is reported with another value
	unexpected   []string // fields that we did not send and that differ, and fields that differ in case
	otherCase    bool     // the values compared last differ only in the case of letters
}

// records compares the fields that both states of a record have.
func (c *comparison) records(known, reported gjson.Result) {
	have := known.Map()
	reported.ForEach(func(key, value gjson.Result) bool {
		name := key.String()
		before, has := have[name]
		switch {
		case !has || name == c.provenance.version() || slices.Contains(c.provenance.Free, name):
		case name == c.provenance.Within && before.IsObject() && value.IsObject():
			c.records(before, value)
		default:
			c.field(name, before, value)
		}
		return true
	})
}

func (c *comparison) field(name string, known, reported gjson.Result) {
	shared := c.shared
	c.otherCase = false
	same := c.same(known, reported, true)
	ours := c.provenance.wasSent(name)
	if same && ours && c.shared > shared {
		c.sent++
	}
	switch {
	case same && c.otherCase:
		c.unexpected = append(c.unexpected, name)
	case !same && ours:
		c.contradicted = true
	case !same:
		c.unexpected = append(c.unexpected, name)
	}
}

func (c *comparison) same(known, reported gjson.Result, fields bool) bool {
	switch {
	case empty(known) && empty(reported):
		return true
	case known.IsObject() && reported.IsObject():
		return c.sameFields(known, reported)
	case known.IsArray() && reported.IsArray():
		return c.sameList(known.Array(), reported.Array())
	case known.IsObject() || known.IsArray() || reported.IsObject() || reported.IsArray():
		return false
	}
	a, b := strings.TrimSpace(known.String()), strings.TrimSpace(reported.String())
	if fields && b != "" && !slices.Contains(c.ids, b) {
		c.shared++
	}
	// Vendors return texts, numbers and times in a form of their own.
	if a != b && strings.EqualFold(a, b) {
		c.otherCase = c.otherCase || !strings.Contains(a, "@")
		return true
	}
	return a == b || known.Type == gjson.Number && reported.Type == gjson.Number && known.Num == reported.Num || sameTime(a, b)
}

// sameTime reports whether two texts are the same time; a date is its beginning
// in UTC.
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

// sameFields compares the fields that both objects have.
func (c *comparison) sameFields(known, reported gjson.Result) bool {
	have := known.Map()
	same := true
	reported.ForEach(func(name, value gjson.Result) bool {
		if before, has := have[name.String()]; has && !slices.Contains(c.provenance.Free, name.String()) {
			same = c.same(before, value, true)
		}
		return same
	})
	return same
}

// sameList compares lists whatever their order is.
func (c *comparison) sameList(known, reported []gjson.Result) bool {
	if len(known) != len(reported) {
		return false
	}
	c.shared++
	left := slices.Clone(known)
	for _, value := range reported {
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
