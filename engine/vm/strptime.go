package vm

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// strptime reads a time by the directives of the C function. found is false if
// the text does not fit the format or is not the text of a time; the error is
// for a format that no text can fit.
//
// A number may have fewer digits than strftime writes, except the year, unless
// a digit or another number follows directly. Names are read in full or by
// three letters, in any case. Without a month or day in the format it is the
// first, without a time of day it is midnight, and %I without %p is before
// noon. The year has no default. Values that contradict each other are no time,
// but a weekday is not compared with a date.
func strptime(format, text string, zone *time.Location) (t time.Time, found bool, err error) {
	parts, err := parseFormat(format)
	if err == nil {
		err = checkReadable(format, parts)
	}
	if err != nil {
		return t, false, err
	}
	r := timeReader{rest: text, values: map[byte]int64{}}
	for _, d := range parts {
		if !r.read(d) {
			return t, false, nil
		}
	}
	if r.rest != "" {
		return t, false, nil
	}
	t, found = r.time(zone)
	return t, found && inRange(t), nil
}

// checkReadable returns an error if no text can fit a format.
func checkReadable(format string, parts []formatPart) error {
	at := map[byte]int{}
	for _, d := range parts {
		if d.letter != literal && d.letter != space {
			at[d.letter] = d.at
		}
	}
	switch {
	case len(at) == 0:
		return fmt.Errorf("the format %q has no directive; expected one such as %q", brief(format, 40), "%Y-%m-%d")
	case at['V'] > 0 && at['G'] == 0:
		return fmt.Errorf("the format %q: %%V at character %d is the week of the year %%G, which is not there; write %%G for the year of a week",
			brief(format, 40), at['V'])
	case at['G'] > 0 && at['V'] == 0:
		return fmt.Errorf("the format %q: %%G at character %d is the year of the week %%V, which is not there; write %%Y for the year of a date",
			brief(format, 40), at['G'])
	}
	return nil
}

// inRange reports whether RFC 3339 can write a time in UTC.
func inRange(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1 && year <= 9999
}

// timeReader reads the values of a time from the beginning of a text.
type timeReader struct {
	rest   string
	values map[byte]int64 // by directive; %L in nanoseconds, %z in seconds
	zone   string         // %Z
}

// read reads one part of a format and reports whether the text has it.
func (r *timeReader) read(d formatPart) bool {
	switch d.letter {
	case literal:
		found := false
		r.rest, found = strings.CutPrefix(r.rest, d.text)
		return found
	case space:
		trimmed := strings.TrimLeftFunc(r.rest, unicode.IsSpace)
		found := len(trimmed) < len(r.rest)
		r.rest = trimmed
		return found
	case 'a', 'A':
		return r.name('w', 0, 7, func(i int) string { return time.Weekday(i).String() })
	case 'b', 'h', 'B':
		return r.name('m', 1, 12, func(i int) string { return time.Month(i).String() })
	case 'p':
		return r.name('p', 0, 2, func(i int) string { return [2]string{"AM", "PM"}[i] })
	case 's':
		return r.epoch(d.follow)
	case 'L':
		return r.fraction(d)
	case 'z':
		return r.offset(d.follow > 0)
	case 'Z':
		return r.abbreviation()
	}
	return r.number(d)
}

// set stores a value and reports whether it agrees with one that was read before.
func (r *timeReader) set(letter byte, value int64) bool {
	old, twice := r.values[letter]
	r.values[letter] = value
	return !twice || old == value
}

// digits reads the next digits, at most so many.
func (r *timeReader) digits(limit int) string {
	n := 0
	for n < len(r.rest) && n < limit && r.rest[n] >= '0' && r.rest[n] <= '9' {
		n++
	}
	text := r.rest[:n]
	r.rest = r.rest[n:]
	return text
}

