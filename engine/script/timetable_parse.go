package script

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

// maxTimetable bounds the text of a schedule in bytes.
const maxTimetable = 200

// ParseTimetable reads when a schedule ticks:
//
//	30s  15m  2 hours  2 days            distances; up to a day they are aligned to midnight
//	minute  hour                         every full minute or hour
//	day  weekday  weekend  monday        at midnight, or:
//	day at 09:00 and 17:30
//	monday and thursday at 9:00
//	month on 1 at 09:00  month on last   the first or last day of each month
//	*/15 8-18 * * 1-5                    cron: minute hour day month weekday
//
// A distance that does not divide a day counts from the Unix epoch; whole days
// count from 1970-01-01 and tick at midnight.
func ParseTimetable(text string, zone *time.Location) (*Timetable, error) {
	if zone == nil {
		zone = time.UTC
	}
	if len(text) > maxTimetable {
		return nil, fmt.Errorf("schedule is %d bytes long; at most %d are read", len(text), maxTimetable)
	}
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 {
		return nil, fmt.Errorf(`schedule is empty; %s`, timetableHint)
	}
	next, err := parseTimetable(words)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w", text, err)
	}
	t := &Timetable{text: strings.Join(strings.Fields(text), " "), zone: zone, next: next}
	if t.Next(time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("schedule %q: such a day never comes", text)
	}
	return t, nil
}

const timetableHint = `write a distance ("15m"), a day ("day at 09:00", "monday at 9:00", "month on 1 at 09:00") or a cron expression ("0 9 * * 1-5")`

func parseTimetable(words []string) (func(time.Time) time.Time, error) {
	if first := words[0][0]; first == '*' || first == '?' || first >= '0' && first <= '9' {
		if len(words) >= 3 {
			return parseCron(words)
		}
		return parseInterval(strings.Join(words, " "))
	}
	switch words[0] {
	case "minute", "hour":
		if len(words) > 1 {
			return nil, fmt.Errorf("nothing can follow %q", words[0])
		}
		if words[0] == "minute" {
			return interval(time.Minute), nil
		}
		return interval(time.Hour), nil
	case "month":
		return parseMonth(words[1:])
	}
	return parseDays(words)
}

func parseInterval(text string) (func(time.Time) time.Time, error) {
	distance, err := vm.ParseDuration(text)
	if err != nil {
		return nil, err
	}
	const day = 24 * time.Hour
	switch {
	case distance < time.Second || distance%time.Second != 0:
		return nil, fmt.Errorf("the distance is %s; expected whole seconds", distance)
	case distance > 366*day:
		return nil, fmt.Errorf("the distance is longer than a year")
	case distance%day == 0:
		on := eachDay
		on.every = int64(distance / day)
		return wallTimes(on, []int{0}), nil
	case day%distance != 0:
		return elapsed(distance), nil
	case distance <= time.Hour || distance%time.Minute != 0:
		return interval(distance), nil
	}
	var times []int
	for at := 0; at < 24*60; at += int(distance / time.Minute) {
		times = append(times, at)
	}
	return wallTimes(eachDay, times), nil
}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

func parseDays(words []string) (func(time.Time) time.Time, error) {
	at := slices.Index(words, "at")
	names := words
	var times []int
	if at >= 0 {
		names = words[:at]
		var err error
		if times, err = parseTimes(words[at+1:]); err != nil {
			return nil, err
		}
	} else {
		times = []int{0}
	}
	on := eachDay
	on.weekDays, on.anyWeek = 0, false
	for _, name := range items(names) {
		switch name {
		case "day":
			on.weekDays |= 0b1111111
			continue
		case "weekday":
			on.weekDays |= 0b0111110
			continue
		case "weekend":
			on.weekDays |= 0b1000001
			continue
		}
		i := slices.Index(weekdays, name)
		if i < 0 {
			known := append([]string{"day", "weekday", "weekend", "minute", "hour", "month"}, weekdays...)
			if near := bindings.Nearest(name, known); near != "" {
				return nil, fmt.Errorf("unknown word %q; did you mean %q?", name, near)
			}
			return nil, fmt.Errorf("unknown word %q; %s", name, timetableHint)
		}
		on.weekDays |= 1 << i
	}
	if on.weekDays == 0 {
		return nil, fmt.Errorf(`expected a day before "at"; %s`, timetableHint)
	}
	return wallTimes(on, times), nil
}

