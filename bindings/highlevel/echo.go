package highlevel

import "github.com/tidewire/tidewire/bindings"

// echo defines which records calls change. Answers contain contacts, notes and
// opportunities whole; a webhook about an appointment has it in a field.
func echo() *bindings.Echo {
	return &bindings.Echo{
		// "type" is the webhook's own in events and the contact's in answers.
		Volatile: []string{"type", "timestamp", "webhookId", "dateAdded", "dateUpdated"},
		// Lists and answers have it, webhooks do not.
		Version: "dateUpdated",
		Derived: map[string][]string{
			"name": {"firstName", "lastName"}, "firstName": {"name"}, "lastName": {"name"}, "dnd": {"dndSettings"}, "dndSettings": {"dnd"},
		},
		Writes: []bindings.Write{
			{Operations: []string{"contacts.create", "contacts.upsert"}, Noun: "contact", Record: "contact.id", State: "contact"},
			{Operations: []string{"contacts.update"}, Noun: "contact", Record: "argument:contactId", State: "contact"},
			{Operations: []string{"contacts.add_tags", "contacts.remove_tags"}, Noun: "contact", Record: "argument:contactId", State: "."},
			{Operations: []string{"contacts.delete"}, Noun: "contact", Record: "argument:contactId", Deletes: true},

			{Operations: []string{"contacts.create_note"}, Noun: "note", Record: "note.id", State: "note"},
			{Operations: []string{"contacts.update_note"}, Noun: "note", Record: "argument:id", State: "note"},
			{Operations: []string{"contacts.delete_note"}, Noun: "note", Record: "argument:id", Deletes: true},

			{Operations: []string{"contacts.create_task"}, Noun: "task", Record: "task.id", State: "task"},
			{Operations: []string{"contacts.update_task", "contacts.set_task_completed"}, Noun: "task", Record: "argument:taskId", State: "task"},
			{Operations: []string{"contacts.delete_task"}, Noun: "task", Record: "argument:taskId", Deletes: true},

			{Operations: []string{"opportunities.create", "opportunities.upsert"}, Noun: "opportunity", Record: "opportunity.id", State: "opportunity"},
			{Operations: []string{"opportunities.update"}, Noun: "opportunity", Record: "argument:id", State: "opportunity"},
			{Operations: []string{"opportunities.update_status"}, Noun: "opportunity", Record: "argument:id"},
			{Operations: []string{"opportunities.delete"}, Noun: "opportunity", Record: "argument:id", Deletes: true},

			{Operations: []string{"calendars.create_appointment"}, Noun: "appointment", Record: "id", State: ".", Within: "appointment"},
			{Operations: []string{"calendars.update_appointment"}, Noun: "appointment", Record: "argument:eventId", State: ".", Within: "appointment"},
			{Operations: []string{"calendars.delete_event"}, Noun: "appointment", Record: "argument:eventId", Deletes: true},
		},
	}
}
