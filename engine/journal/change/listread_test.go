package change_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal/change"
)

// past makes the observations of a text such as "A@1L+ B@2W": a hash, a time in
// minutes after noon, what reported it, and a plus if it was listed.
func past(text string) (s change.Sighting) {
	for one := range strings.FieldsSeq(text) {
		t := content(rune(one[0]), int(one[2]-'0'), change.ReportedBy(strings.IndexByte("ULW", one[3])))
		t.Listed = strings.HasSuffix(one, "+")
		s.History = append(s.History, t)
	}
	return s
}

// contentHistory is history without the aspects.
func contentHistory(s *change.Sighting) string { return strings.ReplaceAll(history(s), "0:", "") }

// reading is one of a list that may be two minutes behind.
func reading(minutes int) change.ListRead {
	return change.ListRead{At: at(minutes), Lag: 2 * time.Minute}
}

// once is a reading of a list that contains each change once.
func once(minutes int) change.ListRead {
	r := reading(minutes)
	r.Once = true
	return r
}

func TestObserveListed(t *testing.T) {
	for name, test := range map[string]struct {
		before string
		hash   rune
		read   change.ListRead
		known  bool
		after  string // empty: as before
	}{
		"nothing is known":                      {"", 'A', reading(5), false, ""},
		"the last one":                          {"A@1L+", 'A', reading(5), true, ""},
		"another":                               {"A@1L+", 'B', reading(5), false, ""},
		"changed back, as lists report":         {"A@1L+ B@4L+", 'A', reading(5), false, ""},
		"a webhook's, soon":                     {"A@1L+ B@4W", 'B', reading(5), true, "A@1L+ B@4W+"},
		"a webhook's, late":                     {"A@1L+ B@2W", 'B', reading(9), true, "A@1L+ B@2W+"},
		"a call's":                              {"A@1L+ B@4U", 'B', reading(5), true, "A@1L+ B@4U+"},
		"behind a webhook":                      {"A@1L+ B@4W", 'A', reading(5), true, ""},
		"behind it for too long":                {"A@1L+ B@2W", 'A', reading(5), false, ""},
		"behind two webhooks":                   {"A@1L+ B@4W C@5W", 'A', reading(5), true, ""},
		"behind the second":                     {"A@1L+ B@4W C@5W", 'B', reading(5), true, "A@1L+ B@4W+ C@5W"},
		"behind the second for too long":        {"A@1L+ B@2W C@3W", 'B', reading(5), false, ""},
		"past the first":                        {"A@1L+ B@3W C@5W", 'C', reading(5), true, "A@1L+ B@3W+ C@5W+"},
		"changed back after the list was past":  {"A@1L+ B@4W+", 'A', reading(5), false, ""},
		"the first of two with the same text":   {"A@2W B@3W A@4W", 'A', reading(4), true, "A@2W+ B@3W A@4W"},
		"the second of two with the same text":  {"A@2W B@3W A@4W", 'A', reading(5), true, "A@2W+ B@3W+ A@4W+"},
		"webhooks of one time":                  {"A@1W B@1W", 'A', reading(5), true, "B@1W+ A@1W+"},
		"behind a webhook before another state": {"B@4W A@5L+", 'B', reading(6), true, "A@5L+ B@4W+"},
		"for too long":                          {"B@2W A@5L+", 'B', reading(6), false, ""},
		"which it is past":                      {"B@4W A@5L+", 'A', reading(6), true, "B@4W+ A@5L+"},
		"which it may not be past":              {"B@4W A@5L+", 'A', reading(5), true, ""},

		"once: another change of the last one":  {"A@1L+", 'A', once(5), true, ""},
		"once: changed back after a webhook":    {"A@1L+ B@4W", 'A', once(5), false, ""},
		"once: behind the second of two":        {"A@3W B@4W", 'A', once(5), true, "A@3W+ B@4W"},
		"once: a webhook before the last state": {"B@4W A@5L+", 'A', once(5), true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := past(test.before)
			want := test.after
			if want == "" {
				want = test.before
			}
			known, changed := s.ObserveListed(change.ContentAspect, uint64(test.hash), test.read)
			if got := contentHistory(&s); known != test.known || got != want || changed != (test.after != "") {
				t.Errorf("found known %v, changed %v, %s; expected %v, %v, %s", known, changed, got, test.known, test.after != "", want)
			}
		})
	}
}

