package schedule

import (
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/script"
)

// count is a number of ticks. A count of many means many or more.
type count int

// many bounds the ticks that are counted one by one.
const many = 1000

func (c count) plus(n count) string {
	if c >= many {
		return fmt.Sprintf("more than %d", many)
	}
	return fmt.Sprint(int(c + n))
}

// latest returns the last tick that is after a moment and not after now, and
// how many ticks come before it. There must be at least one.
func latest(table *script.Timetable, after, now time.Time) (time.Time, count) {
	tick := table.Next(after)
	for before := count(0); before < many; before++ {
		next := table.Next(tick)
		if next.IsZero() || next.After(now) {
			return tick, before
		}
		tick = next
	}
	// Too many ticks to visit each: double the distance before now until there
	// is a tick within it.
	for back := time.Second; now.Add(-back).After(tick); back *= 2 {
		found := table.Next(now.Add(-back))
		if found.IsZero() || found.After(now) {
			continue
		}
		tick = found
		break
	}
	for {
		next := table.Next(tick)
		if next.IsZero() || next.After(now) {
			return tick, many
		}
		tick = next
	}
}
