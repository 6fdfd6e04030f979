package vm

import (
	"iter"
	"time"
)

// WallTime returns the moment at which the clock of a zone shows local, whose
// date and time of day are read in UTC. A time that exists twice, because the
// clock is put back, is the first of the two. A time that does not exist,
// because the clock is put forward over it, is the first moment after the gap.
func WallTime(local time.Time, zone *time.Location) time.Time {
	var first time.Time
	for first = range moments(local, zone) {
		break
	}
	return first
}

// moments yields, in order and with true, the moments at which the clock of a
// zone shows local. The last pair may be one with false: the first moment at
// which the clock is past local. In a gap that is the only pair.
func moments(local time.Time, zone *time.Location) iter.Seq2[time.Time, bool] {
	return func(yield func(time.Time, bool) bool) {
		local = local.UTC()
		begin := local.Add(-24 * time.Hour).In(zone) // no zone has a larger offset
		for {
			_, offset := begin.Zone()
			moment := local.Add(-time.Duration(offset) * time.Second).In(zone)
			if moment.Before(begin) {
				yield(begin, false)
				return
			}
			end := OffsetEnd(begin)
			if end.IsZero() || moment.Before(end) {
				if !yield(moment, true) || end.IsZero() {
					return
				}
			}
			begin = end
		}
	}
}

// OffsetEnd returns a moment after t up to which the zone of t has the same offset;
// zero: it has it for ever.
func OffsetEnd(t time.Time) time.Time {
	_, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		// On the last day of a leap year for which a zone has only a rule, package time
		// returns the end of a year of 365 days.
		return t.Add(24 * time.Hour)
	}
	return end
}

// wall returns the date and time of day that the clock of a zone shows, in UTC:
// the inverse of WallTime.
func wall(t time.Time, zone *time.Location) time.Time {
	l := t.In(zone)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), l.Nanosecond(), time.UTC)
}
