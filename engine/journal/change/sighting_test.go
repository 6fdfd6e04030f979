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

func told(s *change.Sighting) string {
	var all []string
	for _, t := range s.Told {
		all = append(all, fmt.Sprintf("%d:%c@%.0f%c", t.Thread, rune(t.Hash), t.At.Sub(noon).Minutes(), "FLP"[t.By]))
	}
	return strings.Join(all, " ")
}

func content(hash rune, minutes int, by change.Teller) change.Telling {
	return change.Telling{Hash: uint64(hash), At: at(minutes), By: by}
}

// contents are states of one minute after the other, from A at noon on.
func contents(from, to rune, by change.Teller) (all []change.Telling) {
	for hash := from; hash <= to; hash++ {
		all = append(all, content(hash, int(hash-'A'), by))
	}
	return all
}

// lines is what told gives of contents.
func lines(from, to, by rune) string {
	var all []string
	for hash := from; hash <= to; hash++ {
		all = append(all, fmt.Sprintf("0:%c@%d%c", hash, hash-'A', by))
	}
	return strings.Join(all, " ")
}

func push(hash rune, minutes int) *change.Mark {
	return &change.Mark{Telling: content(hash, minutes, change.Pushed)}
}

func TestSightingTell(t *testing.T) {
	for name, test := range map[string]struct {
		tell []change.Telling
		want string
	}{
		"states stand in the order of their times": {
			[]change.Telling{content('A', 1, change.Found), content('C', 9, change.Listed), content('B', 5, change.Pushed)},
			"0:A@1F 0:B@5P 0:C@9L",
		},
		"the same state again is no new one, and is of its newest time": {
			[]change.Telling{content('A', 1, change.Found), content('A', 3, change.Pushed), content('A', 2, change.Found)},
			"0:A@3P",
		},
		"a state that comes back is a new one": {
			[]change.Telling{content('A', 1, change.Found), content('B', 2, change.Pushed), content('A', 3, change.Pushed)},
			"0:A@1F 0:B@2P 0:A@3P",
		},
		"the oldest of too many goes, of each thread for itself": {
			append([]change.Telling{{Thread: change.CreatedThread, At: at(0)}}, contents('A', 'Q', change.Pushed)...),
			"1:\x00@0F " + lines('B', 'Q', 'P'),
		},
		"one that a list told stays, because its webhook may come": {
			append([]change.Telling{content('A', 0, change.Listed)}, contents('B', 'Q', change.Pushed)...),
			"0:A@0L " + lines('C', 'Q', 'P'),
		},
		"but not for weeks": {
			append(contents('A', 'P', change.Listed), content('Q', 30*24*60, change.Pushed)),
			lines('B', 'P', 'L') + " 0:Q@43200P",
		},
		"the newest stays beside those that lists told": {
			append(contents('A', 'P', change.Listed), content('Q', 16, change.Pushed)),
			lines('B', 'P', 'L') + " 0:Q@16P",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s change.Sighting
			for _, one := range test.tell {
				s.Tell(one)
			}
			if got := told(&s); got != test.want {
				t.Errorf("found %s, expected %s", got, test.want)
			}
		})
	}
}

func TestSightingPush(t *testing.T) {
	for name, test := range map[string]struct {
		before change.Sighting
		push   []*change.Mark
		want   string // d for a duplicate, n for a new one
	}{
		"what nobody told is new, each time": {
			push: []*change.Mark{push('A', 1), push('B', 2), push('B', 2)}, want: "nnn",
		},
		"what a list told is the duplicate, once": {
			before: change.Sighting{Told: []change.Telling{content('B', 2, change.Listed)}},
			push:   []*change.Mark{push('B', 3), push('B', 4)}, want: "dn",
		},
		"what a list only showed is new": {
			before: change.Sighting{Told: []change.Telling{content('B', 2, change.Found)}},
			push:   []*change.Mark{push('B', 2)}, want: "n",
		},
		"a state before the one that was told is new": {
			before: change.Sighting{Told: []change.Telling{content('C', 3, change.Listed)}},
			push:   []*change.Mark{push('B', 2), push('C', 3)}, want: "nd",
		},
		"weeks later it is another change": {
			before: change.Sighting{Told: []change.Telling{content('B', 2, change.Listed)}},
			push:   []*change.Mark{push('B', 30*24*60)}, want: "n",
		},
		"that it was created and deleted is told once whatever it holds": {
			before: change.Sighting{Told: []change.Telling{
				{Thread: change.CreatedThread, At: at(1), By: change.Listed}, {Thread: change.DeletedThread, At: at(2), By: change.Listed},
			}},
			push: []*change.Mark{
				{Telling: change.Telling{Thread: change.CreatedThread, At: at(1)}}, {Telling: change.Telling{Thread: change.DeletedThread, At: at(2)}},
			}, want: "dd",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, m := range test.push {
				got += map[bool]string{true: "d", false: "n"}[test.before.Push(m)]
			}
			if got != test.want {
				t.Errorf("found %s, expected %s", got, test.want)
			}
		})
	}
}

func TestSightingKnows(t *testing.T) {
	s := change.Sighting{Told: []change.Telling{content('A', 10, change.Found), content('B', 20, change.Pushed)}}
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
		if got := s.Knows(change.WholeThread, uint64(test.hash), test.updated); got != test.want {
			t.Errorf("%c of %v: found %v", test.hash, test.updated, got)
		}
	}
}

func TestSightingGone(t *testing.T) {
	s := change.Sighting{Told: []change.Telling{{Thread: change.DeletedThread, At: at(10), By: change.Pushed}}}
	s.Push(push('A', 9)) // late
	if !s.Gone() {
		t.Error("an older state brought it back")
	}
	s.Push(push('A', 11))
	if s.Gone() {
		t.Error("a newer state did not bring it back")
	}
}

func TestFacetThread(t *testing.T) {
	seen := map[change.Thread]bool{change.WholeThread: true, change.CreatedThread: true, change.DeletedThread: true}
	for _, trigger := range []string{"opportunity.stage_updated", "opportunity.status_updated", "contact.tags_updated", "contact.dnd_updated"} {
		if thread := change.FacetThread(trigger); seen[thread] {
			t.Errorf("%s has the thread of another", trigger)
		} else {
			seen[thread] = true
		}
	}
}

func FuzzSighting(f *testing.F) {
	whole := change.Sighting{Told: []change.Telling{content('A', 1, change.Found), {Thread: 7, Hash: 1<<64 - 1, By: change.Listed}}}
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
