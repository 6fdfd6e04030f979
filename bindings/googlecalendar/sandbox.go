package googlecalendar

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

const (
	accountID    = "ada@sandbox.example"
	teamCalendar = "c_0sandboxteam@group.calendar.google.com"
)

// The resources of Google Calendar whose lists have sync tokens.
const (
	resourceEvents   = "calendars/events"
	resourceACL      = "calendars/acl"
	resourceList     = "users/me/calendarList"
	resourceSettings = "users/me/settings"
	resourceChannels = "channels"
)

// Rules defines what Google's documents do not, for the sandbox.
func Rules() *sandbox.Rules {
	calendar := func(id, summary string) sandbox.Object {
		return sandbox.Object{"id": id, "summary": summary, "timeZone": "Europe/Paris", "dataOwner": accountID}
	}
	entry := func(id, summary string, primary bool) sandbox.Object {
		e := calendar(id, summary)
		e["accessRole"], e["selected"] = "owner", true
		if primary {
			e["primary"] = true
		}
		return e
	}
	return &sandbox.Rules{
		Account: accountID,
		Param: func(a *sandbox.App, param, value string) string {
			if param == "calendarId" {
				return calendarID(a, value)
			}
			return value
		},
		NewID: func(r *rand.Rand, resource string) string {
			switch resource {
			case "calendars", resourceList:
				return "c_" + sandbox.Letters(r, 24, sandbox.LowerAlphabet) + "@group.calendar.google.com"
			}
			return sandbox.Letters(r, 26, idDigits)
		},
		Check:            check,
		Complete:         complete,
		Show:             show,
		SoftDelete:       softDelete,
		CompleteDelivery: completeDelivery,
		Triggers: map[string]string{
			resourceEvents + " created": "event.created", resourceEvents + " updated": "event.updated", resourceEvents + " deleted": "event.deleted",
			resourceList + " created": "calendar.added", resourceList + " updated": "calendar.updated", resourceList + " deleted": "calendar.removed",
			resourceACL + " created": "acl_rule.created", resourceACL + " updated": "acl_rule.updated", resourceACL + " deleted": "acl_rule.deleted",
			resourceSettings + " updated": "setting.changed",
		},
		Operations: map[string]*sandbox.Rule{
			"GET /calendars/{calendarId}/events":           {Verb: sandbox.List, Do: listOf(eventFilter)},
			"GET /calendars/{calendarId}/acl":              {Verb: sandbox.List, Do: listOf(nil)},
			"GET /users/me/calendarList":                   {Verb: sandbox.List, Do: listOf(roleFilter)},
			"GET /users/me/settings":                       {Verb: sandbox.List, Do: listOf(nil)},
			"POST /calendars/{calendarId}/events":          {Verb: sandbox.Create, Requires: startAndEnd(), Do: insert},
			"POST /calendars/{calendarId}/events/import":   {Verb: sandbox.Create, Resource: resourceEvents},
			"POST /calendars/{calendarId}/events/quickAdd": {Verb: sandbox.Create, Resource: resourceEvents, Do: quickAdd},
			"PUT /calendars/{calendarId}/events/{eventId}": {Verb: sandbox.Update, Requires: startAndEnd(), Do: update},
			"POST /calendars/{calendarId}/acl":             {Verb: sandbox.Create, Requires: []sandbox.Requirement{needs("Required", "scope.type"), needs("Required", "role")}, Do: addRule},
			"POST /calendars":                              {Verb: sandbox.Create, Requires: []sandbox.Requirement{needs("Missing title.", "summary")}, Do: createCalendar},
			"DELETE /calendars/{calendarId}":               {Verb: sandbox.Remove, Do: deleteCalendar},
			"POST /users/me/calendarList":                  {Verb: sandbox.Create, Do: addToList},
			"POST /freeBusy":                               {Verb: sandbox.Single, Do: freeBusy},
			"POST /calendars/{calendarId}/events/watch":    {Verb: sandbox.Create, Resource: resourceChannels, Do: watch},
			"POST /calendars/{calendarId}/acl/watch":       {Verb: sandbox.Create, Resource: resourceChannels, Do: watch},
			"POST /users/me/calendarList/watch":            {Verb: sandbox.Create, Resource: resourceChannels, Do: watch},
			"POST /users/me/settings/watch":                {Verb: sandbox.Create, Resource: resourceChannels, Do: watch},
			"POST /channels/stop":                          {Resource: resourceChannels, Do: stop},
		},
		Seeds: map[string][]sandbox.Object{
			"calendars":  {calendar(accountID, accountID), calendar(teamCalendar, "Team")},
			resourceList: {entry(accountID, accountID, true), entry(teamCalendar, "Team", false)},
			resourceSettings: {
				{"id": "locale", "value": "en"}, {"id": "timezone", "value": "Europe/Paris"}, {"id": "weekStart", "value": "1"},
				{"id": "format24HourTime", "value": "true"},
			},
		},
		InvalidStatus: http.StatusBadRequest,
		Fail:          fail,
		PageSize:      250,
		TokenLifetime: time.Hour,
		TokenFields: func(sandbox.Grant) sandbox.Object {
			return sandbox.Object{"token_type": "Bearer"}
		},
		Sample: sample(),
		Retry: sandbox.Retry{Timeout: 10 * time.Second, Attempts: 5, Factor: 2, ShouldRetry: func(status int) bool {
			return status == 0 || status == 500 || status == 502 || status == 503 || status == 504
		}},
	}
}

