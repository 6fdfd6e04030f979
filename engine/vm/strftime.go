package vm

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// strftime writes a time by the conversions of the C function; names are
// English. An unknown conversion is an error rather than something to guess.
func strftime(pattern string, t time.Time) (string, error) {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' {
			b.WriteByte(pattern[i])
			continue
		}
		if i++; i == len(pattern) {
			return "", fmt.Errorf("%q ends with a lone %%; write %%%% for the sign itself", brief(pattern, 40))
		}
		plain := pattern[i] == '-' && i+1 < len(pattern)
		if plain {
			i++
		}
		text, ok := conversion(pattern[i], t)
		if !ok {
			return "", fmt.Errorf("%q: %%%c is not known; known are %s", brief(pattern, 40), pattern[i], conversions)
		}
		if plain {
			if trimmed := strings.TrimLeft(text, "0 "); trimmed != "" {
				text = trimmed
			} else {
				text = "0"
			}
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

const conversions = "%Y %m %d %H %M %S %y %e %I %l %p %a %A %b %B %j %u %w %V %G %F %T %R %D %s %L %z %Z %c %x %X %n %t %%, and %- before one without leading zeros"

func conversion(c byte, t time.Time) (string, bool) {
	switch c {
	case '%':
		return "%", true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay()), true
	case 'u':
		return strconv.Itoa((int(t.Weekday())+6)%7 + 1), true
	case 'w':
		return strconv.Itoa(int(t.Weekday())), true
	case 'V':
		_, week := t.ISOWeek()
		return fmt.Sprintf("%02d", week), true
	case 'G':
		year, _ := t.ISOWeek()
		return strconv.Itoa(year), true
	case 's':
		return strconv.FormatInt(t.Unix(), 10), true
	case 'L':
		return fmt.Sprintf("%03d", t.Nanosecond()/1e6), true
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1), true
	}
	if layout, found := layouts[c]; found {
		return t.Format(layout), true
	}
	return "", false
}

// layouts are the conversions that Go's own layouts can both write and read.
var layouts = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'e': "_2", 'I': "03", 'p': "PM",
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04",
	'D': "01/02/06", 'z': "-0700", 'Z': "MST", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05",
}

// strptime reads a time by the conversions that have a layout; found says
// whether the text looks so.
func strptime(pattern, text string, zone *time.Location) (t time.Time, found bool, err error) {
	layout := ""
	for rest := pattern; rest != ""; {
		literal, after, conversion := strings.Cut(rest, "%")
		if strings.ContainsAny(literal, "0123456789_") || strings.Contains(literal, "PM") || strings.Contains(literal, "pm") ||
			strings.Contains(literal, "Mon") || strings.Contains(literal, "Jan") || strings.Contains(literal, "MST") {
			return t, false, fmt.Errorf("%q: %q cannot stand between the conversions of a time that is read", brief(pattern, 40), brief(literal, 20))
		}
		layout += literal
		if !conversion {
			break
		}
		if after = strings.TrimPrefix(after, "-"); after == "" {
			return t, false, fmt.Errorf("%q ends with a lone %%", brief(pattern, 40))
		}
		part, known := layouts[after[0]]
		if !known || after[0] == 'Z' {
			return t, false, fmt.Errorf("%q: %%%c cannot be read back from a text", brief(pattern, 40), after[0])
		}
		layout += part
		rest = after[1:]
	}
	t, err = time.ParseInLocation(layout, text, zone)
	return t, err == nil, nil
}

// readable are the forms of a time that are known without a pattern, those
// without an offset being in the zone of the run.
var readable = []string{
	time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04", "2006-01-02",
	time.RFC1123Z, time.RFC1123,
}

// parseTime reads a time in one of the readable forms.
func parseTime(text string, zone *time.Location) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if len(text) > 64 {
		return time.Time{}, false
	}
	for _, layout := range readable {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, t.Year() > 0 && t.Year() < 10000
		}
	}
	return time.Time{}, false
}

// formatTime writes a time as scripts see all times: RFC 3339 in UTC.
func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
