package sandbox

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

const (
	googleUser = "ada@sandbox.example"
	googleTeam = "c_0sandboxteam@group.calendar.google.com"
)

// The resources of Google Calendar whose lists have sync tokens.
const (
	googleEvents   = "calendars/events"
	googleACL      = "calendars/acl"
	googleList     = "users/me/calendarList"
	googleSettings = "users/me/settings"
	googleChannels = "channels"
)

// googleCalendar is what Google's paths leave out.
func googleCalendar() *rules {
	calendar := func(id, summary string) object {
		return object{"id": id, "summary": summary, "timeZone": "Europe/Paris", "dataOwner": googleUser}
	}
	entry := func(id, summary string, primary bool) object {
		e := calendar(id, summary)
		e["accessRole"], e["selected"] = "owner", true
		if primary {
			e["primary"] = true
		}
		return e
	}
	return &rules{
		account: googleUser,
		stands: func(a *app, param, value string) string {
			if param == "calendarId" && value == "primary" {
				return a.account
			}
			return value
		},
		id: func(r *rand.Rand, resource string) string {
			switch resource {
			case "calendars", googleList:
				return "c_" + letters(r, 24, lowerAlphabet) + "@group.calendar.google.com"
			}
			return letters(r, 26, googleDigits)
		},
		guard:  googleGuard,
		settle: googleSettle,
		leaves: googleLeaves,
		notify: googleNotify,
		triggers: map[string]string{
			googleEvents + " created": "event.created", googleEvents + " updated": "event.updated", googleEvents + " deleted": "event.deleted",
			googleList + " created": "calendar.added", googleList + " updated": "calendar.updated", googleList + " deleted": "calendar.removed",
			googleACL + " created": "acl_rule.created", googleACL + " updated": "acl_rule.updated", googleACL + " deleted": "acl_rule.deleted",
			googleSettings + " updated": "setting.changed",
		},
		operations: map[string]*rule{
			"GET /calendars/{calendarId}/events":           {verb: list, do: googleLists(googleEventFilter)},
			"GET /calendars/{calendarId}/acl":              {verb: list, do: googleLists(nil)},
			"GET /users/me/calendarList":                   {verb: list, do: googleLists(googleRoleFilter)},
			"GET /users/me/settings":                       {verb: list, do: googleLists(nil)},
			"POST /calendars/{calendarId}/events":          {verb: create, do: googleInsert},
			"POST /calendars/{calendarId}/events/quickAdd": {verb: create, resource: googleEvents, do: googleQuickAdd},
			"PUT /calendars/{calendarId}/events/{eventId}": {verb: change, do: googleUpdate},
			"POST /calendars/{calendarId}/acl":             {verb: create, do: googleGrant},
			"POST /calendars":                              {verb: create, do: googleNewCalendar},
			"DELETE /calendars/{calendarId}":               {verb: remove, do: googleEndCalendar},
			"POST /users/me/calendarList":                  {verb: create, do: googleShow},
			"POST /freeBusy":                               {verb: single, do: googleFreeBusy},
			"POST /calendars/{calendarId}/events/watch":    {verb: create, resource: googleChannels, do: googleWatch},
			"POST /calendars/{calendarId}/acl/watch":       {verb: create, resource: googleChannels, do: googleWatch},
			"POST /users/me/calendarList/watch":            {verb: create, resource: googleChannels, do: googleWatch},
			"POST /users/me/settings/watch":                {verb: create, resource: googleChannels, do: googleWatch},
			"POST /channels/stop":                          {resource: googleChannels, do: googleStop},
		},
		seeds: map[string][]object{
			"calendars": {calendar(googleUser, googleUser), calendar(googleTeam, "Team")},
			googleList:  {entry(googleUser, googleUser, true), entry(googleTeam, "Team", false)},
			googleSettings: {
				{"id": "locale", "value": "en"}, {"id": "timezone", "value": "Europe/Paris"}, {"id": "weekStart", "value": "1"},
				{"id": "format24HourTime", "value": "true"},
			},
		},
		invalid:   http.StatusBadRequest,
		fail:      failGoogle,
		pageSize:  250,
		tokenLife: time.Hour,
		grant: func(authority) object {
			return object{"token_type": "Bearer"}
		},
		delivery: delivery{timeout: 10 * time.Second, attempts: 5, factor: 2, again: func(status int) bool {
			return status == 0 || status == 500 || status == 502 || status == 503 || status == 504
		}},
	}
}

// googleKinds name the resources in their own field "kind".
var googleKinds = map[string]string{
	"calendars": "calendar#calendar", googleEvents: "calendar#event", googleACL: "calendar#aclRule",
	googleList: "calendar#calendarListEntry", googleSettings: "calendar#setting",
}

