package sandbox

import (
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
func googleCalendar() *Rules {
	calendar := func(id, summary string) Object {
		return Object{"id": id, "summary": summary, "timeZone": "Europe/Paris", "dataOwner": googleUser}
	}
	entry := func(id, summary string, primary bool) Object {
		e := calendar(id, summary)
		e["accessRole"], e["selected"] = "owner", true
		if primary {
			e["primary"] = true
		}
		return e
	}
	return &Rules{
		Account: googleUser,
		Param: func(a *App, param, value string) string {
			if param == "calendarId" {
				return googlePrimary(a, value)
			}
			return value
		},
		NewID: func(r *rand.Rand, resource string) string {
			switch resource {
			case "calendars", googleList:
				return "c_" + Letters(r, 24, LowerAlphabet) + "@group.calendar.google.com"
			}
			return Letters(r, 26, googleDigits)
		},
		Check:            googleGuard,
		Complete:         googleSettle,
		KeepDeleted:      googleLeaves,
		CompleteDelivery: googleNotify,
		Triggers: map[string]string{
			googleEvents + " created": "event.created", googleEvents + " updated": "event.updated", googleEvents + " deleted": "event.deleted",
			googleList + " created": "calendar.added", googleList + " updated": "calendar.updated", googleList + " deleted": "calendar.removed",
			googleACL + " created": "acl_rule.created", googleACL + " updated": "acl_rule.updated", googleACL + " deleted": "acl_rule.deleted",
			googleSettings + " updated": "setting.changed",
		},
		Operations: map[string]*Rule{
			"GET /calendars/{calendarId}/events":           {Verb: List, Do: googleLists(googleEventFilter)},
			"GET /calendars/{calendarId}/acl":              {Verb: List, Do: googleLists(nil)},
			"GET /users/me/calendarList":                   {Verb: List, Do: googleLists(googleRoleFilter)},
			"GET /users/me/settings":                       {Verb: List, Do: googleLists(nil)},
			"POST /calendars/{calendarId}/events":          {Verb: Create, Requires: googleStartAndEnd(), Do: googleInsert},
			"POST /calendars/{calendarId}/events/quickAdd": {Verb: Create, Resource: googleEvents, Do: googleQuickAdd},
			"PUT /calendars/{calendarId}/events/{eventId}": {Verb: Update, Requires: googleStartAndEnd(), Do: googleUpdate},
			"POST /calendars/{calendarId}/acl":             {Verb: Create, Requires: []Need{googleNeeds("Required", "scope.type"), googleNeeds("Required", "role")}, Do: googleGrant},
			"POST /calendars":                              {Verb: Create, Requires: []Need{googleNeeds("Missing title.", "summary")}, Do: googleNewCalendar},
			"DELETE /calendars/{calendarId}":               {Verb: Remove, Do: googleEndCalendar},
			"POST /users/me/calendarList":                  {Verb: Create, Do: googleShow},
			"POST /freeBusy":                               {Verb: Single, Do: googleFreeBusy},
			"POST /calendars/{calendarId}/events/watch":    {Verb: Create, Resource: googleChannels, Do: googleWatch},
			"POST /calendars/{calendarId}/acl/watch":       {Verb: Create, Resource: googleChannels, Do: googleWatch},
			"POST /users/me/calendarList/watch":            {Verb: Create, Resource: googleChannels, Do: googleWatch},
			"POST /users/me/settings/watch":                {Verb: Create, Resource: googleChannels, Do: googleWatch},
			"POST /channels/stop":                          {Resource: googleChannels, Do: googleStop},
		},
		Seeds: map[string][]Object{
			"calendars": {calendar(googleUser, googleUser), calendar(googleTeam, "Team")},
			googleList:  {entry(googleUser, googleUser, true), entry(googleTeam, "Team", false)},
			googleSettings: {
				{"id": "locale", "value": "en"}, {"id": "timezone", "value": "Europe/Paris"}, {"id": "weekStart", "value": "1"},
				{"id": "format24HourTime", "value": "true"},
			},
		},
		InvalidStatus: http.StatusBadRequest,
		Fail:          failGoogle,
		PageSize:      250,
		TokenLife:     time.Hour,
		Grant: func(Authority) Object {
			return Object{"token_type": "Bearer"}
		},
		Sample: googleSample(),
		Retry: Retry{Timeout: 10 * time.Second, Attempts: 5, Factor: 2, Again: func(status int) bool {
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
func googleSettle(a *App, resource string, r *Record) {
	if googleKinds[resource] == "" {
		return
	}
	r.Fields["kind"] = googleKinds[resource]
	r.Fields["etag"] = `"` + strconv.FormatInt(a.Version()+1, 10) + `"`
	if resource != googleEvents {
		return
	}
	calendar := r.Links["calendarid"]
	self := Object{"email": calendar, "self": true}
	Default(r.Fields, Object{
		"status": "confirmed", "eventType": "default", "sequence": Count(0), "iCalUID": r.ID + "@google.com",
		"htmlLink": "https://www.google.com/calendar/event?eid=" + r.ID, "creator": Object{"email": a.Account, "self": calendar == a.Account},
		"organizer": self, "reminders": Object{"useDefault": true},
	})
}

// googleLeaves: what is gone stays in the lists, to be told with their tokens.
func googleLeaves(resource string, r *Record) bool {
	switch resource {
	case googleEvents:
		r.Fields["status"] = "cancelled"
	case googleACL:
		r.Fields["role"] = "none"
	case googleList:
		r.Fields["deleted"] = true
	default:
		return false
	}
	return true
}

// googleGone reports whether a record is only the trace of one.
func googleGone(r *Record) bool {
	return r.Fields["status"] == "cancelled" || r.Fields["role"] == "none" || r.Fields["deleted"] == true
}

// googleGuard refuses what was made from an older version than there is, and
// what is gone: an event can still be read.
func googleGuard(r *Call) *Failure {
	id := r.Target()
	if id == "" || r.Verb == List || r.Verb == Create {
		return nil
	}
	found := r.Seek(id)
	if found == nil {
		return nil
	}
	method := r.Op.Method
	switch event := r.Resource == googleEvents; {
	case !googleGone(found):
	case event && method == http.MethodDelete:
		return googleError(http.StatusGone, "deleted", "Resource has been deleted")
	case !event:
		return googleError(http.StatusNotFound, "notFound", "Not Found")
	}
	if want := r.HTTP.Header.Get("If-Match"); want != "" && want != "*" && want != Text(found.Fields["etag"]) {
		return googleError(http.StatusPreconditionFailed, "conditionNotMet", "Precondition Failed")
	}
	return nil
}

func googleError(status int, reason, message string) *Failure {
	kinds := map[int]bindings.ErrorKind{
		http.StatusNotFound: bindings.NotFound, http.StatusGone: bindings.NotFound,
		http.StatusConflict: bindings.Conflict, http.StatusPreconditionFailed: bindings.Conflict,
	}
	kind := kinds[status]
	if kind == "" {
		kind = bindings.Invalid
	}
	return &Failure{Status: status, Kind: kind, Code: reason, Message: message}
}

// failGoogle writes the error with its list of reasons.
func failGoogle(f *Failure, body Object) int {
	reasons := map[int]string{
		http.StatusBadRequest: "invalid", http.StatusUnauthorized: "authError", http.StatusForbidden: "forbidden",
		http.StatusNotFound: "notFound", http.StatusConflict: "duplicate", http.StatusGone: "deleted",
		http.StatusTooManyRequests: "rateLimitExceeded",
	}
	reason, domain := reasons[f.Status], "global"
	if f.Code != "" && !strings.Contains(f.Code, "_") {
		reason = f.Code
	}
	if len(f.Problems) > 0 && f.Problems[0].Kind == Missing {
		reason = "required"
	}
	if reason == "" {
		reason = "backendError"
	}
	if f.Kind == bindings.RateLimited {
		domain = "usageLimits"
	}
	message := f.Message
	if f.Kind == bindings.NotFound && f.Code != "deleted" {
		message = "Not Found"
	}
	body["error"] = Object{
		"code": Count(f.Status), "message": message,
		"errors": []any{Object{"domain": domain, "reason": reason, "message": message}},
	}
	return 0
}

// googleTime reads the start or end of an event, in milliseconds.
func googleTime(v any) int64 {
	at, _ := v.(Object)
	if day := Text(at["date"]); day != "" {
		if t, err := time.Parse(time.DateOnly, day); err == nil {
			return t.UnixMilli()
		}
	}
	return Instant(at["dateTime"])
}

// googlePrimary gives the id of a calendar: "primary" is that of the account.
func googlePrimary(a *App, calendar string) string {
	if calendar == "primary" {
		return a.Account
	}
	return calendar
}

func googleNeeds(message string, oneOf ...string) Need {
	return Need{OneOf: oneOf, Code: "required", Message: message}
}

func googleStartAndEnd() []Need {
	return []Need{
		googleNeeds("Missing start time.", "start.date", "start.dateTime"),
		googleNeeds("Missing end time.", "end.date", "end.dateTime"),
	}
}

func googleSample() Sample {
	day := Object{"date": "2026-03-05"}
	event := Object{"start": day, "end": day}
	channel := Object{"id": "text", "type": "web_hook", "address": "http://127.0.0.1:9/"}
	return Sample{
		Body: map[string]Object{
			"POST /calendars/{calendarId}/events":          event,
			"PUT /calendars/{calendarId}/events/{eventId}": event,
			"POST /calendars/{calendarId}/acl":             {"scope": Object{"type": "default"}},
			"POST /calendars/{calendarId}/events/watch":    channel,
			"POST /calendars/{calendarId}/acl/watch":       channel,
			"POST /users/me/calendarList/watch":            channel,
			"POST /users/me/settings/watch":                channel,
		},
		Prepare: func(a *App, op *bindings.Operation) {
			a.Make("calendars", "text", Object{"summary": "text"}, nil)
			if op.Path == "/channels/stop" {
				a.Make(googleChannels, "text", Object{"resourceId": "text"}, nil)
			}
		},
	}
}
