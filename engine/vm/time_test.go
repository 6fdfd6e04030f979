package vm_test

import "testing"

// The run's zone is Europe/Paris: on 29 March 2026 its clock is put forward
// from 2 to 3, on 25 October back from 3 to 2.
func TestTimeParse(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `time.parse("3/4/2026", "%d/%m/%Y")`, want: `"2026-04-02T22:00:00Z"`},
		{lua: `time.parse("3 Mar 2026", "%d %b %Y")`, want: `"2026-03-02T23:00:00Z"`},
		{lua: `time.parse("3/4/2026", "%-d/%-m/%Y")`, want: `"2026-04-02T22:00:00Z"`},
		{lua: `time.parse("03/04/2026", "%-d/%-m/%Y")`, want: `"2026-04-02T22:00:00Z"`},
		{lua: `time.parse("2026-1-2 3:4:5", "%Y-%m-%d %H:%M:%S")`, want: `"2026-01-02T02:04:05Z"`},
		{lua: `time.parse("20260304", "%Y%m%d")`, want: `"2026-03-03T23:00:00Z"`},
		{lua: `time.parse("2026304", "%Y%m%d")`, want: `nil`},
		{lua: `time.parse("20260304T0905", "%Y%m%dT%H%M")`, want: `"2026-03-04T08:05:00Z"`},
		{lua: `time.parse("5 march 2026", "%d %B %Y")`, want: `"2026-03-04T23:00:00Z"`},
		{lua: `time.parse("Tue, MAR 3 2026, 9:05 pm", "%A, %B %e %Y, %I:%M %p")`, want: `"2026-03-03T20:05:00Z"`},
		{lua: `time.parse("12:30 AM 3 3 26", "%l:%M %p %d %m %y")`, want: `"2026-03-02T23:30:00Z"`},
		{lua: `time.parse("2026-7", "%Y-%j")`, want: `"2026-01-06T23:00:00Z"`},
		{lua: `time.parse("2026-W10-3", "%G-W%V-%u")`, want: `"2026-03-03T23:00:00Z"`},
		{lua: `time.parse("1796115907", "%s")`, want: `"2026-12-01T09:05:07Z"`},
		{lua: `time.parse("1796115907250", "%s%L")`, want: `"2026-12-01T09:05:07.25Z"`},
		{lua: `time.parse("2026-12-01T09:05:07.123456Z", "%Y-%m-%dT%H:%M:%S.%L%z")`, want: `"2026-12-01T09:05:07.123456Z"`},

		{lua: `time.parse("2026-03-03 09:00Z", "%F %R%z")`, want: `"2026-03-03T09:00:00Z"`},
		{lua: `time.parse("2026-03-03 09:00 -05", "%F %R %z")`, want: `"2026-03-03T14:00:00Z"`},
		{lua: `time.parse("2026-03-03 09:00 +0530", "%F %R %z")`, want: `"2026-03-03T03:30:00Z"`},
		{lua: `time.parse("2026-03-03 09:00 +05:30", "%F %R %z")`, want: `"2026-03-03T03:30:00Z"`},
		{lua: `time.parse("2026-03-03 09:00 +05:3", "%F %R %z")`, want: `nil`},
		{lua: `time.parse("2026-03-03 09:00 +24:00", "%F %R %z")`, want: `nil`},
		{lua: `time.parse("+05302026-03-03", "%z%F")`, want: `"2026-03-02T18:30:00Z"`},
		{lua: `time.parse("2026-10-25 02:30 CET", "%F %R %Z")`, want: `"2026-10-25T01:30:00Z"`},
		{lua: `time.parse("2026-10-25 02:30 cest", "%F %R %Z")`, want: `"2026-10-25T00:30:00Z"`},
		{lua: `time.parse("2026-10-25 02:30 GMT", "%F %R %Z")`, want: `"2026-10-25T02:30:00Z"`},
		{lua: `time.parse("2026-10-25 02:30 PST", "%F %R %Z")`, want: `nil`},
		{lua: `time.parse("Tue, 01 Dec 2026 09:00:00 PST")`, want: `nil`},
		{lua: `time.parse("Tue, 01 Dec 2026 09:00:00 CET")`, want: `"2026-12-01T08:00:00Z"`},
		{lua: `time.parse("Tue, 01 Dec 2026 09:00:00 GMT")`, want: `"2026-12-01T09:00:00Z"`},

		// Texts that do not fit the format or are no time.
		{lua: `time.parse("9:05", "%H:%M")`, want: `nil`},
		{lua: `time.parse("12 Dec", "%d %b")`, want: `nil`},
		{lua: `time.parse("31/2/2026", "%d/%m/%Y")`, want: `nil`},
		{lua: `time.parse("29/2/2026", "%d/%m/%Y")`, want: `nil`},
		{lua: `time.parse("0/1/2026", "%d/%m/%Y")`, want: `nil`},
		{lua: `time.parse("1/13/2026", "%d/%m/%Y")`, want: `nil`},
		{lua: `time.parse("1/1/26", "%d/%m/%Y")`, want: `nil`},
		{lua: `time.parse("0000-01-01", "%Y-%m-%d")`, want: `nil`},
		{lua: `time.parse("0001-01-01", "%Y-%m-%d")`, want: `nil`},
		{lua: `time.parse("0001-01-01")`, want: `nil`},
		{lua: `time.parse("2026-01-01 25:00", "%F %H:%M")`, want: `nil`},
		{lua: `time.parse("2026-01-01 24:00", "%F %H:%M")`, want: `nil`},
		{lua: `time.parse("2026-01-01 12:60", "%F %H:%M")`, want: `nil`},
		{lua: `time.parse("2026-01-01 13 PM", "%F %I %p")`, want: `nil`},
		{lua: `time.parse("2026-366", "%Y-%j")`, want: `nil`},
		{lua: `time.parse("2026-W53-1", "%G-W%V-%u")`, want: `"2026-12-27T23:00:00Z"`},
		{lua: `time.parse("2027-W53-1", "%G-W%V-%u")`, want: `nil`},
		{lua: `time.parse("3 Mär 2026", "%d %b %Y")`, want: `nil`},
		{lua: `time.parse("2026-01-01 ", "%F")`, want: `nil`},
		{lua: `time.parse("2026-01-01x", "%F")`, want: `nil`},
		{lua: `time.parse("2026-01", "%F")`, want: `nil`},
		{lua: `time.parse("", "%F")`, want: `nil`},
		{lua: `time.parse("001 2026-01-02", "%j %F")`, want: `nil`},
		{lua: `time.parse("2026-01-01 03 PM", "%F %H %p")`, want: `nil`},

		// A wrong format is an error for every text.
		{lua: `time.parse("x", "%Y-%Q")`, err: `time.parse: the format "%Y-%Q": "%Q" at character 4 is not known; known are %Y %m %d`},
		{lua: `time.parse("x", "é %-é")`, err: `the format "é %-é": "%-é" at character 3 is not known`},
		{lua: `time.parse("x", "%Y %")`, err: `the format "%Y %" ends at character 4 with "%", where a directive is expected; known are %Y`},
		{lua: `time.parse("x", "%Y%-")`, err: `the format "%Y%-" ends at character 3 with "%-"`},
		{lua: `time.parse("x", "")`, err: `the format "" has no directive; expected one such as "%Y-%m-%d"`},
		{lua: `time.parse("x", "today %%")`, err: `the format "today %%" has no directive`},
		{lua: `time.parse("x", true)`, err: `time.parse: the format must be a text, found true`},
		{lua: `time.parse("2026-W10", "%Y-W%V")`, err: `the format "%Y-W%V": %V at character 5 is the week of the year %G, which is not there`},
		{lua: `time.parse("2026-10-25", "%G-%m-%d")`, err: `the format "%G-%m-%d": %G at character 1 is the year of the week %V, which is not there; write %Y`},
		{lua: `time.parse("2026-10-25", "%F", "")`, err: `time.parse: "" is no time zone`},
	})
}

