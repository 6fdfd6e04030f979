package schedule

import (
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/script"
)

// count is a number of ticks, or many.
type count int

// many is more than are worth counting.
const many = 1000

func (c count) plus(n count) string {
	if c >= many {
		return fmt.Sprintf("more than %d", many)
	}
	return fmt.Sprint(int(c + n))
}

// latest gives the last tick after a moment and not after now, of which there
// is one at least, and how many come before it.
func latest(table *script.Timetable, after, now time.Time) (time.Time, count) {
	tick := table.Next(after)
	for before := count(0); before < many; before++ {
		next := table.Next(tick)
		if next.IsZero() || next.After(now) {
			return tick, before
		}
		tick = next
	}
	// Far behind: look back from now, ever further, until there is a tick.
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
