package schedule

import (
	"time"

	"github.com/tidewire/tidewire/engine/script"
)

// maxMissed bounds what missed = "all" makes up for.
const maxMissed = 100

// catchUp decides what becomes of the ticks that came due since the last one
// kept, while no engine ran or the schedule was not loaded.
func (s *Scheduler) catchUp(p *plan, last, now time.Time) {
	if last.IsZero() {
		return
	}
	if first := p.Timetable.Next(last); first.IsZero() || first.After(now) {
		return
	}
	tick, before := latest(p.Timetable, last, now)
	log := s.config.Log.With("script", p.Hook.Script, "hook", p.Hook.Name, "ticks", before.plus(1), "latest", tick.Format(time.RFC3339))
	switch p.Hook.Missed {
	case "last":
		p.missed = []time.Time{tick}
		log.Info("schedule missed ticks while it was not running; the latest runs now")
	case "all":
		p.missed = newest(p.Timetable, last, now, maxMissed)
		if before < maxMissed {
			log.Info("schedule missed ticks while it was not running; they run now, oldest first")
		} else {
			log.Warn("schedule missed more ticks than are made up for; the newest run now, oldest first", "run", len(p.missed))
		}
	default:
		if s.plans == nil { // at the start
			log.Warn(`schedule missed ticks while no engine ran; they are not made up for (missed = "last" or "all" would)`)
		}
	}
}

// newest gives the last n ticks after a moment and not after now, oldest first.
func newest(table *script.Timetable, after, now time.Time, n int) []time.Time {
	from := after
	for back := time.Minute; now.Add(-back).After(after); back *= 2 {
		if enough(table, now.Add(-back), now, n) {
			from = now.Add(-back)
			break
		}
	}
	var ticks []time.Time
	for tick := table.Next(from); !tick.IsZero() && !tick.After(now); tick = table.Next(tick) {
		ticks = append(ticks, tick)
	}
	return ticks[max(0, len(ticks)-n):]
}

// enough reports whether there are n ticks between two moments.
func enough(table *script.Timetable, after, now time.Time, n int) bool {
	tick := after
	for range n {
		if tick = table.Next(tick); tick.IsZero() || tick.After(now) {
			return false
		}
	}
	return true
}