// A local time that exists twice or not at all is converted by the same rule in
// all functions.
func TestTimeWallClock(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `time.parse("2026-10-25 02:30", "%Y-%m-%d %H:%M")`, want: `"2026-10-25T00:30:00Z"`},
		{lua: `time.parse("2026-10-25 02:30")`, want: `"2026-10-25T00:30:00Z"`},
		{lua: `time.at "2026-10-25T02:30:00"`, want: `"2026-10-25T00:30:00Z"`},
		{lua: `time.after("1 day", "2026-10-24 02:30")`, want: `"2026-10-25T00:30:00Z"`},
		{lua: `time.before("1 month", "2026-11-25 02:30")`, want: `"2026-10-25T00:30:00Z"`},
		{lua: `time.format("2026-10-25 02:30", "%F %T %z")`, want: `"2026-10-25 02:30:00 +0200"`},
		{lua: `time.diff("2026-10-25 03:30", "2026-10-25 02:30", "hours")`, want: `2`},
		{lua: `time.parse("2026-11-01 01:30", "%Y-%m-%d %H:%M", "America/New_York")`, want: `"2026-11-01T05:30:00Z"`},
		{lua: `time.parse("2026-04-05 01:45", "%Y-%m-%d %H:%M", "Australia/Lord_Howe")`, want: `"2026-04-04T14:45:00Z"`},

		{lua: `time.parse("2026-03-29 02:30", "%Y-%m-%d %H:%M")`, want: `"2026-03-29T01:00:00Z"`},
		{lua: `time.parse("2026-03-29 02:30")`, want: `"2026-03-29T01:00:00Z"`},
		{lua: `time.at "2026-03-29 02:30"`, want: `"2026-03-29T01:00:00Z"`},
		{lua: `time.after("1 day", "2026-03-28 02:30")`, want: `"2026-03-29T01:00:00Z"`},
		{lua: `time.before("1 day and 1 hour", "2026-03-30 02:30")`, want: `"2026-03-29T00:00:00Z"`},
		{lua: `time.parse("2026-03-08 02:30", "%Y-%m-%d %H:%M", "America/New_York")`, want: `"2026-03-08T07:00:00Z"`},
		{lua: `time.parse("2026-10-04 02:10", "%Y-%m-%d %H:%M", "Australia/Lord_Howe")`, want: `"2026-10-03T15:30:00Z"`},
		{lua: `time.parse("2018-11-04", "%Y-%m-%d", "America/Sao_Paulo")`, want: `"2018-11-04T03:00:00Z"`},
		{lua: `time.parse("2011-12-30 12:00", "%Y-%m-%d %H:%M", "Pacific/Apia")`, want: `"2011-12-30T10:00:00Z"`},
	})
}
