package vm

import (
	"math"
	"time"

	// Scripts, schedules and settings name time zones, and a machine may have no
	// files of them. All that runs or checks scripts imports this package, so the
	// data is in every program that embeds package engine.
	_ "time/tzdata"

	lua "github.com/yuin/gopher-lua"
)

// timeLibrary is time. All times that it returns are RFC 3339 in UTC. Times
// without an offset, and days and months, are those of the run's zone.
func timeLibrary(*Machine) map[string]lua.LValue {
	return map[string]lua.LValue{"time": freeze("time", map[string]lua.LGFunction{
		"now": timeNow, "at": timeAt, "after": timeAfter, "before": timeBefore,
		"parse": timeParse, "format": timeFormat, "diff": timeDiff,
	}, nil)}
}

func (a *activation) zone() *time.Location {
	if a.settings.Zone == nil {
		return time.UTC
	}
	return a.settings.Zone
}

// timeNow is time.now(): a step.
func timeNow(L *lua.LState) int {
	a := activationOf(L)
	return pushTime(L, a.now(L, a.arguments(L, "time.now")), "time.now")
}

func (a *activation) now(L *lua.LState, args *arguments) time.Time {
	v := a.decode(L, a.step(L, args.step(StepNow)), nil, nil, true)
	text, _ := v.(lua.LString)
	now, ok := parseTime(string(text), time.UTC)
	if !ok {
		raise(L, "%s: the engine returned %s, which is no time", args.function, describe(v))
	}
	return now
}

func pushTime(L *lua.LState, t time.Time, function string) int {
	if !inRange(t) {
		raise(L, "%s: the year %d is beyond what RFC 3339 can write", function, t.UTC().Year())
	}
	activationOf(L).charge(L, 10, 48)
	L.Push(lua.LString(formatTime(t)))
	return 1
}

// timeAfter is time.after(span [, base]). Without a base it is a step, and
// counts from the current time.
func timeAfter(L *lua.LState) int { return timeShift(L, "time.after", span.after) }

// timeBefore is time.before(span [, base]), the same backwards.
func timeBefore(L *lua.LState) int { return timeShift(L, "time.before", span.before) }

func timeShift(L *lua.LState, function string, shift func(span, time.Time, *time.Location) time.Time) int {
	a := activationOf(L)
	length := wantSpan(L, 1, function)
	var base time.Time
	if L.Get(2) == lua.LNil {
		base = a.now(L, a.arguments(L, function).set("span", L.Get(1)))
	} else {
		base = wantTime(L, 2, function)
	}
	return pushTime(L, shift(length, base, a.zone()), function)
}

// timeAt is time.at(text or Unix seconds): a time in any readable form, as
// RFC 3339 in UTC.
func timeAt(L *lua.LState) int { return pushTime(L, wantTime(L, 1, "time.at"), "time.at") }

// timeParse is time.parse(text [, format [, zone]]): like at, but nil if the
// text is no such time. A format has the directives of time.format.
func timeParse(L *lua.LState) int {
	const function = "time.parse"
	text := wantText(L, 1, function+": the text")
	zone := wantZone(L, 3, function)
	activationOf(L).charge(L, 20+int64(len(text))/16, 0)
	var t time.Time
	var ok bool
	if L.Get(2) == lua.LNil {
		t, ok = parseTime(text, zone)
	} else {
		var err error
		if t, ok, err = strptime(wantFormat(L, 2, function), text, zone); err != nil {
			raise(L, "%s: %v", function, err)
		}
	}
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	return pushTime(L, t, function)
}

// timeFormat is time.format(time [, format [, zone]]), by default
// "%Y-%m-%d %H:%M:%S" in the run's zone.
func timeFormat(L *lua.LState) int {
	const function = "time.format"
	t := wantTime(L, 1, function)
	format := "%Y-%m-%d %H:%M:%S"
	if L.Get(2) != lua.LNil {
		format = wantFormat(L, 2, function)
	}
	text, err := strftime(format, t.In(wantZone(L, 3, function)))
	if err != nil {
		raise(L, "%s: %v", function, err)
	}
	activationOf(L).chargeString(L, len(text))
	L.Push(lua.LString(text))
	return 1
}

