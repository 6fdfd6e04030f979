package script

import (
	"time"

	"github.com/tidewire/tidewire/engine/vm"
)

// Timetable is the times at which a schedule ticks. Make one with
// ParseTimetable. It never changes.
//
// Times of day are those of a wall clock in Zone. One that does not exist,
// because the clock is put forward over it, ticks once at the first moment
// after the gap; one that exists twice, because the clock is put back, ticks
// once, at the first. Intervals of up to an hour and cron expressions for
// every hour ("*/15 * * * *") mean moments, not times of day: they also tick in
// a repeated hour, and no extra tick follows a gap.
type Timetable struct {
	text string
	zone *time.Location
	next func(time.Time) time.Time
}

// String returns the text that was parsed.
func (t *Timetable) String() string { return t.text }

// Zone is the time zone of the times of day.
func (t *Timetable) Zone() *time.Location { return t.zone }

// Next returns the first tick after a moment, or the zero time if there is none
// within nine years.
func (t *Timetable) Next(after time.Time) time.Time {
	next := t.next(after.In(t.zone))
	if next.IsZero() {
		return next
	}
	return next.In(t.zone)
}

// horizon is how many days Next searches: more than eight years, the longest
// time between two leap days.
const horizon = 9 * 366

// days is a set of days of the calendar. As in cron, if both the days of the
// month and the days of the week are restricted, a day has to be in one of them.
type days struct {
	months    uint64 // bit 1 is January
	monthDays uint64 // bit 1 is the first
	weekDays  uint64 // bit 0 is Sunday
	anyMonth  bool   // every day of the month
	anyWeek   bool   // every day of the week
	last      bool   // only the last day of the month
	every     int64  // every so many days since 1970-01-01; 0 and 1: each day
}

func (d days) has(year int, month time.Month, day int) bool {
	date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if d.every > 1 {
		return (date.Unix()/86400)%d.every == 0
	}
	if d.months>>uint(month)&1 == 0 {
		return false
	}
	if d.last {
		return date.AddDate(0, 0, 1).Day() == 1
	}
	inMonth := d.monthDays>>uint(day)&1 == 1
	inWeek := d.weekDays>>uint(date.Weekday())&1 == 1
	if d.anyMonth || d.anyWeek {
		return inMonth && inWeek
	}
	return inMonth || inWeek
}

// eachDay is the set of all days.
var eachDay = days{months: ^uint64(0), monthDays: ^uint64(0), weekDays: ^uint64(0), anyMonth: true, anyWeek: true}

// wallTimes ticks at times of day, in minutes from midnight and ascending, on
// certain days.
func wallTimes(on days, times []int) func(time.Time) time.Time {
	return func(after time.Time) time.Time {
		zone := after.Location()
		year, month, day := after.Date()
		// A gap at midnight moves a tick of the day before into this one.
		for offset := -1; offset < horizon; offset++ {
			date := time.Date(year, month, day+offset, 0, 0, 0, 0, time.UTC)
			y, m, d := date.Date()
			if !on.has(y, m, d) {
				continue
			}
			for _, minutes := range times {
				if t := momentAt(y, m, d, minutes, zone); t.After(after) {
					return t
				}
			}
		}
		return time.Time{}
	}
}

// wallMinutes ticks in each hour of certain days, at the minutes (bits 0 to 59)
// of the wall clock.
func wallMinutes(on days, minutes uint64) func(time.Time) time.Time {
	return func(after time.Time) time.Time {
		zone := after.Location()
		t := nextMinute(after)
		for range 60*25 + horizon {
			year, month, day := t.Date()
			if !on.has(year, month, day) {
				next := momentAt(year, month, day+1, 0, zone)
				if !next.After(t) { // the clock is put back over midnight
					next = nextMinute(t)
				}
				t = next
				continue
			}
			if minutes>>uint(t.Minute())&1 == 1 {
				return t
			}
			t = nextMinute(t)
		}
		return time.Time{}
	}
}

// nextMinute returns the next full minute.
func nextMinute(t time.Time) time.Time {
	return t.Add(time.Minute - time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond()))
}

// interval ticks when the time since midnight by the wall clock is a multiple of
// a distance that divides a day.
func interval(distance time.Duration) func(time.Time) time.Time {
	return func(after time.Time) time.Time {
		t := after
		for range 4 { // a zone changes its offset less often in the time of a distance
			_, seconds := t.Zone()
			shift := time.Duration(seconds) * time.Second
			next := nextMultiple(t, distance, shift)
			end := vm.OffsetEnd(t)
			if end.IsZero() || next.Before(end) {
				return next
			}
			if _, seconds = end.Zone(); nextMultiple(end.Add(-1), distance, time.Duration(seconds)*time.Second).Equal(end) {
				return end
			}
			t = end
		}
		return t
	}
}

// elapsed ticks at the multiples of a distance since the Unix epoch.
func elapsed(distance time.Duration) func(time.Time) time.Time {
	return func(after time.Time) time.Time { return nextMultiple(after, distance, 0) }
}

// nextMultiple returns the first moment after t at which the time since the Unix
// epoch plus shift is a multiple of distance, in whole seconds.
func nextMultiple(t time.Time, distance, shift time.Duration) time.Time {
	step, offset := int64(distance/time.Second), int64(shift/time.Second)
	local := t.Unix() + offset
	rest := local % step
	if rest < 0 {
		rest += step
	}
	return time.Unix(local-rest+step-offset, 0).In(t.Location())
}

// momentAt returns the moment of a time of day in a zone: the first if there are
// two, and the end of the gap if there is none.
func momentAt(year int, month time.Month, day, minutes int, zone *time.Location) time.Time {
	return vm.WallTime(time.Date(year, month, day, 0, minutes, 0, 0, time.UTC), zone)
}
