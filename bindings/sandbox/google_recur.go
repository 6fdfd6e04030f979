package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// span is when an event takes place.
type span struct{ start, end time.Time }

// mostInstances bounds what a rule without an end makes.
const mostInstances = 500

// googleTimes gives the times of an event between two moments: one, or those
// that its rule gives. The sandbox knows FREQ, INTERVAL, COUNT and UNTIL.
func googleTimes(rec *record, from, to int64) []span {
	first := span{time.UnixMilli(googleTime(rec.fields["start"])).UTC(), time.UnixMilli(googleTime(rec.fields["end"])).UTC()}
	rules, _ := rec.fields["recurrence"].([]any)
	rule := map[string]string{}
	for _, v := range rules {
		parts, is := strings.CutPrefix(text(v), "RRULE:")
		for part := range strings.SplitSeq(parts, ";") {
			if name, value, found := strings.Cut(part, "="); is && found {
				rule[name] = value
			}
		}
	}
	every, _ := strconv.Atoi(rule["INTERVAL"])
	times, _ := strconv.Atoi(rule["COUNT"])
	until, err := time.Parse("20060102T150405Z", rule["UNTIL"])
	if err != nil {
		until, _ = time.Parse("20060102", rule["UNTIL"])
	}
	var all []span
	for n := 0; n < mostInstances; n++ {
		at, repeats := first.step(rule["FREQ"], n*max(every, 1))
		if n > 0 && (!repeats || times > 0 && n >= times || !until.IsZero() && at.start.After(until)) || to > 0 && at.start.UnixMilli() >= to {
			break
		}
		if at.end.UnixMilli() > from {
			all = append(all, at)
		}
	}
	return all
}

// step moves a time on by n of what it repeats by.
func (s span) step(frequency string, n int) (span, bool) {
	years, months, days := 0, 0, 0
	switch frequency {
	case "DAILY":
		days = n
	case "WEEKLY":
		days = 7 * n
	case "MONTHLY":
		months = n
	case "YEARLY":
		years = n
	default:
		return s, false
	}
	return span{s.start.AddDate(years, months, days), s.end.AddDate(years, months, days)}, true
}

// googleInstances gives an event's times as events of their own.
func googleInstances(r *request) (result, *failure) {
	master := r.app.store.get(googleEvents, r.params["eventId"])
	if master == nil || master.links["calendarid"] != r.params["calendarId"] {
		return result{}, r.app.notFound("event", r.params["eventId"])
	}
	items := r.app.store.all(r.plan.resource.name, r.links())
	if master.fields["recurrence"] != nil {
		for _, at := range googleTimes(master, instant(r.query["timeMin"]), instant(r.query["timeMax"])) {
			items = append(items, googleInstance(master, at))
		}
	}
	token, failed := r.googleToken()
	if failed != nil {
		return result{}, failed
	}
	out := r.googlePage(items, token)
	delete(out.fields, "nextSyncToken")
	return out, nil
}

func googleInstance(master *record, at span) *record {
	fields, _ := clone(master.fields).(object)
	id := fmt.Sprintf("%s_%s", master.id, at.start.Format("20060102T150405Z"))
	delete(fields, "recurrence")
	write := func(t time.Time, like any) object {
		if day, _ := like.(object); !empty(day["date"]) {
			return object{"date": t.Format(time.DateOnly)}
		}
		return object{"dateTime": t.Format(time.RFC3339)}
	}
	fields["id"], fields["recurringEventId"] = id, master.id
	fields["start"], fields["end"] = write(at.start, fields["start"]), write(at.end, fields["end"])
	fields["originalStartTime"] = fields["start"]
	return &record{id: id, fields: fields, links: master.links, at: master.at, version: master.version}
}
