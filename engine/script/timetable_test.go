package script_test

import (
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/tidewire/tidewire/engine/script"
)

const local = "2006-01-02 15:04:05 -0700"

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestTimetableNext lists the ticks after a moment. All times are those of the
// wall clock of the zone.
func TestTimetableNext(t *testing.T) {
	tests := []struct {
		name, spec, zone, after string
		want                    []string
	}{
		{"a quarter of an hour, aligned to midnight", "15m", "UTC", "2026-03-01 10:07:12 +0000",
			[]string{"2026-03-01 10:15:00 +0000", "2026-03-01 10:30:00 +0000"}},
		{"a tick is not its own successor", "15m", "UTC", "2026-03-01 10:15:00 +0000",
			[]string{"2026-03-01 10:30:00 +0000"}},
		{"half a minute", "30s", "UTC", "2026-03-01 23:59:31 +0000",
			[]string{"2026-03-02 00:00:00 +0000", "2026-03-02 00:00:30 +0000"}},
		{"an hour where clocks are half an hour off", "hour", "Asia/Kolkata", "2026-03-01 10:07:00 +0530",
			[]string{"2026-03-01 11:00:00 +0530"}},
		{"six hours count from local midnight", "6 hours", "America/New_York", "2026-06-01 05:00:00 -0400",
			[]string{"2026-06-01 06:00:00 -0400", "2026-06-01 12:00:00 -0400", "2026-06-01 18:00:00 -0400", "2026-06-02 00:00:00 -0400"}},
		{"seven minutes do not divide a day and count from the epoch", "7m", "UTC", "1970-01-01 00:00:00 +0000",
			[]string{"1970-01-01 00:07:00 +0000", "1970-01-01 00:14:00 +0000"}},
		{"two days count from 1970", "2 days", "Europe/Paris", "1970-01-01 12:00:00 +0100",
			[]string{"1970-01-03 00:00:00 +0100", "1970-01-05 00:00:00 +0100"}},

		{"a day at a time", "day at 09:00", "Europe/Paris", "2026-07-01 09:00:00 +0200",
			[]string{"2026-07-02 09:00:00 +0200"}},
		{"a day at two times", "day at 17:30 and 9:00", "UTC", "2026-07-01 08:00:00 +0000",
			[]string{"2026-07-01 09:00:00 +0000", "2026-07-01 17:30:00 +0000", "2026-07-02 09:00:00 +0000"}},
		{"a weekday", "weekday at 08:30", "UTC", "2026-07-03 09:00:00 +0000", // a Friday
			[]string{"2026-07-06 08:30:00 +0000"}},
		{"the weekend", "weekend", "UTC", "2026-07-03 09:00:00 +0000",
			[]string{"2026-07-04 00:00:00 +0000", "2026-07-05 00:00:00 +0000", "2026-07-11 00:00:00 +0000"}},
		{"two named days", "Monday, thursday at 9:00", "UTC", "2026-07-03 09:00:00 +0000",
			[]string{"2026-07-06 09:00:00 +0000", "2026-07-09 09:00:00 +0000"}},
		{"the first of the month", "month at 09:00", "UTC", "2026-01-31 00:00:00 +0000",
			[]string{"2026-02-01 09:00:00 +0000", "2026-03-01 09:00:00 +0000"}},
		{"the last of the month", "month on last at 18:00", "UTC", "2028-01-31 18:00:00 +0000",
			[]string{"2028-02-29 18:00:00 +0000", "2028-03-31 18:00:00 +0000", "2028-04-30 18:00:00 +0000"}},

		{"cron: workdays", "0 9 * * 1-5", "UTC", "2026-07-03 09:00:00 +0000",
			[]string{"2026-07-06 09:00:00 +0000"}},
		{"cron: seven is Sunday", "0 9 * * 7", "UTC", "2026-07-03 09:00:00 +0000",
			[]string{"2026-07-05 09:00:00 +0000"}},
		{"cron: Saturday to seven", "0 9 * * 6-7", "UTC", "2026-07-04 09:00:00 +0000",
			[]string{"2026-07-05 09:00:00 +0000", "2026-07-11 09:00:00 +0000"}},
		{"cron: a month has no 31st", "0 0 31 * *", "UTC", "2026-03-31 00:00:00 +0000",
			[]string{"2026-05-31 00:00:00 +0000"}},
		{"cron: the leap day", "30 12 29 2 *", "UTC", "2024-02-29 12:30:00 +0000",
			[]string{"2028-02-29 12:30:00 +0000"}},
		{"cron: no leap day in 2100", "0 0 29 2 *", "UTC", "2096-02-29 00:00:00 +0000",
			[]string{"2104-02-29 00:00:00 +0000"}},
		{"cron: either the day or the weekday", "0 0 13 * 5", "UTC", "2026-02-12 00:00:00 +0000",
			[]string{"2026-02-13 00:00:00 +0000", "2026-02-20 00:00:00 +0000", "2026-02-27 00:00:00 +0000", "2026-03-06 00:00:00 +0000", "2026-03-13 00:00:00 +0000"}},

		// Paris: 2026-03-29 02:00 becomes 03:00; 2026-10-25 03:00 becomes 02:00.
		{"Paris in spring: a time that is not there", "day at 02:30", "Europe/Paris", "2026-03-28 12:00:00 +0100",
			[]string{"2026-03-29 03:00:00 +0200", "2026-03-30 02:30:00 +0200"}},
		{"Paris in spring: two of them, and the one after, are one", "day at 02:15, 02:45, 03:00", "Europe/Paris", "2026-03-28 12:00:00 +0100",
			[]string{"2026-03-29 03:00:00 +0200", "2026-03-30 02:15:00 +0200"}},
		{"Paris in spring: the day after is early by the sun only", "day at 09:00", "Europe/Paris", "2026-03-28 09:00:00 +0100",
			[]string{"2026-03-29 09:00:00 +0200"}},
		{"Paris in spring: moments go on", "15m", "Europe/Paris", "2026-03-29 01:40:00 +0100",
			[]string{"2026-03-29 01:45:00 +0100", "2026-03-29 03:00:00 +0200", "2026-03-29 03:15:00 +0200"}},
		{"Paris in autumn: a time that is there twice", "day at 02:30", "Europe/Paris", "2026-10-24 12:00:00 +0200",
			[]string{"2026-10-25 02:30:00 +0200", "2026-10-26 02:30:00 +0100"}},
		{"Paris in autumn: asked between the two", "day at 02:30", "Europe/Paris", "2026-10-25 02:10:00 +0100",
			[]string{"2026-10-26 02:30:00 +0100"}},
		{"Paris in autumn: moments go on through both hours", "30m", "Europe/Paris", "2026-10-25 02:00:00 +0200",
			[]string{"2026-10-25 02:30:00 +0200", "2026-10-25 02:00:00 +0100", "2026-10-25 02:30:00 +0100", "2026-10-25 03:00:00 +0100"}},
		{"Paris in autumn: so do those of cron", "*/30 * * * *", "Europe/Paris", "2026-10-25 02:00:00 +0200",
			[]string{"2026-10-25 02:30:00 +0200", "2026-10-25 02:00:00 +0100", "2026-10-25 02:30:00 +0100", "2026-10-25 03:00:00 +0100"}},
		{"Paris in autumn: two hours run once", "2h", "Europe/Paris", "2026-10-25 00:00:00 +0200",
			[]string{"2026-10-25 02:00:00 +0200", "2026-10-25 04:00:00 +0100"}},

		// New York: 2026-03-08 02:00 becomes 03:00; 2026-11-01 02:00 becomes 01:00.
		{"New York in spring", "30 2 * * *", "America/New_York", "2026-03-07 02:30:00 -0500",
			[]string{"2026-03-08 03:00:00 -0400", "2026-03-09 02:30:00 -0400"}},
		{"New York in autumn", "30 1 * * *", "America/New_York", "2026-10-31 02:00:00 -0400",
			[]string{"2026-11-01 01:30:00 -0400", "2026-11-02 01:30:00 -0500"}},
		{"New York in autumn: the hour after", "0 2 * * *", "America/New_York", "2026-10-31 02:00:00 -0400",
			[]string{"2026-11-01 02:00:00 -0500"}},

		// Lord Howe moves by half an hour: 2026-04-05 02:00 becomes 01:30;
		// 2026-10-04 02:00 becomes 02:30.
		{"Lord Howe in spring", "day at 02:15", "Australia/Lord_Howe", "2026-10-03 12:00:00 +1030",
			[]string{"2026-10-04 02:30:00 +1100", "2026-10-05 02:15:00 +1100"}},
		{"Lord Howe in spring: quarters", "15m", "Australia/Lord_Howe", "2026-10-04 01:45:00 +1030",
			[]string{"2026-10-04 02:30:00 +1100", "2026-10-04 02:45:00 +1100"}},
		{"Lord Howe in autumn", "day at 01:45", "Australia/Lord_Howe", "2026-04-04 12:00:00 +1100",
			[]string{"2026-04-05 01:45:00 +1100", "2026-04-06 01:45:00 +1030"}},
		{"Lord Howe in autumn: quarters", "15m", "Australia/Lord_Howe", "2026-04-05 01:45:00 +1100",
			[]string{"2026-04-05 01:30:00 +1030", "2026-04-05 01:45:00 +1030", "2026-04-05 02:00:00 +1030"}},

		// Clocks that change at midnight: Beirut puts 00:00 forward to 01:00.
		{"a midnight that is not there", "day", "Asia/Beirut", "2026-03-28 12:00:00 +0200",
			[]string{"2026-03-29 01:00:00 +0300", "2026-03-30 00:00:00 +0300"}},
		{"a midnight that is not there, for moments", "0 * 29 3 *", "Asia/Beirut", "2026-03-28 12:00:00 +0200",
			[]string{"2026-03-29 01:00:00 +0300", "2026-03-29 02:00:00 +0300"}},
		// Samoa had no 30 December 2011.
		{"a day that is not there", "day at 09:00", "Pacific/Apia", "2011-12-29 09:00:00 -1000",
			[]string{"2011-12-31 00:00:00 +1400", "2011-12-31 09:00:00 +1400"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			table, err := script.ParseTimetable(test.spec, zone(t, test.zone))
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(local, test.after)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				at = table.Next(at)
				if got := at.Format(local); got != want {
					t.Fatalf("%q in %s: next is %s, want %s", test.spec, test.zone, got, want)
				}
			}
		})
	}
}