func (r *timeReader) number(d formatPart) bool {
	n := numbers[d.letter]
	width := n.width
	if (d.letter == 'e' || d.letter == 'l') && strings.HasPrefix(r.rest, " ") {
		r.rest = r.rest[1:]
		width--
	}
	text := r.digits(width)
	full := d.follow > 0 || n.width == 4 && !d.plain // a year of two digits is %y
	if text == "" || full && len(text) < width {
		return false
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || value < n.min || value > n.max {
		return false
	}
	if d.letter == 'u' {
		value %= 7
	}
	return r.set(n.name, value)
}

// name reads one of count names, whose values begin at first: the whole name or
// its first three letters.
func (r *timeReader) name(letter byte, first, count int, name func(int) string) bool {
	for i := first; i < first+count; i++ {
		full := name(i)
		for _, n := range [2]int{len(full), min(len(full), 3)} {
			if len(r.rest) >= n && strings.EqualFold(r.rest[:n], full[:n]) {
				r.rest = r.rest[n:]
				return r.set(letter, int64(i))
			}
		}
	}
	return false
}

// epoch reads the seconds since 1970, without the last digits, if follow digits
// belong to the parts after it.
func (r *timeReader) epoch(follow int) bool {
	sign := int64(1)
	if rest, negative := strings.CutPrefix(r.rest, "-"); negative {
		sign, r.rest = -1, rest
	}
	all := r.rest
	n := len(r.digits(len(all))) - follow
	if n < 1 || n > 12 { // the year 9999 has 12
		return false
	}
	r.rest = all[n:]
	value, err := strconv.ParseInt(all[:n], 10, 64)
	return err == nil && r.set('s', sign*value)
}

// fraction reads the fraction of a second; %-L is a number of milliseconds.
func (r *timeReader) fraction(d formatPart) bool {
	width := 9
	if d.plain || d.follow > 0 {
		width = 3
	}
	text := r.digits(width)
	if text == "" || d.follow > 0 && len(text) < width {
		return false
	}
	if d.plain {
		text = strings.Repeat("0", 3-len(text)) + text
	}
	value, err := strconv.ParseInt(text+strings.Repeat("0", 9-len(text)), 10, 64)
	return err == nil && r.set('L', value)
}

// offset reads Z, +02, +0200 or +02:00, and the same forms with seconds. In
// full width it has hours and minutes.
func (r *timeReader) offset(full bool) bool {
	if r.rest == "" {
		return false
	}
	sign := int64(1)
	switch r.rest[0] {
	case 'Z', 'z':
		r.rest = r.rest[1:]
		return r.set('z', 0)
	case '-':
		sign = -1
	case '+':
	default:
		return false
	}
	r.rest = r.rest[1:]
	offset, ok := r.pair(23)
	if !ok {
		return false
	}
	offset *= 3600
	separator := ""
	if strings.HasPrefix(r.rest, ":") {
		separator = ":"
	}
	for _, unit := range [2]int64{60, 1} {
		before := r.rest
		rest, found := strings.CutPrefix(before, separator)
		r.rest = rest
		value, ok := r.pair(59)
		if !ok || !found {
			r.rest = before
			if full {
				return false
			}
			break
		}
		offset += value * unit
		if full {
			break
		}
	}
	return r.set('z', sign*offset)
}

// pair reads a number of two digits.
func (r *timeReader) pair(highest int64) (int64, bool) {
	text := r.digits(2)
	value, err := strconv.ParseInt(text, 10, 64)
	return value, err == nil && len(text) == 2 && value <= highest
}

// abbreviation reads the name of an offset, such as CET. In zones without names
// it is a number, such as -03.
func (r *timeReader) abbreviation() bool {
	rest := strings.TrimLeft(r.rest, "+-")
	if len(rest) < len(r.rest) {
		rest = strings.TrimLeft(rest, "0123456789")
	} else {
		rest = strings.TrimLeftFunc(rest, func(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' })
	}
	r.zone = r.rest[:len(r.rest)-len(rest)]
	r.rest = rest
	return r.zone != ""
}

// time returns the time of the values, false if there is none.
func (r *timeReader) time(zone *time.Location) (time.Time, bool) {
	if seconds, ok := r.values['s']; ok {
		return time.Unix(seconds, r.values['L']), true
	}
	date, ok := r.date()
	if !ok {
		return date, false
	}
	hour, ok := r.hour()
	if !ok {
		return date, false
	}
	year, month, day := date.Date()
	local := time.Date(year, month, day, hour, int(r.values['M']), int(r.values['S']), int(r.values['L']), time.UTC)
	if offset, ok := r.values['z']; ok {
		return local.Add(-time.Duration(offset) * time.Second), true
	}
	switch strings.ToUpper(r.zone) {
	case "":
		return WallTime(local, zone), true
	case "UTC", "GMT", "Z":
		return local, true
	}
	for moment, exact := range moments(local, zone) {
		if name, _ := moment.Zone(); exact && strings.EqualFold(name, r.zone) {
			return moment, true
		}
	}
	return local, false
}

// date returns the date of the values, at midnight in UTC.
func (r *timeReader) date() (date time.Time, ok bool) {
	year, hasYear := r.values['Y']
	if short, ok := r.values['y']; ok && !hasYear {
		year, hasYear = 1900+short, true
		if short < 69 { // as in POSIX
			year += 100
		}
	}
	month, hasMonth := r.values['m']
	day, hasDay := r.values['d']
	yearDay, hasYearDay := r.values['j']
	week, hasWeek := r.values['V']
	switch {
	case hasYear && hasYearDay:
		date = time.Date(int(year), time.January, int(yearDay), 0, 0, 0, 0, time.UTC)
	case hasWeek && !(hasYear && hasMonth && hasDay):
		fourth := time.Date(int(r.values['G']), time.January, 4, 0, 0, 0, 0, time.UTC) // always in week 1
		weekday, ok := r.values['w']
		if !ok {
			weekday = 1
		}
		date = fourth.AddDate(0, 0, int(week-1)*7+int(weekday+6)%7-int(fourth.Weekday()+6)%7)
	case !hasYear:
		return date, false
	default:
		if !hasMonth {
			month = 1
		}
		if !hasDay {
			day = 1
		}
		date = time.Date(int(year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC)
	}
	for letter, value := range r.values {
		switch letter {
		case 'Y', 'y', 'm', 'd', 'j', 'G', 'V':
			if numberOf(letter, date) != value {
				return date, false
			}
		}
	}
	return date, true
}

// hour returns the hour of the values.
func (r *timeReader) hour() (hour int, ok bool) {
	twelve, hasTwelve := r.values['I']
	half, hasHalf := r.values['p']
	whole, hasWhole := r.values['H']
	if !hasWhole && hasTwelve {
		whole = twelve%12 + half*12
	}
	ok = (!hasTwelve || twelve%12 == whole%12) && (!hasHalf || half == whole/12)
	return int(whole), ok
}

// The forms of a time that are read without a format, with an offset and
// without one.
var (
	offsetForms = []string{
		time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02T15:04:05Z0700",
	}
	localForms = []string{
		"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04", "2006-01-02",
	}
	mailForms = []string{"%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %Z"}
)

// parseTime reads a time in one of these forms, in the zone if it has no
// offset.
func parseTime(text string, zone *time.Location) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if len(text) > 64 {
		return time.Time{}, false
	}
	for _, form := range offsetForms {
		if t, err := time.ParseInLocation(form, text, zone); err == nil {
			return t, inRange(t)
		}
	}
	for _, form := range localForms {
		if local, err := time.Parse(form, text); err == nil {
			t := WallTime(local, zone)
			return t, inRange(t)
		}
	}
	for _, form := range mailForms {
		if t, ok, _ := strptime(form, text, zone); ok {
			return t, true
		}
	}
	return time.Time{}, false
}

// formatTime formats a time as all functions of scripts return it: RFC 3339 in
// UTC.
func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
