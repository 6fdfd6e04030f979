package googlecalendar

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// The functions of Google Calendar's operations; sandbox.go assigns them.

// idDigits are the characters of ids that a client may choose: base32hex.
const idDigits = "0123456789abcdefghijklmnopqrstuv"

func insert(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	id := sandbox.Text(r.Fields["id"])
	switch {
	case id != "" && (len(id) < 5 || len(id) > 1024 || strings.Trim(id, idDigits) != ""):
		return sandbox.Result{}, refuse(http.StatusBadRequest, "invalid", "Invalid resource id value.")
	case id != "" && r.Get(resourceEvents, id) != nil:
		return sandbox.Result{}, refuse(http.StatusConflict, "duplicate", "The requested identifier already exists.")
	}
	return r.Created(r.Make(r.Resource, id, r.Fields, r.Links())), nil
}

// quickAdd creates an event at the next full hour; the vendor reads the time from
// the text.
func quickAdd(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	start := r.Now.UTC().Truncate(time.Hour).Add(time.Hour)
	return r.Created(r.Make(r.Resource, "", sandbox.Object{
		"summary": sandbox.Text(r.Query["text"]),
		"start":   sandbox.Object{"dateTime": start.Format(time.RFC3339)}, "end": sandbox.Object{"dateTime": start.Add(time.Hour).Format(time.RFC3339)},
	}, r.Links())), nil
}

// update replaces an event.
func update(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	found, failed := r.Find()
	if failed != nil {
		return sandbox.Result{}, failed
	}
	fields := sandbox.Object{}
	for _, name := range []string{"description", "location", "attendees", "recurrence", "colorId", "summary"} {
		fields[name] = nil
	}
	maps.Copy(fields, r.Fields)
	return sandbox.Result{Record: found, Changes: r.Update(r.Resource, found, fields)}, nil
}

// addRule assigns a role to a scope, which has at most one.
func addRule(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	kind, value := sandbox.Text(sandbox.Lookup(r.Fields, "scope.type")), sandbox.Text(sandbox.Lookup(r.Fields, "scope.value"))
	id := kind
	if value != "" {
		id += ":" + value
	}
	if rec := r.ByID(id); rec != nil {
		return sandbox.Result{Record: rec, Changes: r.Update(r.Resource, rec, sandbox.Object{"role": r.Fields["role"]})}, nil
	}
	unique := id
	if r.Get(resourceACL, id) != nil {
		unique += " " + r.Params["calendarId"]
	}
	made := r.Make(r.Resource, unique, r.Fields, r.Links())
	made.Fields["id"] = id
	return r.Created(made), nil
}

func createCalendar(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	out := r.Created(r.Make(r.Resource, "", r.Fields, r.Links()))
	entry := r.Seed(resourceList, sandbox.Object{"id": out.Record.ID, "summary": r.Fields["summary"], "accessRole": "owner", "selected": true})
	out.Changes = append(out.Changes, sandbox.Change{Resource: resourceList, Verb: "created", Record: entry})
	return out, nil
}

func deleteCalendar(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	out, failed := r.Do(sandbox.Remove)
	if failed != nil {
		return out, failed
	}
	if entry := r.Get(resourceList, out.Record.ID); entry != nil {
		r.Delete(resourceList, entry)
		out.Changes = append(out.Changes, sandbox.Change{Resource: resourceList, Verb: "deleted", Record: entry})
	}
	return out, nil
}

// addToList adds an existing calendar to the user's list.
func addToList(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	id := calendarID(r.App, sandbox.Text(r.Fields["id"]))
	calendar := r.Get("calendars", id)
	if calendar == nil {
		return sandbox.Result{}, r.NotFound("calendar", id)
	}
	if old := r.Get(resourceList, id); old != nil && !isDeleted(old) {
		return sandbox.Result{Record: old}, nil
	}
	fields := sandbox.Object{"summary": calendar.Fields["summary"], "accessRole": "reader"}
	maps.Copy(fields, r.Fields)
	if old := r.Get(resourceList, id); old != nil {
		delete(old.Fields, "deleted")
	}
	made := r.Seed(resourceList, fields)
	return r.Created(made), nil
}

// freeBusy returns the times of the events of calendars.
func freeBusy(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	calendars := sandbox.Object{}
	asked, _ := r.Fields["items"].([]any)
	from, to := sandbox.UnixMilli(r.Fields["timeMin"]), sandbox.UnixMilli(r.Fields["timeMax"])
	for _, v := range asked {
		id := sandbox.Text(sandbox.Lookup(v, "id"))
		calendar := calendarID(r.App, id)
		if r.Get("calendars", calendar) == nil {
			calendars[id] = sandbox.Object{"errors": []any{sandbox.Object{"domain": "global", "reason": "notFound"}}, "busy": []any{}}
			continue
		}
		busy := []any{}
		for _, rec := range r.All(resourceEvents, map[string]string{"calendarid": calendar}) {
			start, end := timeOf(rec.Fields["start"]), timeOf(rec.Fields["end"])
			if !isDeleted(rec) && rec.Fields["transparency"] != "transparent" && start < to && end > from {
				busy = append(busy, sandbox.Object{"start": sandbox.FormatTime(time.UnixMilli(start)), "end": sandbox.FormatTime(time.UnixMilli(end))})
			}
		}
		slices.SortFunc(busy, func(a, b any) int {
			return int(sandbox.UnixMilli(sandbox.Lookup(a, "start")) - sandbox.UnixMilli(sandbox.Lookup(b, "start")))
		})
		calendars[id] = sandbox.Object{"busy": busy}
	}
	return sandbox.Result{Fields: sandbox.Object{"kind": "calendar#freeBusy", "timeMin": r.Fields["timeMin"], "timeMax": r.Fields["timeMax"], "calendars": calendars}}, nil
}