func TestParseTimetableRefuses(t *testing.T) {
	tests := []struct{ spec, want string }{
		{"", "schedule is empty"},
		{"mondey at 9:00", `did you mean "monday"?`},
		{"fortnight", `unknown word "fortnight"`},
		{"day at 25:00", `found "25:00"; expected a time from 00:00 to 23:59`},
		{"day at", `expected a time after "at"`},
		{"at 09:00", `expected a day before "at"`},
		{"hour at 3", `nothing can follow "hour"`},
		{"month on 30", `write "month on last"`},
		{"month on 40", "expected 1 to 28, or last"},
		{"0s", "expected whole seconds"},
		{"1500ms", "expected whole seconds"},
		{"500 days", "longer than a year"},
		{"15", `"15" is no length of time`},
		{"0 25 * * *", `hour is "25"; expected 0 to 23`},
		{"61 * * * *", `minute is "61"`},
		{"0 9 * * moon", `weekday is "moon"`},
		{"*/0 * * * *", `minute is "*/0"`},
		{"0 9 * *", "found 4 fields; expected five"},
		{"0 0 31 2 *", "such a day never comes"},
		{"TZ=UTC 0 9 * * *", `unknown word "tz=utc"`},
		{"@daily", `unknown word "@daily"`},
		{strings.Repeat("a", 300), "at most 200"},
	}
	for _, test := range tests {
		_, err := script.ParseTimetable(test.spec, time.UTC)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error is %v, want one with %q", test.spec, err, test.want)
		}
	}
}

