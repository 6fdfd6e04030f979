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

func googleInsert(r *request) (result, *failure) {
	id := text(r.fields["id"])
	switch {
	case id != "" && (len(id) < 5 || len(id) > 1024 || strings.Trim(id, googleDigits) != ""):
		return result{}, googleError(http.StatusBadRequest, "invalid", "Invalid resource id value.")
	case id != "" && r.app.store.get(googleEvents, id) != nil:
		return result{}, googleError(http.StatusConflict, "duplicate", "The requested identifier already exists.")
	}
	if failed := googleNeeds(r.fields); failed != nil {
		return result{}, failed
	}
	return r.googleMake(id, r.fields), nil
}

func (r *request) googleMake(id string, fields object) result {
	made := r.app.make(r.plan.resource, id, fields, r.links(), r)
	return result{record: made, changes: []changed{{resource: r.plan.resource, verb: "created", record: made}}}
}

// googleQuickAdd makes an hour of a text; the vendor finds its time there.
func googleQuickAdd(r *request) (result, *failure) {
	start := r.now.UTC().Truncate(time.Hour).Add(time.Hour)
	return r.googleMake("", object{
		"summary": text(r.query["text"]),
		"start":   object{"dateTime": start.Format(time.RFC3339)}, "end": object{"dateTime": start.Add(time.Hour).Format(time.RFC3339)},
	}), nil
}

// googleUpdate puts an event in the place of the one that is there.
func googleUpdate(r *request) (result, *failure) {
	found, failed := r.find()
	if failed == nil {
		failed = googleNeeds(r.fields)
	}
	if failed != nil {
		return result{}, failed
	}
	fields := object{}
	for _, name := range []string{"description", "location", "attendees", "recurrence", "colorId", "summary"} {
		fields[name] = nil
	}
	maps.Copy(fields, r.fields)
	return result{record: found, changes: r.app.alter(r.plan.resource, found, fields)}, nil
}

// googleGrant gives a role to whom a scope names, who has one at most.
func googleGrant(r *request) (result, *failure) {
	kind, value := text(lookup(r.fields, "scope.type")), text(lookup(r.fields, "scope.value"))
	if kind == "" || text(r.fields["role"]) == "" {
		return result{}, googleError(http.StatusBadRequest, "required", "Required")
	}
	id := kind
	if value != "" {
		id += ":" + value
	}
	if rec := r.seek(id); rec != nil {
		return result{record: rec, changes: r.app.alter(r.plan.resource, rec, object{"role": r.fields["role"]})}, nil
	}
	unique := id
	if r.app.store.get(googleACL, id) != nil {
		unique += " " + r.params["calendarId"]
	}
	out := r.googleMake(unique, r.fields)
	out.record.fields["id"] = id
	return out, nil
}

func googleNewCalendar(r *request) (result, *failure) {
	if empty(r.fields["summary"]) {
		return result{}, googleError(http.StatusBadRequest, "required", "Missing title.")
	}
	out := r.googleMake("", r.fields)
	entry := r.app.seed(googleList, object{"id": out.record.id, "summary": r.fields["summary"], "accessRole": "owner", "selected": true})
	out.changes = append(out.changes, changed{resource: r.app.model.resource(googleList), verb: "created", record: entry})
	return out, nil
}

func googleEndCalendar(r *request) (result, *failure) {
	out, failed := r.remove()
	if failed != nil {
		return out, failed
	}
	if entry := r.app.store.get(googleList, out.record.id); entry != nil {
		list := r.app.model.resource(googleList)
		r.app.drop(list, entry)
		out.changes = append(out.changes, changed{resource: list, verb: "deleted", record: entry})
	}
	return out, nil
}

// googleShow puts a calendar that exists into the user's list.
func googleShow(r *request) (result, *failure) {
	id := r.app.rules.stands(r.app, "calendarId", text(r.fields["id"]))
	calendar := r.app.store.get("calendars", id)
	if calendar == nil {
		return result{}, r.app.notFound("calendar", id)
	}
	if old := r.app.store.get(googleList, id); old != nil && !googleGone(old) {
		return result{record: old}, nil
	}
	fields := object{"summary": calendar.fields["summary"], "accessRole": "reader"}
	maps.Copy(fields, r.fields)
	if old := r.app.store.get(googleList, id); old != nil {
		delete(old.fields, "deleted")
	}
	made := r.app.seed(googleList, fields)
	return result{record: made, changes: []changed{{resource: r.plan.resource, verb: "created", record: made}}}, nil
}

// googleFreeBusy gives the times at which events of calendars take place.
func googleFreeBusy(r *request) (result, *failure) {
	calendars := object{}
	asked, _ := r.fields["items"].([]any)
	from, to := instant(r.fields["timeMin"]), instant(r.fields["timeMax"])
	for _, v := range asked {
		id := text(lookup(v, "id"))
		calendar := r.app.rules.stands(r.app, "calendarId", id)
		if r.app.store.get("calendars", calendar) == nil {
			calendars[id] = object{"errors": []any{object{"domain": "global", "reason": "notFound"}}, "busy": []any{}}
			continue
		}
		busy := []any{}
		for _, rec := range r.app.store.all(googleEvents, map[string]string{"calendarid": calendar}) {
			start, end := googleTime(rec.fields["start"]), googleTime(rec.fields["end"])
			if !googleGone(rec) && rec.fields["transparency"] != "transparent" && start < to && end > from {
				busy = append(busy, object{"start": stamp(time.UnixMilli(start)), "end": stamp(time.UnixMilli(end))})
			}
		}
		slices.SortFunc(busy, func(a, b any) int { return int(instant(lookup(a, "start")) - instant(lookup(b, "start"))) })
		calendars[id] = object{"busy": busy}
	}
	return result{fields: object{"kind": "calendar#freeBusy", "timeMin": r.fields["timeMin"], "timeMax": r.fields["timeMax"], "calendars": calendars}}, nil
}