// timeDiff is time.diff(a, b [, unit]): how much later a is than b, in seconds,
// minutes, hours, days or weeks. Days and weeks are those of the run's zone:
// from noon to noon is one day also if the clock was changed.
func timeDiff(L *lua.LState) int {
	const function = "time.diff"
	a, b := wantTime(L, 1, function), wantTime(L, 2, function)
	unit := "seconds"
	if L.Get(3) != lua.LNil {
		unit = wantText(L, 3, function+": the unit")
	}
	zone := activationOf(L).zone()
	var n float64
	switch unit {
	case "seconds", "second":
		n = seconds(a, b)
	case "minutes", "minute":
		n = seconds(a, b) / 60
	case "hours", "hour":
		n = seconds(a, b) / 3600
	case "days", "day":
		n = seconds(wall(a, zone), wall(b, zone)) / 86400
	case "weeks", "week":
		n = seconds(wall(a, zone), wall(b, zone)) / (7 * 86400)
	default:
		raise(L, "%s: the unit is seconds, minutes, hours, days or weeks, found %q", function, brief(unit, 20))
	}
	L.Push(lua.LNumber(n))
	return 1
}

// seconds returns a - b. time.Duration cannot represent more than 292 years.
func seconds(a, b time.Time) float64 {
	return float64(a.Unix()-b.Unix()) + float64(a.Nanosecond()-b.Nanosecond())/1e9
}

// wantTime returns argument n, which must be a time: a text in one of the
// forms, or seconds since 1970 as a number.
func wantTime(L *lua.LState, n int, function string) time.Time {
	activationOf(L).charge(L, 20, 0)
	switch v := L.Get(n).(type) {
	case lua.LNumber:
		if whole, part := math.Modf(float64(v)); math.Abs(whole) < 253402300800 {
			return time.Unix(int64(whole), int64(part*1e9))
		}
		raise(L, "%s: %s is too large for seconds since 1970; divide milliseconds by 1000", function, describe(v))
	case lua.LString:
		if t, ok := parseTime(string(v), activationOf(L).zone()); ok {
			return t
		}
		raise(L, "%s: %q is no time; expected one like \"2026-12-01T09:00:00Z\" or \"2026-12-01 09:00\"", function, brief(string(v), 40))
	}
	raise(L, "%s: a time must be a text such as \"2026-12-01T09:00:00Z\", found %s", function, describe(L.Get(n)))
	return time.Time{}
}

// wantSpan returns argument n, which must be a length of time: a text, or
// seconds.
func wantSpan(L *lua.LState, n int, function string) span {
	switch v := L.Get(n).(type) {
	case lua.LNumber:
		if v >= 0 && float64(v) <= maxSpan.Seconds() {
			return span{clock: time.Duration(float64(v) * float64(time.Second))}
		}
	case lua.LString:
		s, err := parseSpan(brief(string(v), 200))
		if err != nil {
			raise(L, "%s: %v", function, err)
		}
		return s
	}
	raise(L, "%s: a length of time must be a text such as \"3 days\" or seconds, found %s", function, describe(L.Get(n)))
	return span{}
}

// maxFormat bounds, in bytes, the format of a time: the work of one call grows
// with its square.
const maxFormat = 1000

// wantFormat returns argument n, which must be the format of a time.
func wantFormat(L *lua.LState, n int, function string) string {
	format := wantText(L, n, function+": the format")
	if len(format) > maxFormat {
		raise(L, "%s: the format has more than 1,000 bytes", function)
	}
	activationOf(L).charge(L, 8*int64(len(format)), 0) // the longest directive, %c, has eleven parts
	return format
}

// wantZone returns argument n, which must be a time zone; the run's if it is
// left out.
func wantZone(L *lua.LState, n int, function string) *time.Location {
	if L.Get(n) == lua.LNil {
		return activationOf(L).zone()
	}
	name := wantText(L, n, function+": the zone")
	activationOf(L).charge(L, 1000, 0)
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		raise(L, "%s: %q is no time zone; expected one like \"Europe/Paris\"", function, brief(name, 40))
	}
	return zone
}