// TestTicksOfFarYears: a timetable goes on over the ends of years for which a zone has
// only a rule, of which some are leap years.
func TestTicksOfFarYears(t *testing.T) {
	for _, spec := range []string{"15m", "6h", "day at 09:00", "hour"} {
		table, err := script.ParseTimetable(spec, zone(t, "Europe/Paris"))
		if err != nil {
			t.Fatal(err)
		}
		for year := 2038; year < 2060; year++ {
			at := time.Date(year, 12, 30, 22, 50, 0, 0, time.UTC)
			for end := at.Add(72 * time.Hour); at.Before(end); {
				next := table.Next(at)
				if !next.After(at) || next.Sub(at) > 25*time.Hour {
					t.Fatalf("%q: after %s next is %s", spec, at, next)
				}
				at = next
			}
		}
	}
}

func FuzzParseTimetable(f *testing.F) {
	for _, spec := range []string{"15m", "day at 09:00", "month on last at 23:59", "0 9 * * 1-5", "*/7 3 29 2 6-7", "monday and friday at 1:00"} {
		f.Add(spec, int64(1774746000))
	}
	zones := []*time.Location{zone(f, "Europe/Paris"), zone(f, "Australia/Lord_Howe"), zone(f, "Asia/Beirut")}
	f.Fuzz(func(t *testing.T, spec string, unix int64) {
		const years = 60 * 365 * 86400
		after := time.Unix(((unix%years)+years)%years, 0)
		for _, z := range zones {
			table, err := script.ParseTimetable(spec, z)
			if err != nil {
				return
			}
			first := table.Next(after)
			if first.IsZero() {
				continue // a day that comes once in many years
			}
			if !first.After(after) {
				t.Fatalf("%q: %s comes not after %s", spec, first, after)
			}
			// There is no tick between: it is also the next after the moment before it.
			if again := table.Next(first.Add(-time.Second)); !again.Equal(first) {
				t.Fatalf("%q: after %s next is %s, but a second before that it is %s", spec, after, first, again)
			}
		}
	})
}

// FuzzCronAgrees compares with a cron library in a zone without clock changes.
func FuzzCronAgrees(f *testing.F) {
	f.Add("*/15 8-18 * * 1-5", int64(0))
	f.Add("0 0 13 * 5", int64(1700000000))
	f.Fuzz(func(t *testing.T, spec string, unix int64) {
		if strings.Contains(spec, "=") || len(strings.Fields(spec)) != 5 {
			return
		}
		theirs, err := cron.ParseStandard(spec)
		if err != nil || strings.HasPrefix(strings.TrimSpace(spec), "@") {
			return
		}
		ours, err := script.ParseTimetable(spec, time.UTC)
		if err != nil {
			return // a day that never comes, a character that is refused
		}
		const years = 60 * 365 * 86400
		after := time.Unix(((unix%years)+years)%years, 0).UTC()
		for range 3 {
			got, want := ours.Next(after), theirs.Next(after)
			if want.IsZero() || want.Sub(after) > 5*365*24*time.Hour {
				return
			}
			if !got.Equal(want) {
				t.Fatalf("%q after %s: got %s, the library has %s", spec, after, got, want)
			}
			after = got
		}
	})
}
