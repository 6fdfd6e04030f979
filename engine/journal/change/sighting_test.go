package change_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal/change"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is so many minutes after noon.
func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func history(s *change.Sighting) string {
	var all []string
	for _, t := range s.History {
		one := fmt.Sprintf("%d:%c@%.0f%c", t.Aspect, rune(t.Hash), t.At.Sub(noon).Minutes(), "ULW"[t.By])
		if t.Listed {
			one += "+"
		}
		all = append(all, one)
	}
	return strings.Join(all, " ")
}

func content(hash rune, minutes int, by change.ReportedBy) change.Observation {
	return change.Observation{Hash: uint64(hash), At: at(minutes), By: by}
}

func seconds(hash rune, n int, by change.ReportedBy) change.Observation {
	return change.Observation{Hash: uint64(hash), At: noon.Add(time.Duration(n) * time.Second), By: by}
}

// contents are states of one minute after the other, from A at noon on.
func contents(from, to rune, by change.ReportedBy) (all []change.Observation) {
	for hash := from; hash <= to; hash++ {
		all = append(all, content(hash, int(hash-'A'), by))
	}
	return all
}

// lines is the history of contents.
func lines(from, to, by rune) string {
	var all []string
	for hash := from; hash <= to; hash++ {
		all = append(all, fmt.Sprintf("0:%c@%d%c", hash, hash-'A', by))
	}
	return strings.Join(all, " ")
}

func webhook(hash rune, minutes int) *change.Fingerprint {
	return &change.Fingerprint{Observation: content(hash, minutes, change.ReportedByWebhook)}
}

func TestSightingAdd(t *testing.T) {
	for name, test := range map[string]struct {
		observations []change.Observation
		want         string
	}{
		"observations are in the order of their times": {
			[]change.Observation{content('A', 1, change.Unreported), content('C', 9, change.ReportedByList), content('B', 5, change.ReportedByWebhook)},
			"0:A@1U 0:B@5W 0:C@9L",
		},
		"the same state at about the same time adds none, and has its newest time": {
			[]change.Observation{content('A', 3, change.Unreported), seconds('A', 181, change.ReportedByWebhook), seconds('A', 179, change.Unreported)},
			"0:A@3W",
		},
		"the same state at another time is another change": {
			[]change.Observation{content('A', 1, change.Unreported), content('A', 3, change.ReportedByWebhook), content('A', 2, change.Unreported)},
			"0:A@1U 0:A@2U 0:A@3W",
		},
		"no time is about the same": {
			[]change.Observation{{Hash: 'A'}, content('A', 3, change.ReportedByWebhook)},
			"0:A@3W",
		},
		"a state that returns is added again": {
			[]change.Observation{content('A', 1, change.Unreported), content('B', 2, change.ReportedByWebhook), content('A', 3, change.ReportedByWebhook)},
			"0:A@1U 0:B@2W 0:A@3W",
		},
		"the oldest of too many is dropped, for each aspect separately": {
			append([]change.Observation{{Aspect: change.CreatedAspect, At: at(0)}}, contents('A', 'Q', change.ReportedByWebhook)...),
			"1:\x00@0U " + lines('B', 'Q', 'W'),
		},
		"one that a list reported stays, because its webhook may arrive": {
			append([]change.Observation{content('A', 0, change.ReportedByList)}, contents('B', 'Q', change.ReportedByWebhook)...),
			"0:A@0L " + lines('C', 'Q', 'W'),
		},
		"but not for weeks": {
			append(contents('A', 'P', change.ReportedByList), content('Q', 30*24*60, change.ReportedByWebhook)),
			lines('B', 'P', 'L') + " 0:Q@43200W",
		},
		"the newest stays beside those that lists reported": {
			append(contents('A', 'P', change.ReportedByList), content('Q', 16, change.ReportedByWebhook)),
			lines('B', 'P', 'L') + " 0:Q@16W",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s change.Sighting
			for _, one := range test.observations {
				s.Add(one)
			}
			if got := history(&s); got != test.want {
				t.Errorf("found %s, expected %s", got, test.want)
			}
		})
	}
}

