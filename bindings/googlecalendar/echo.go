package googlecalendar

import "github.com/tidewire/tidewire/bindings"

// echo defines which records calls change; most answers contain them whole. A
// calendar is not its entry in the user's list, so of that entry only the fields
// of the request are known.
func echo() *bindings.Echo {
	return &bindings.Echo{
		Volatile: []string{"etag", "kind", "sequence", "updated"},
		Version:  "updated",
		Writes: []bindings.Write{
			{Operations: []string{"events.insert", "events.import", "events.quick_add", "events.update", "events.patch", "events.move"},
				Noun: "event", Record: "id", State: bindings.Whole},
			{Operations: []string{"events.delete"}, Noun: "event", Record: bindings.ArgumentPrefix + "eventId", Deletes: true},

			{Operations: []string{"calendar_list.insert", "calendar_list.update", "calendar_list.patch"},
				Noun: "calendar", Record: "id", State: bindings.Whole},
			{Operations: []string{"calendars.insert", "calendars.update", "calendars.patch"}, Noun: "calendar", Record: "id"},

			{Operations: []string{"acl.insert", "acl.update", "acl.patch"}, Noun: "acl_rule", Record: "id", State: bindings.Whole},
			{Operations: []string{"acl.delete"}, Noun: "acl_rule", Record: bindings.ArgumentPrefix + "ruleId", Deletes: true},
		},
	}
}
