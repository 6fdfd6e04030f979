package schedule

import (
	"time"

	"github.com/tidewire/tidewire/engine/script"
)

// maxMissed bounds the ticks that missed = "all" runs.
const maxMissed = 100

// catchUp sets p.missed to the ticks to run of those that came due after last,
// the last stored one, while no engine ran or the schedule was not loaded.
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
	case script.MissedLast:
		p.missed = []time.Time{tick}
		log.Info("schedule missed ticks while it was not running; the latest runs now")
	case script.MissedAll:
		p.missed = newest(p.Timetable, last, now, maxMissed)
		if before < maxMissed {
			log.Info("schedule missed ticks while it was not running; they run now, oldest first")
		} else {
			log.Warn("schedule missed more ticks than are made up for; the newest run now, oldest first", "run", len(p.missed))
		}
	default:
		if s.plans == nil { // the engine starts
			log.Warn(`schedule missed ticks while no engine ran; they are not made up for (missed = "last" or "all" would)`)
		}
	}
}

// newest returns the last n ticks that are after a moment and not after now,
// oldest first.
func newest(table *script.Timetable, after, now time.Time, n int) []time.Time {
	from := after
	for back := time.Minute; now.Add(-back).After(after); back *= 2 {
		if hasTicks(table, now.Add(-back), now, n) {
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

// hasTicks reports whether there are at least n ticks between two moments.
func hasTicks(table *script.Timetable, after, now time.Time, n int) bool {
	tick := after
	for range n {
		if tick = table.Next(tick); tick.IsZero() || tick.After(now) {
			return false
		}
	}
	return true
}