// googleSettle writes what the vendor adds to a record by itself.
func googleSettle(a *app, res *resource, r *record) {
	if googleKinds[res.name] == "" {
		return
	}
	r.fields["kind"] = googleKinds[res.name]
	r.fields["etag"] = `"` + strconv.FormatInt(a.store.version+1, 10) + `"`
	if res.name != googleEvents {
		return
	}
	calendar := r.links["calendarid"]
	self := object{"email": calendar, "self": true}
	defaults(object{
		"status": "confirmed", "eventType": "default", "sequence": count(0), "iCalUID": r.id + "@google.com",
		"htmlLink": "https://www.google.com/calendar/event?eid=" + r.id, "creator": object{"email": a.account, "self": calendar == a.account},
		"organizer": self, "reminders": object{"useDefault": true},
	})(r.fields)
}

// googleLeaves: what is gone stays in the lists, to be told with their tokens.
func googleLeaves(res *resource, r *record) bool {
	switch res.name {
	case googleEvents:
		r.fields["status"] = "cancelled"
	case googleACL:
		r.fields["role"] = "none"
	case googleList:
		r.fields["deleted"] = true
	default:
		return false
	}
	return true
}

// googleGone reports whether a record is only the trace of one.
func googleGone(r *record) bool {
	return r.fields["status"] == "cancelled" || r.fields["role"] == "none" || r.fields["deleted"] == true
}

// googleGuard refuses what was made from an older version than there is, and
// what is gone: an event can still be read.
func googleGuard(r *request) *failure {
	if r.plan.id == "" || r.plan.verb == list || r.plan.verb == create {
		return nil
	}
	found := r.seek(r.params[r.plan.id])
	if found == nil {
		return nil
	}
	method := r.plan.op.Method
	switch event := r.plan.resource.name == googleEvents; {
	case !googleGone(found):
	case event && method == http.MethodDelete:
		return googleError(http.StatusGone, "deleted", "Resource has been deleted")
	case !event:
		return googleError(http.StatusNotFound, "notFound", "Not Found")
	}
	if want := r.http.Header.Get("If-Match"); want != "" && want != "*" && want != text(found.fields["etag"]) {
		return googleError(http.StatusPreconditionFailed, "conditionNotMet", "Precondition Failed")
	}
	return nil
}

func googleError(status int, reason, message string) *failure {
	kinds := map[int]bindings.ErrorKind{
		http.StatusNotFound: bindings.NotFound, http.StatusGone: bindings.NotFound,
		http.StatusConflict: bindings.Conflict, http.StatusPreconditionFailed: bindings.Conflict,
	}
	kind := kinds[status]
	if kind == "" {
		kind = bindings.Invalid
	}
	return &failure{status: status, kind: kind, code: reason, message: message}
}

// failGoogle writes the error with its list of reasons.
func failGoogle(f *failure, body object) int {
	reasons := map[int]string{
		http.StatusBadRequest: "invalid", http.StatusUnauthorized: "authError", http.StatusForbidden: "forbidden",
		http.StatusNotFound: "notFound", http.StatusConflict: "duplicate", http.StatusGone: "deleted",
		http.StatusTooManyRequests: "rateLimitExceeded",
	}
	reason, domain := reasons[f.status], "global"
	if f.code != "" && !strings.Contains(f.code, "_") {
		reason = f.code
	}
	if len(f.problems) > 0 && f.problems[0].Kind == missing {
		reason = "required"
	}
	if reason == "" {
		reason = "backendError"
	}
	if f.kind == bindings.RateLimited {
		domain = "usageLimits"
	}
	message := f.message
	if f.kind == bindings.NotFound && f.code != "deleted" {
		message = "Not Found"
	}
	body["error"] = object{
		"code": count(f.status), "message": message,
		"errors": []any{object{"domain": domain, "reason": reason, "message": message}},
	}
	return 0
}

// googleTime reads the start or end of an event, in milliseconds.
func googleTime(v any) int64 {
	at, _ := v.(object)
	if day := text(at["date"]); day != "" {
		if t, err := time.Parse(time.DateOnly, day); err == nil {
			return t.UnixMilli()
		}
	}
	return instant(at["dateTime"])
}

// googleNeeds refuses an event without start and end.
func googleNeeds(fields object) *failure {
	for _, name := range []string{"start", "end"} {
		if at, _ := fields[name].(object); empty(at["date"]) && empty(at["dateTime"]) {
			return googleError(http.StatusBadRequest, "required", fmt.Sprintf("Missing %s time.", name))
		}
	}
	return nil
}
