package main

import "testing"

func TestGoogleCalendar(t *testing.T) {
	got := generated(t, "googlecalendar", "", map[string]string{"operations.json": `{"operations": [
		{"id": "calendar.calendarList.get", "method": "GET", "path": "users/me/calendarList/{calendarId}", "scopes": ["a", "b"],
		 "params": [{"name": "calendarId", "in": "path", "type": "string", "required": true}], "body": null, "response": "Entry"},
		{"id": "calendar.calendarList.insert", "method": "POST", "path": "users/me/calendarList", "scopes": ["a"], "params": [],
		 "body": {"id": {"type": "string"}, "expiration": {"type": "string", "format": "int64"}, "list": {"type": "array"},
		  "start": {"type": "object", "fields": {"date": {"type": "string", "format": "date"}}}, "end": {"type": "object", "fields": {"date": {"type": "string"}}}},
		 "response": "Entry"},
		{"id": "calendar.events.quickAdd", "method": "POST", "path": "events/quickAdd", "scopes": ["a"],
		 "params": [{"name": "pageToken", "in": "query", "type": "string"}], "body": null, "response": null},
		{"id": "calendar.events.list", "method": "GET", "path": "events", "scopes": ["a"],
		 "params": [{"name": "maxResults", "in": "query", "type": "integer"}, {"name": "pageToken", "in": "query", "type": "string"}], "body": null, "response": "Entry"},
		{"id": "calendar.freebusy.query", "method": "POST", "path": "freeBusy", "scopes": ["a"], "params": [],
		 "body": {"items": {"type": "array"}}, "response": null}
	]}`})
	sameLines(t, got, `
operation calendar_list.get {"id":"calendarList.get","method":"GET","path":"/users/me/calendarList/{calendarId}","in_path":["calendarId!: string"],"answer":"#Entry","status":200,"any_scope":["a","b"]}
operation calendar_list.insert {"id":"calendarList.insert","method":"POST","path":"/users/me/calendarList","body":{"encoding":"json","type":"#Entry","required":true},"answer":"#Entry","status":200,"any_scope":["a"]}
operation events.list {"id":"events.list","method":"GET","path":"/events","in_query":["maxResults: integer","pageToken: string"],"answer":"#Entry","status":200,"any_scope":["a"],"pages":{"items":"items","cursors":{"pageToken":"nextPageToken"},"size_param":"maxResults","size":250}}
operation events.quick_add {"id":"events.quickAdd","method":"POST","path":"/events/quickAdd","in_query":["pageToken: string"],"status":204,"any_scope":["a"]}
operation freebusy.query {"id":"freebusy.query","method":"POST","path":"/freeBusy","body":{"encoding":"json","type":"#FreebusyQuery","required":true},"status":204,"any_scope":["a"]}
type Entry {"fields":["id: string","expiration: int64","list: [any]","start: #EntryStart","end: #EntryStart"]}
type EntryStart {"fields":["date: string"]}
type FreebusyQuery {"fields":["items: [any]"]}
`)
}
