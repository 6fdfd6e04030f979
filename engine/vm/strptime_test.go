package vm

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var testZones = []string{
	"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "UTC",
}

func loadZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// drawTime draws a moment. Half of them are near a change of the zone's clock.
func drawTime(r *rapid.T, zone *time.Location) time.Time {
	first, last := time.Date(1880, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)
	t := time.UnixMilli(rapid.Int64Range(first.UnixMilli(), last.UnixMilli()).Draw(r, "milliseconds")).In(zone)
	if _, end := t.ZoneBounds(); !end.IsZero() && rapid.Bool().Draw(r, "near a change") {
		t = end.Add(time.Duration(rapid.IntRange(-26*3600_000, 26*3600_000).Draw(r, "from it")) * time.Millisecond)
	}
	return t.In(zone)
}

// showing returns the moments at which the clock of a zone shows a time. It
// tries each offset that the zone has in the days around it.
func showing(local time.Time, zone *time.Location) []time.Time {
	var all []time.Time
	for t := local.Add(-72 * time.Hour); t.Before(local.Add(72 * time.Hour)); t = t.Add(15 * time.Minute) {
		_, offset := t.In(zone).Zone()
		moment := local.Add(-time.Duration(offset) * time.Second)
		if wall(moment, zone).Equal(local) && !slices.ContainsFunc(all, moment.Equal) {
			all = append(all, moment)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

func TestWallTime(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		zone := loadZone(t, rapid.SampledFrom(testZones).Draw(r, "zone"))
		local := wall(drawTime(r, time.UTC), time.UTC)
		if rapid.Bool().Draw(r, "near a change") {
			local = wall(drawTime(r, zone), zone).Add(time.Duration(rapid.IntRange(-90, 90).Draw(r, "minutes")) * time.Minute)
		}
		got := WallTime(local, zone)
		all := showing(local, zone)
		if len(all) > 0 {
			if !got.Equal(all[0]) {
				r.Fatalf("%s in %s is %s; want the first of %v", local, zone, got, all)
			}
			return
		}
		before := got.Add(-time.Nanosecond)
		if !wall(got, zone).After(local) || !wall(before, zone).Before(local) {
			r.Fatalf("%s, which %s does not have, is %s; want the end of the gap", local, zone, got)
		}
	})
}

// TestWallTimeOfAllYears: each zone has the first and the last day of each year, also
// where it has only a rule for them.
func TestWallTimeOfAllYears(t *testing.T) {
	for _, name := range testZones {
		zone := loadZone(t, name)
		for year := 1; year < 9999; year++ {
			for _, local := range []time.Time{time.Date(year, 12, 31, 0, 30, 0, 0, time.UTC), time.Date(year+1, 1, 1, 12, 0, 0, 159e6, time.UTC)} {
				if got := WallTime(local, zone); !wall(got, zone).Equal(local) {
					t.Fatalf("%s in %s is %s", local, name, got)
				}
			}
		}
	}
}

// TestFormatParse formats times by formats that determine a time, and parses
// them again.
func TestFormatParse(t *testing.T) {
	dates := []string{
		"%Y-%m-%d", "%d/%m/%Y", "%-d.%-m.%-Y", "%F", "%Y%m%d", "%e %b %Y", "%e %B %Y", "%b %-d, %Y", "%h %d %Y", "%Y-%j", "%Y%j", "%-Y %-j",
		"%D", "%x", "%d%m%y", "%-y %m %d", "%G-%V-%u", "%G%V%u", "%G %V %w", "%A %G %-V", "%a, %V/%G",
	}
	clocks := []struct {
		format    string
		precision time.Duration
	}{
		{"%H:%M:%S.%L", time.Millisecond}, {"%H%M%S%L", time.Millisecond}, {"%-H:%-M:%-S %-L", time.Millisecond},
		{"%H:%M:%S", time.Second}, {"%T", time.Second}, {"%X", time.Second}, {"%I:%M:%S %p", time.Second}, {"%l:%M:%S%p", time.Second},
		{"%R", time.Minute}, {"%H%M", time.Minute}, {"%p %-I:%M", time.Minute}, {"%p%I%M", time.Minute}, {"%-l %p %M", time.Minute},
		{"%H", time.Hour}, {"%I%p", time.Hour}, {"%%", 24 * time.Hour},
	}
	more := []string{"%a", "%A", "%j", "%u", "%w", "%V %G", "%Y", "%y", "%m", "%-m", "%d", "%e", "%b", "%B", "%n", "%t", "%%", "%-%", "年"}
	rapid.Check(t, func(r *rapid.T) {
		zone := loadZone(t, rapid.SampledFrom(testZones).Draw(r, "zone"))
		at := drawTime(r, zone)
		date := rapid.SampledFrom(dates).Draw(r, "date")
		clock := rapid.SampledFrom(clocks).Draw(r, "clock")
		offset := rapid.SampledFrom([]string{"", "%z", "%Z", "%s", "%c"}).Draw(r, "offset")
		parts := []string{date, clock.format, offset}
		for range rapid.IntRange(0, 3).Draw(r, "more") {
			parts = append(parts, rapid.SampledFrom(more).Draw(r, "what"))
		}
		precision := clock.precision
		local := wall(at, zone)
		var want time.Time
		if offset == "%c" && precision > time.Second { // has the seconds
			precision = time.Second
		}
		local = local.Truncate(precision)
		switch all := showing(local, zone); offset {
		case "%s":
			want = at.Truncate(time.Second)
			if clock.precision == time.Millisecond {
				want = at
			}
		case "%z":
			_, seconds := at.Zone()
			want = local.Add(-time.Duration(seconds) * time.Second)
		case "%Z":
			name, _ := at.Zone()
			i := slices.IndexFunc(all, func(m time.Time) bool { other, _ := m.In(zone).Zone(); return other == name })
			if i < 0 {
				r.Skip("at the full minute or hour the offset was another")
			}
			want = all[i]
		default:
			want = WallTime(local, zone)
		}
		if year := wall(at, zone).Year(); (year < 1969 || year > 2068) && strings.ContainsAny(strings.Join(parts, ""), "yDx") {
			r.Skip("two digits do not determine the century")
		}
		format := strings.Join(rapid.Permutation(parts).Draw(r, "parts"), "|")
		text, err := strftime(format, at)
		if err != nil {
			r.Fatal(err)
		}
		for _, text := range []string{text, strings.ToLower(text), strings.ToUpper(text)} {
			got, ok, err := strptime(format, text, zone)
			if !ok || err != nil || !got.Equal(want) {
				r.Fatalf("%s in %s by %q is %q, read as %s, %v, %v; want %s", at.Format(time.RFC3339Nano), zone, format, text, got, ok, err, want)
			}
		}
	})
}

// Every directive of strftime is one of strptime, and is in the list that
// errors have.
func TestDirectives(t *testing.T) {
	at := time.Date(2026, 3, 4, 15, 6, 7, 0, loadZone(t, "Europe/Paris"))
	listed, _, _ := strings.Cut(directives, ",")
	known := map[string]bool{}
	for _, d := range strings.Fields(listed) {
		known[d] = true
		for _, d := range []string{d, "%-" + d[1:]} {
			format := "%F %T %G %V|" + d
			text, err := strftime(format, at)
			if err != nil {
				t.Errorf("%s: %v", d, err)
			}
			if got, ok, err := strptime(format, text, at.Location()); err != nil || !ok || !got.Equal(at) {
				t.Errorf("%s: %q is read as %s, %v, %v; want %s", d, text, got, ok, err, at)
			}
		}
	}
	for c := byte('!'); c < 127; c++ {
		if _, err := strftime("%"+string(c), at); (err == nil) != known["%"+string(c)] {
			t.Errorf("%%%c is listed: %v; strftime: %v", c, known["%"+string(c)], err)
		}
	}
}

// FuzzStrptime parses any text by any format. If the format determines a time,
// the parsed time does not change when it is formatted and parsed again.
func FuzzStrptime(f *testing.F) {
	for _, seed := range [][2]string{
		{"%Y-%m-%d %H:%M", "2026-10-25 02:30"}, {"%d %b %Y", "3 Mar 2026"}, {"%s%L", "1796115907250"}, {"%c %z", "Sun Oct 25 02:30:00 2026 +02:00"},
		{"%G-W%V-%u", "2026-W10-3"}, {"%-d%%%n%t%e", "3% 3"}, {"%Z%L%p%l", "CET5pm 5"}, {"%", ""}, {"%-", "\xff"}, {"%y%j", "26366"}, {"%z", "+02:00:30"},
	} {
		f.Add(seed[0], seed[1])
	}
	zone := loadZone(f, "Europe/Paris")
	f.Fuzz(func(t *testing.T, format, text string) {
		if len(format) > maxFormat {
			return // wantFormat refuses it
		}
		at, ok, err := strptime(format, text, zone)
		if err != nil || !ok {
			return
		}
		if !inRange(at) {
			t.Fatalf("%q by %q is %s, which RFC 3339 cannot write", text, format, at)
		}
		format += " %s.%L"
		written, err := strftime(format, at.In(zone))
		if err != nil {
			t.Fatalf("%q can be parsed and not formatted: %v", format, err)
		}
		if strings.Contains(format, "%Z") || strings.Contains(format, "%z") || strings.Contains(format, "%-z") || strings.Contains(format, "%-Z") {
			return // digits may follow, which belong to the offset then
		}
		if at.Nanosecond()%1e6 != 0 || strings.Contains(format, "%-") {
			return // %L has milliseconds; a plain number before another has no fixed width
		}
		if again, ok, err := strptime(format, written, zone); !ok || err != nil || !again.Equal(at) {
			t.Fatalf("%q by %q is %s, written as %q and read as %s, %v, %v", text, format, at, written, again, ok, err)
		}
	})
}