func TestSightingObserveWebhook(t *testing.T) {
	for name, test := range map[string]struct {
		before  change.Sighting
		reports []*change.Fingerprint
		want    string // d for a duplicate, n for a new one
	}{
		"a state without an observation is new, each time": {
			reports: []*change.Fingerprint{webhook('A', 1), webhook('B', 2), webhook('B', 2)}, want: "nnn",
		},
		"what a list reported is the duplicate, once": {
			before:  change.Sighting{History: []change.Observation{content('B', 2, change.ReportedByList)}},
			reports: []*change.Fingerprint{webhook('B', 3), webhook('B', 4)}, want: "dn",
		},
		"a state that was not reported is new": {
			before:  change.Sighting{History: []change.Observation{content('B', 2, change.Unreported)}},
			reports: []*change.Fingerprint{webhook('B', 2)}, want: "n",
		},
		"a state before the reported one is new": {
			before:  change.Sighting{History: []change.Observation{content('C', 3, change.ReportedByList)}},
			reports: []*change.Fingerprint{webhook('B', 2), webhook('C', 3)}, want: "nd",
		},
		"weeks later it is another change": {
			before:  change.Sighting{History: []change.Observation{content('B', 2, change.ReportedByList)}},
			reports: []*change.Fingerprint{webhook('B', 30*24*60)}, want: "n",
		},
		"creation and deletion are reported once whatever the content": {
			before: change.Sighting{History: []change.Observation{
				{Aspect: change.CreatedAspect, At: at(1), By: change.ReportedByList}, {Aspect: change.DeletedAspect, At: at(2), By: change.ReportedByList},
			}},
			reports: []*change.Fingerprint{
				{Observation: change.Observation{Aspect: change.CreatedAspect, At: at(1)}}, {Observation: change.Observation{Aspect: change.DeletedAspect, At: at(2)}},
			}, want: "dd",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, m := range test.reports {
				got += map[bool]string{true: "d", false: "n"}[test.before.ObserveWebhook(m)]
			}
			if got != test.want {
				t.Errorf("found %s, expected %s", got, test.want)
			}
		})
	}
}

func TestSightingCovers(t *testing.T) {
	s := change.Sighting{History: []change.Observation{content('A', 10, change.Unreported), content('B', 20, change.ReportedByWebhook)}}
	for _, test := range []struct {
		hash    rune
		updated time.Time
		want    bool
	}{
		{'B', at(19), true}, {'B', at(99), true}, // the newest
		{'A', at(10), true},                  // a list that lags
		{'A', at(10).Add(time.Second), true}, // clocks of one vendor
		{'A', at(30), false},                 // it came back
		{'A', time.Time{}, false}, {'C', at(1), false},
	} {
		if got := s.Covers(change.ContentAspect, uint64(test.hash), test.updated); got != test.want {
			t.Errorf("%c of %v: found %v", test.hash, test.updated, got)
		}
	}
}

func TestSightingSetTime(t *testing.T) {
	for name, test := range map[string]struct{ before, after string }{
		"the list's time is earlier": {"A@1W B@5W", "A@1W B@2W"},
		"by no more than clocks":     {"B@2W", "B@2W"},
		"it is later":                {"B@1W", "B@1W"},
		"another state is newer":     {"B@5W A@6W", "B@5W A@6W"},
		"nothing is known":           {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := past(test.before)
			changed := s.SetTime(change.ContentAspect, 'B', at(2))
			if got := contentHistory(&s); got != test.after || changed != (test.before != test.after) {
				t.Errorf("found %v, %s, expected %s", changed, got, test.after)
			}
		})
	}
}

func TestSightingGone(t *testing.T) {
	s := change.Sighting{History: []change.Observation{{Aspect: change.DeletedAspect, At: at(10), By: change.ReportedByWebhook}}}
	s.ObserveWebhook(webhook('A', 9)) // late
	if !s.Gone() {
		t.Error("an older state brought it back")
	}
	s.ObserveWebhook(webhook('A', 11))
	if s.Gone() {
		t.Error("a newer state did not bring it back")
	}
}

func TestFacetAspect(t *testing.T) {
	seen := map[change.Aspect]bool{change.ContentAspect: true, change.CreatedAspect: true, change.DeletedAspect: true}
	for _, trigger := range []string{"opportunity.stage_updated", "opportunity.status_updated", "contact.tags_updated", "contact.dnd_updated"} {
		if aspect := change.FacetAspect(trigger); seen[aspect] {
			t.Errorf("%s has the aspect of another", trigger)
		} else {
			seen[aspect] = true
		}
	}
}

func FuzzSighting(f *testing.F) {
	whole := change.Sighting{History: []change.Observation{content('A', 1, change.Unreported), {Aspect: 7, Hash: 1<<64 - 1, By: change.ReportedByList, Listed: true}}}
	data, _ := whole.MarshalBinary()
	f.Add(data)
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s, again change.Sighting
		if s.UnmarshalBinary(data) != nil {
			return
		}
		out, err := s.MarshalBinary()
		if err != nil || again.UnmarshalBinary(out) != nil || !reflect.DeepEqual(s, again) {
			t.Errorf("found %+v, expected %+v, %v", again, s, err)
		}
	})
}