func parseMonth(words []string) (func(time.Time) time.Time, error) {
	on, times := eachDay, []int{0}
	on.anyMonth, on.monthDays = false, 1<<1
	if len(words) > 0 && words[0] == "on" {
		if len(words) < 2 {
			return nil, fmt.Errorf(`expected a day of the month after "on", 1 to 28 or last`)
		}
		day, err := strconv.Atoi(words[1])
		switch {
		case words[1] == "last":
			on.last = true
		case err != nil || day < 1 || day > 31:
			return nil, fmt.Errorf(`found day %q; expected 1 to 28, or last`, words[1])
		case day > 28:
			return nil, fmt.Errorf(`not every month has a day %d; write "month on last", or the cron expression "0 0 %d * *" for those that have it`, day, day)
		default:
			on.monthDays = 1 << day
		}
		words = words[2:]
	}
	if len(words) > 0 {
		if words[0] != "at" {
			return nil, fmt.Errorf(`found %q; expected "on" with a day or "at" with a time`, words[0])
		}
		var err error
		if times, err = parseTimes(words[1:]); err != nil {
			return nil, err
		}
	}
	return wallTimes(on, times), nil
}

// items splits "monday, tuesday and friday".
func items(words []string) []string {
	var all []string
	for _, word := range words {
		for item := range strings.SplitSeq(word, ",") {
			if item != "" && item != "and" {
				all = append(all, item)
			}
		}
	}
	return all
}

// parseTimes reads times of day as minutes from midnight, sorted.
func parseTimes(words []string) ([]int, error) {
	var times []int
	for _, word := range items(words) {
		hour, minute, found := strings.Cut(word, ":")
		h, err1 := strconv.ParseUint(hour, 10, 8)
		m, err2 := strconv.ParseUint(minute, 10, 8)
		if !found || err1 != nil || err2 != nil || len(minute) != 2 || len(hour) > 2 || h > 23 || m > 59 {
			return nil, fmt.Errorf("found %q; expected a time from 00:00 to 23:59", word)
		}
		times = append(times, int(h*60+m))
	}
	if len(times) == 0 {
		return nil, fmt.Errorf(`expected a time after "at", such as 09:00`)
	}
	slices.Sort(times)
	return slices.Compact(times), nil
}

// cronFields are the fields of a cron expression.
var cronFields = []struct {
	name, bounds string
	option       cron.ParseOption
	bits         func(*cron.SpecSchedule) uint64
}{
	{"minute", "0 to 59", cron.Minute, func(s *cron.SpecSchedule) uint64 { return s.Minute }},
	{"hour", "0 to 23", cron.Hour, func(s *cron.SpecSchedule) uint64 { return s.Hour }},
	{"day", "1 to 31", cron.Dom, func(s *cron.SpecSchedule) uint64 { return s.Dom }},
	{"month", "1 to 12 or jan to dec", cron.Month, func(s *cron.SpecSchedule) uint64 { return s.Month }},
	{"weekday", "0 to 7 or sun to sat", cron.Dow, func(s *cron.SpecSchedule) uint64 { return s.Dow }},
}

// starBit is set by the cron parser for a field that is not restricted.
const starBit = 1 << 63

// parseCron reads five fields, each with the cron parser. The ticks are computed
// here, as cron treats changes of the clock differently.
func parseCron(words []string) (func(time.Time) time.Time, error) {
	if len(words) != len(cronFields) {
		return nil, fmt.Errorf("found %d fields; expected five: minute hour day month weekday", len(words))
	}
	var set [5]uint64
	for i, field := range cronFields {
		word := words[i]
		if field.option == cron.Dow {
			word = sundayAsZero(word)
		}
		var parsed cron.Schedule
		err := fmt.Errorf("a field is one of a list, a range or a step")
		if strings.Trim(word, "0123456789abcdefghijklmnopqrstuvwxyz*?/,-") == "" {
			parsed, err = cron.NewParser(field.option).Parse(word)
		}
		spec, ok := parsed.(*cron.SpecSchedule)
		if err != nil || !ok || field.bits(spec)&^starBit == 0 {
			return nil, fmt.Errorf(`%s is %q; expected %s, or * , a range 1-5, a list 1,3 or a step */2`, field.name, words[i], field.bounds)
		}
		set[i] = field.bits(spec)
	}
	on := days{
		monthDays: set[2] &^ starBit, anyMonth: set[2]&starBit != 0,
		months:   set[3] &^ starBit,
		weekDays: set[4] &^ starBit, anyWeek: set[4]&starBit != 0,
	}
	if bits.OnesCount64(set[1]&^starBit) == 24 {
		return wallMinutes(on, set[0]&^starBit), nil
	}
	var times []int
	for at := range 24 * 60 {
		if set[1]>>(at/60)&1 == 1 && set[0]>>(at%60)&1 == 1 {
			times = append(times, at)
		}
	}
	return wallTimes(on, times), nil
}

// sundayAsZero replaces 7, which many write for Sunday, by 0, which the parser
// reads.
func sundayAsZero(field string) string {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		switch {
		case part == "7":
			parts[i] = "0"
		case strings.HasSuffix(part, "-7"):
			parts[i] = strings.TrimSuffix(part, "7") + "6,0"
		}
	}
	return strings.Join(parts, ",")
}
