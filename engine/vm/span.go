package vm

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// span is a length of time as people write it. Days and months are those of the
// calendar: a day in which the clock is changed has 23 or 25 hours.
type span struct {
	months, days int
	clock        time.Duration
}

// maxSpan bounds each part: a hundred years.
const (
	maxSpanDays = 36_600
	maxSpan     = maxSpanDays * 24 * time.Hour
)

var units = map[string]span{
	"s": {clock: time.Second}, "sec": {clock: time.Second}, "second": {clock: time.Second},
	"m": {clock: time.Minute}, "min": {clock: time.Minute}, "minute": {clock: time.Minute},
	"h": {clock: time.Hour}, "hour": {clock: time.Hour},
	"ms": {clock: time.Millisecond}, "millisecond": {clock: time.Millisecond},
	"d": {days: 1}, "day": {days: 1},
	"w": {days: 7}, "week": {days: 7},
	"month": {months: 1}, "year": {months: 12},
}

// parseSpan reads "3 days", "90 minutes", "1h30m", "1 day 2 hours", "1.5 h".
func parseSpan(text string) (span, error) {
	var total span
	rest := strings.ToLower(strings.TrimSpace(text))
	bad := fmt.Errorf("%q is no length of time; expected one like \"3 days\", \"90 minutes\" or \"1h30m\"", brief(text, 40))
	if rest == "" {
		return span{}, bad
	}
	for rest != "" {
		n := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n <= 0 {
			return span{}, bad
		}
		count, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil || count > 1e12 {
			return span{}, bad
		}
		rest = strings.TrimLeft(rest[n:], " ")
		n = strings.IndexFunc(rest, func(r rune) bool { return r < 'a' || r > 'z' })
		if n < 0 {
			n = len(rest)
		}
		unit, found := units[rest[:n]]
		if !found {
			if unit, found = units[strings.TrimSuffix(rest[:n], "s")]; !found {
				return span{}, bad
			}
		}
		if total, err = total.plus(unit, count); err != nil {
			return span{}, fmt.Errorf("%q: %w", brief(text, 40), err)
		}
		rest = strings.TrimLeft(rest[n:], " ,")
		rest = strings.TrimPrefix(rest, "and ")
	}
	return total, nil
}

func (s span) plus(unit span, count float64) (span, error) {
	whole := count == math.Trunc(count)
	days := float64(unit.months)*30 + float64(unit.days) + unit.clock.Hours()/24
	switch {
	case count*days > maxSpanDays:
		return s, errTooLong
	case unit.months > 0 && whole:
		s.months += unit.months * int(count)
	case unit.days > 0 && whole:
		s.days += unit.days * int(count)
	case unit.months > 0:
		return s, errors.New("a part of a month or year has no fixed length; write it in days")
	default:
		s.clock += time.Duration(count * float64(unit.clock+time.Duration(unit.days)*24*time.Hour))
	}
	if s.months*30+s.days > maxSpanDays || s.clock > maxSpan {
		return s, errTooLong
	}
	return s, nil
}

var errTooLong = errors.New("longer than 100 years")

// duration returns the length of the span, with days of 24 hours, for limits
// and timeouts. Months have no fixed length and are an error.
func (s span) duration() (time.Duration, error) {
	if s.months != 0 {
		return 0, errors.New("months and years differ in length; write it in days or hours")
	}
	return s.clock + time.Duration(s.days)*24*time.Hour, nil
}

// after returns the time one span after t by the calendar of a zone: a month
// after 31 January is the last day of February.
func (s span) after(t time.Time, zone *time.Location) time.Time { return s.shift(t, zone, 1) }

func (s span) before(t time.Time, zone *time.Location) time.Time { return s.shift(t, zone, -1) }

func (s span) shift(t time.Time, zone *time.Location, sign int) time.Time {
	if s.months != 0 || s.days != 0 {
		local := t.In(zone)
		year, month, day := local.Date()
		hour, minute, second := local.Clock()
		first := time.Date(year, month+time.Month(sign*s.months), 1, 0, 0, 0, 0, time.UTC)
		last := first.AddDate(0, 1, -1).Day()
		t = WallTime(time.Date(first.Year(), first.Month(), min(day, last)+sign*s.days, hour, minute, second, local.Nanosecond(), time.UTC), zone)
	}
	return t.Add(time.Duration(sign) * s.clock)
}