// kindOfResource is the value of the field "kind" of a resource's records.
var kindOfResource = map[string]string{
	"calendars": "calendar#calendar", resourceEvents: "calendar#event", resourceACL: "calendar#aclRule",
	resourceList: "calendar#calendarListEntry", resourceSettings: "calendar#setting",
}

// complete adds the fields that the vendor adds to a record.
func complete(a *sandbox.App, resource string, r *sandbox.Record) {
	if kindOfResource[resource] == "" {
		return
	}
	r.Fields["kind"] = kindOfResource[resource]
	r.Fields["etag"] = `"` + strconv.FormatInt(a.Version()+1, 10) + `"`
	if resource != resourceEvents {
		return
	}
	calendar := r.Links["calendarid"]
	self := sandbox.Object{"email": calendar, "self": true}
	sandbox.SetDefaults(r.Fields, sandbox.Object{
		"status": "confirmed", "eventType": "default", "sequence": sandbox.Count(0), "iCalUID": r.ID + "@google.com",
		"htmlLink": "https://www.google.com/calendar/event?eid=" + r.ID, "creator": sandbox.Object{"email": a.Account, "self": calendar == a.Account},
		"organizer": self, "reminders": sandbox.Object{"useDefault": true},
	})
	completeAttendees(r.Fields, calendar)
}

// completeAttendees adds to each attendee of an event what the vendor adds. The
// calendar's own attendee is "self".
func completeAttendees(fields sandbox.Object, calendar string) {
	all, _ := fields["attendees"].([]any)
	for _, v := range all {
		attendee, isObject := v.(sandbox.Object)
		if !isObject {
			continue
		}
		sandbox.SetDefaults(attendee, sandbox.Object{"responseStatus": "needsAction"})
		email := sandbox.Text(attendee["email"])
		for name, is := range map[string]bool{"self": email == calendar, "organizer": email == sandbox.Text(sandbox.Lookup(fields, "organizer.email"))} {
			delete(attendee, name)
			if is {
				attendee[name] = true
			}
		}
	}
}

// show leaves out all attendees but the calendar's own if a request asks for fewer
// than there are.
func show(r *sandbox.Call, fields sandbox.Object, _ bool) sandbox.Object {
	all, _ := fields["attendees"].([]any)
	if limit := r.PositiveArg("maxAttendees"); limit > 0 && len(all) > limit {
		fields["attendees"] = slices.DeleteFunc(slices.Clone(all), func(v any) bool { return sandbox.Lookup(v, "self") != true })
		fields["attendeesOmitted"] = true
	}
	return fields
}

// softDelete marks a record as deleted: lists with a sync token still have it.
func softDelete(resource string, r *sandbox.Record) bool {
	switch resource {
	case resourceEvents:
		r.Fields["status"] = "cancelled"
	case resourceACL:
		r.Fields["role"] = "none"
	case resourceList:
		r.Fields["deleted"] = true
	default:
		return false
	}
	return true
}

// isDeleted reports whether softDelete marked a record.
func isDeleted(r *sandbox.Record) bool {
	return r.Fields["status"] == "cancelled" || r.Fields["role"] == "none" || r.Fields["deleted"] == true
}

