package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What Google Calendar's operations do; google.go says which does what.

// googleDigits are those of ids that a client may choose: base32hex.
const googleDigits = "0123456789abcdefghijklmnopqrstuv"

func googleInsert(r *Call) (Result, *Failure) {
	id := Text(r.Fields["id"])
	switch {
	case id != "" && (len(id) < 5 || len(id) > 1024 || strings.Trim(id, googleDigits) != ""):
		return Result{}, googleError(http.StatusBadRequest, "invalid", "Invalid resource id value.")
	case id != "" && r.Get(googleEvents, id) != nil:
		return Result{}, googleError(http.StatusConflict, "duplicate", "The requested identifier already exists.")
	}
	return r.Created(r.Make(r.Resource, id, r.Fields, r.Links())), nil
}

// googleQuickAdd makes an hour of a text; the vendor finds its time there.
func googleQuickAdd(r *Call) (Result, *Failure) {
	start := r.Now.UTC().Truncate(time.Hour).Add(time.Hour)
	return r.Created(r.Make(r.Resource, "", Object{
		"summary": Text(r.Query["text"]),
		"start":   Object{"dateTime": start.Format(time.RFC3339)}, "end": Object{"dateTime": start.Add(time.Hour).Format(time.RFC3339)},
	}, r.Links())), nil
}

// googleUpdate puts an event in the place of the one that is there.
func googleUpdate(r *Call) (Result, *Failure) {
	found, failed := r.Find()
	if failed != nil {
		return Result{}, failed
	}
	fields := Object{}
	for _, name := range []string{"description", "location", "attendees", "recurrence", "colorId", "summary"} {
		fields[name] = nil
	}
	maps.Copy(fields, r.Fields)
	return Result{Record: found, Changes: r.Alter(r.Resource, found, fields)}, nil
}

// googleGrant gives a role to whom a scope names, who has one at most.
func googleGrant(r *Call) (Result, *Failure) {
	kind, value := Text(Lookup(r.Fields, "scope.type")), Text(Lookup(r.Fields, "scope.value"))
	id := kind
	if value != "" {
		id += ":" + value
	}
	if rec := r.Seek(id); rec != nil {
		return Result{Record: rec, Changes: r.Alter(r.Resource, rec, Object{"role": r.Fields["role"]})}, nil
	}
	unique := id
	if r.Get(googleACL, id) != nil {
		unique += " " + r.Params["calendarId"]
	}
	made := r.Make(r.Resource, unique, r.Fields, r.Links())
	made.Fields["id"] = id
	return r.Created(made), nil
}

func googleNewCalendar(r *Call) (Result, *Failure) {
	out := r.Created(r.Make(r.Resource, "", r.Fields, r.Links()))
	entry := r.Seed(googleList, Object{"id": out.Record.ID, "summary": r.Fields["summary"], "accessRole": "owner", "selected": true})
	out.Changes = append(out.Changes, Change{Resource: googleList, Verb: "created", Record: entry})
	return out, nil
}

func googleEndCalendar(r *Call) (Result, *Failure) {
	out, failed := r.Do(Remove)
	if failed != nil {
		return out, failed
	}
	if entry := r.Get(googleList, out.Record.ID); entry != nil {
		r.Drop(googleList, entry)
		out.Changes = append(out.Changes, Change{Resource: googleList, Verb: "deleted", Record: entry})
	}
	return out, nil
}

// googleShow puts a calendar that exists into the user's list.
func googleShow(r *Call) (Result, *Failure) {
	id := googlePrimary(r.App, Text(r.Fields["id"]))
	calendar := r.Get("calendars", id)
	if calendar == nil {
		return Result{}, r.NotFound("calendar", id)
	}
	if old := r.Get(googleList, id); old != nil && !googleGone(old) {
		return Result{Record: old}, nil
	}
	fields := Object{"summary": calendar.Fields["summary"], "accessRole": "reader"}
	maps.Copy(fields, r.Fields)
	if old := r.Get(googleList, id); old != nil {
		delete(old.Fields, "deleted")
	}
	made := r.Seed(googleList, fields)
	return r.Created(made), nil
}

// googleFreeBusy gives the times at which events of calendars take place.
func googleFreeBusy(r *Call) (Result, *Failure) {
	calendars := Object{}
	asked, _ := r.Fields["items"].([]any)
	from, to := Instant(r.Fields["timeMin"]), Instant(r.Fields["timeMax"])
	for _, v := range asked {
		id := Text(Lookup(v, "id"))
		calendar := googlePrimary(r.App, id)
		if r.Get("calendars", calendar) == nil {
			calendars[id] = Object{"errors": []any{Object{"domain": "global", "reason": "notFound"}}, "busy": []any{}}
			continue
		}
		busy := []any{}
		for _, rec := range r.All(googleEvents, map[string]string{"calendarid": calendar}) {
			start, end := googleTime(rec.Fields["start"]), googleTime(rec.Fields["end"])
			if !googleGone(rec) && rec.Fields["transparency"] != "transparent" && start < to && end > from {
				busy = append(busy, Object{"start": Stamp(time.UnixMilli(start)), "end": Stamp(time.UnixMilli(end))})
			}
		}
		slices.SortFunc(busy, func(a, b any) int { return int(Instant(Lookup(a, "start")) - Instant(Lookup(b, "start"))) })
		calendars[id] = Object{"busy": busy}
	}
	return Result{Fields: Object{"kind": "calendar#freeBusy", "timeMin": r.Fields["timeMin"], "timeMax": r.Fields["timeMax"], "calendars": calendars}}, nil
}