func TestAddListed(t *testing.T) {
	for name, test := range map[string]struct{ before, after string }{
		"it is the newest":                       {"A@1U", "A@1U+ B@5L+"},
		"whatever the other times are":           {"A@9W", "A@9W B@9L+"},
		"the list may be behind a webhook":       {"A@4W", "A@4W B@5L+"},
		"the list is past a webhook":             {"A@2W", "A@2W+ B@5L+"},
		"the oldest of too many is dropped":      {strings.Repeat("A@1W ", 16), strings.Repeat("A@1W+ ", 15) + "B@5L+"},
		"a state that it has had is added again": {"B@1L+ A@2L+", "B@1L+ A@2L+ B@5L+"},
	} {
		t.Run(name, func(t *testing.T) {
			s := past(test.before)
			s.AddListed(change.Observation{Hash: 'B', By: change.ReportedByList}, reading(5))
			if got := contentHistory(&s); got != test.after {
				t.Errorf("found %s, expected %s", got, test.after)
			}
		})
	}
}

// TestWebhookAfterList is about webhooks that come after a list had the state, or
// another one.
func TestWebhookAfterList(t *testing.T) {
	for name, test := range map[string]struct {
		before    string
		hash      rune
		minutes   int
		duplicate bool
		after     string
	}{
		"of the state that was listed":       {"A@1L+ B@5L+", 'B', 4, true, "A@1L+ B@4W+"},
		"whose time is later":                {"B@5L+", 'B', 6, true, "B@5W+"},
		"of an older state":                  {"A@1L+ C@5L+", 'B', 4, false, "A@1L+ B@4W C@5L+"},
		"of the state, with the list's time": {"B@5L", 'B', 4, true, "B@5W"},
		"of a newer state":                   {"A@1L+", 'B', 4, false, "A@1L+ B@4W"},
		"of another change to the state, at about the time of the reading": {"B@4W+", 'B', 4, false, "B@4W+ B@4W"},
		"of another change to the state":                                   {"B@1W+", 'B', 4, false, "B@1W+ B@4W"},
		"of a change back to it":                                           {"B@1L+ A@2L+", 'B', 3, false, "B@1L+ A@2L+ B@3W"},
		"of a state with the list's time, after another":                   {"B@1L A@2L", 'B', 3, true, "B@1W A@2L"},
	} {
		t.Run(name, func(t *testing.T) {
			s := past(test.before)
			duplicate := s.ObserveWebhook(webhook(test.hash, test.minutes))
			if got := contentHistory(&s); duplicate != test.duplicate || got != test.after {
				t.Errorf("found %v, %s, expected %v, %s", duplicate, got, test.duplicate, test.after)
			}
		})
	}
	s := past("B@1L+ A@2L+")
	undated := webhook('B', 3)
	undated.Undated = true
	if !s.ObserveWebhook(undated) {
		t.Error("a webhook without a time is not the duplicate of what a list reported")
	}
}

func TestObserveCall(t *testing.T) {
	written := &change.Fingerprint{Observation: content('W', 5, change.Unreported)}
	for name, test := range map[string]struct{ before, after string }{
		"a new state":           {"A@1L+", "A@1L+ W@5U"},
		"a webhook came before": {"A@1L+ W@4W B@5W", "A@1L+ W@4W B@5W"},
		"a list came before":    {"W@4L+", "W@4L+"},
		"the same again":        {"W@1L+", "W@1L+ W@5U"},
		"what it was before":    {"W@1L+ A@2L+", "W@1L+ A@2L+ W@5U"},
		"after another call":    {"W@1U", "W@1U W@5U"},
	} {
		t.Run(name, func(t *testing.T) {
			s := past(test.before)
			s.ObserveCall(written, at(4))
			if got := contentHistory(&s); got != test.after {
				t.Errorf("found %s, expected %s", got, test.after)
			}
		})
	}
	created := &change.Fingerprint{Observation: change.Observation{Aspect: change.CreatedAspect, At: at(5)}, Implied: []change.Observation{written.Observation}}
	for name, test := range map[string]struct {
		before change.Sighting
		after  string
	}{
		"a record that is created":         {change.Sighting{}, "1:\x00@5U 0:W@5U"},
		"one that is created again":        {change.Sighting{History: []change.Observation{{Aspect: change.DeletedAspect, At: at(2)}}}, "1:\x00@5U 0:W@5U"},
		"one that is known from elsewhere": {past("A@1W"), "0:A@1W 0:W@5U"},
	} {
		t.Run(name, func(t *testing.T) {
			test.before.ObserveCall(created, at(4))
			if got := history(&test.before); got != test.after {
				t.Errorf("found %q, expected %q", got, test.after)
			}
		})
	}
}
