package script

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// units are the words for lengths of time; a day is 24 hours.
var units = map[string]time.Duration{
	"ms": time.Millisecond, "millisecond": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "sec": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

// ParseDuration reads a length of time as scripts write it: "30s", "1h30m",
// "3 days", "1 hour 15 minutes".
func ParseDuration(text string) (time.Duration, error) {
	bad := func() (time.Duration, error) {
		return 0, fmt.Errorf(`found %.40q; expected a length of time such as "30s", "15m", "2 hours" or "3 days"`, text)
	}
	rest := strings.TrimSpace(text)
	if rest == "" || len(rest) > 100 {
		return bad()
	}
	var total float64
	for rest != "" {
		digits := span(rest, func(c byte) bool { return c >= '0' && c <= '9' || c == '.' })
		number, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return bad()
		}
		rest = strings.TrimLeft(rest[digits:], " ")
		letters := span(rest, func(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' })
		unit, known := units[strings.ToLower(rest[:letters])]
		if !known {
			return bad()
		}
		rest = strings.TrimLeft(rest[letters:], " ")
		total += number * float64(unit)
	}
	if total > math.MaxInt64/2 {
		return bad()
	}
	return time.Duration(math.Round(total)), nil
}

func span(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}