// check refuses changes of an older version of a record, and requests for
// deleted records, except reading an event.
func check(r *sandbox.Call) *sandbox.Failure {
	id := r.Target()
	if id == "" || r.Verb == sandbox.List || r.Verb == sandbox.Create {
		return nil
	}
	found := r.ByID(id)
	if found == nil {
		return nil
	}
	method := r.Op.Method
	switch event := r.Resource == resourceEvents; {
	case !isDeleted(found):
	case event && method == http.MethodDelete:
		return refuse(http.StatusGone, "deleted", "Resource has been deleted")
	case !event:
		return refuse(http.StatusNotFound, "notFound", "Not Found")
	}
	if want := r.HTTP.Header.Get("If-Match"); want != "" && want != "*" && want != sandbox.Text(found.Fields["etag"]) {
		return refuse(http.StatusPreconditionFailed, "conditionNotMet", "Precondition Failed")
	}
	return nil
}

func refuse(status int, reason, message string) *sandbox.Failure {
	kinds := map[int]bindings.ErrorKind{
		http.StatusNotFound: bindings.NotFound, http.StatusGone: bindings.NotFound,
		http.StatusConflict: bindings.Conflict, http.StatusPreconditionFailed: bindings.Conflict,
	}
	kind := kinds[status]
	if kind == "" {
		kind = bindings.Invalid
	}
	return &sandbox.Failure{Status: status, Kind: kind, Code: reason, Message: message}
}

// fail writes an error with its list of reasons.
func fail(f *sandbox.Failure, body sandbox.Object) int {
	reasons := map[int]string{
		http.StatusBadRequest: "invalid", http.StatusUnauthorized: "authError", http.StatusForbidden: "forbidden",
		http.StatusNotFound: "notFound", http.StatusConflict: "duplicate", http.StatusGone: "deleted",
		http.StatusTooManyRequests: "rateLimitExceeded",
	}
	reason, domain := reasons[f.Status], "global"
	if f.Code != "" && !strings.Contains(f.Code, "_") {
		reason = f.Code
	}
	if len(f.Problems) > 0 && f.Problems[0].Kind == sandbox.Missing {
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
	body["error"] = sandbox.Object{
		"code": sandbox.Count(f.Status), "message": message,
		"errors": []any{sandbox.Object{"domain": domain, "reason": reason, "message": message}},
	}
	return 0
}

// timeOf reads the start or end of an event, in milliseconds.
func timeOf(v any) int64 {
	at, _ := v.(sandbox.Object)
	if day := sandbox.Text(at["date"]); day != "" {
		if t, err := time.Parse(time.DateOnly, day); err == nil {
			return t.UnixMilli()
		}
	}
	return sandbox.UnixMilli(at["dateTime"])
}

// calendarID returns the id of a calendar: "primary" is that of the account.
func calendarID(a *sandbox.App, calendar string) string {
	if calendar == "primary" {
		return a.Account
	}
	return calendar
}

func needs(message string, oneOf ...string) sandbox.Requirement {
	return sandbox.Requirement{OneOf: oneOf, Code: "required", Message: message}
}

func startAndEnd() []sandbox.Requirement {
	return []sandbox.Requirement{
		needs("Missing start time.", "start.date", "start.dateTime"),
		needs("Missing end time.", "end.date", "end.dateTime"),
	}
}

func sample() sandbox.Sample {
	day := sandbox.Object{"date": "2026-03-05"}
	event := sandbox.Object{"start": day, "end": day}
	channel := sandbox.Object{"id": "text", "type": "web_hook", "address": "http://127.0.0.1:9/"}
	return sandbox.Sample{
		Body: map[string]sandbox.Object{
			"POST /calendars/{calendarId}/events":          event,
			"PUT /calendars/{calendarId}/events/{eventId}": event,
			"POST /calendars/{calendarId}/acl":             {"scope": sandbox.Object{"type": "default"}},
			"POST /calendars/{calendarId}/events/watch":    channel,
			"POST /calendars/{calendarId}/acl/watch":       channel,
			"POST /users/me/calendarList/watch":            channel,
			"POST /users/me/settings/watch":                channel,
		},
		Prepare: func(a *sandbox.App, op *bindings.Operation) {
			a.Make("calendars", "text", sandbox.Object{"summary": "text"}, nil)
			if op.Path == "/channels/stop" {
				a.Make(resourceChannels, "text", sandbox.Object{"resourceId": "text"}, nil)
			}
		},
	}
}
