package highlevel

import (
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// polls: a private integration's token receives no webhooks, so everything is
// polled. No webhook reports a changed task at all. For other connections the same
// lists find lost webhooks: the vendor sends a webhook that was not accepted again
// only if the answer asked for it.
func polls() []bindings.Poll {
	all := []bindings.Poll{contacts(), notes(), tasks(), opportunities(), appointments()}
	for i := range all {
		all[i].Auths, all[i].Reconcile = []string{"token"}, true
	}
	return all
}

// lag is the delay with which the search finds changes of contacts: "a few
// seconds" in the vendor's guide to it.
const lag = 2 * time.Minute

// searched is the search for the contacts that changed. The condition on
// dateUpdated is a range, as in the guide.
func searched() bindings.Call {
	return bindings.Call{Operation: "contacts.search", Args: map[string]any{
		"locationId": "{account}",
		"filters":    []any{map[string]any{"field": "dateUpdated", "operator": "range", "value": map[string]any{"gte": "{since}"}}},
	}}
}

func contacts() bindings.Poll {
	return bindings.Poll{
		Name:      "contacts",
		List:      searched(),
		Overlap:   lag,
		FullEvery: 24 * time.Hour,
		Record:    "id",
		Updated:   "dateUpdated",
		Created:   "dateAdded",
		// Tags and "do not disturb" have webhooks of their own.
		Compare:   []string{"email", "firstName", "lastName", "phone", "companyName", "country", "city", "state", "source", "assignedTo", "customFields"},
		OnCreated: "highlevel.contact.created",
		OnUpdated: "highlevel.contact.updated",
		OnDeleted: "highlevel.contact.deleted",
		Facets: []bindings.Facet{
			{Trigger: "highlevel.contact.tags_updated", Compare: []string{"tags"}},
			{Trigger: "highlevel.contact.dnd_updated", Compare: []string{"dnd"}},
		},
		Every: 5 * time.Minute,
	}
}

// notes are listed by contact, for the contacts that changed: adding a note changes
// its contact.
func notes() bindings.Poll {
	return bindings.Poll{
		Name:    "notes",
		ForEach: &bindings.ForEach{List: searched(), ID: "id"},
		List:    bindings.Call{Operation: "contacts.list_notes", Args: map[string]any{"contactId": "{of.id}"}},
		Overlap: lag,
		Record:  "id",
		Created: "dateAdded",
		Data: map[string]string{
			"id": "id", "body": "body", "contactId": "of.id", "dateAdded": "dateAdded", "locationId": "{account}",
			"title": "title", "userId": "userId",
		},
		Compare:   []string{"body", "contactId"},
		OnCreated: "highlevel.note.created",
		OnUpdated: "highlevel.note.updated",
		OnDeleted: "highlevel.note.deleted",
		Every:     5 * time.Minute,
	}
}

// tasks are searched in the whole location; there is no way to ask for those
// that changed.
func tasks() bindings.Poll {
	return bindings.Poll{
		Name:    "tasks",
		List:    bindings.Call{Operation: "locations.search_tasks", Args: map[string]any{"locationId": "{account}", "limit": 100}},
		Overlap: lag,
		Record:  "_id",
		Updated: "dateUpdated",
		Created: "dateAdded",
		Deleted: map[string]string{"deleted": "true"},
		Data: map[string]string{
			"id": "_id", "title": "title", "body": "body", "assignedTo": "assignedTo", "dueDate": "dueDate", "contactId": "contactId",
			"completed": "completed", "dateAdded": "dateAdded", "locationId": "{account}",
		},
		Compare:   []string{"title", "body", "assignedTo", "dueDate", "contactId", "completed"},
		OnCreated: "highlevel.task.created",
		OnUpdated: "highlevel.task.updated",
		OnDeleted: "highlevel.task.deleted",
		Facets: []bindings.Facet{
			{Trigger: "highlevel.task.completed", Compare: []string{"completed"}, When: map[string]string{"completed": "true"}},
		},
		Every: 5 * time.Minute,
	}
}

// opportunities are read from the first to the last: the documents name no
// way to ask for those that changed.
func opportunities() bindings.Poll {
	return bindings.Poll{
		Name:    "opportunities",
		List:    bindings.Call{Operation: "opportunities.search", Args: map[string]any{"location_id": "{account}", "status": "all"}},
		Overlap: lag,
		Record:  "id",
		Updated: "updatedAt",
		Created: "createdAt",
		Data: map[string]string{
			"id": "id", "name": "name", "contactId": "contactId", "pipelineId": "pipelineId", "pipelineStageId": "pipelineStageId",
			"assignedTo": "assignedTo", "status": "status", "monetaryValue": "monetaryValue", "source": "source", "dateAdded": "createdAt",
			"locationId": "{account}", "customFields": "customFields", "lostReasonId": "lostReasonId", "contact": "contact",
		},
		// The other fields have webhooks of their own.
		Compare:   []string{"name", "contactId", "pipelineId", "source"},
		OnCreated: "highlevel.opportunity.created",
		OnUpdated: "highlevel.opportunity.updated",
		OnDeleted: "highlevel.opportunity.deleted",
		Facets: []bindings.Facet{
			{Trigger: "highlevel.opportunity.stage_updated", Compare: []string{"pipelineStageId"}},
			{Trigger: "highlevel.opportunity.status_updated", Compare: []string{"status"}},
			{Trigger: "highlevel.opportunity.assignee_updated", Compare: []string{"assignedTo"}},
			{Trigger: "highlevel.opportunity.monetary_value_updated", Compare: []string{"monetaryValue"}},
		},
		Every: 10 * time.Minute,
	}
}

// appointments are listed by calendar, between two times. Deletions are not
// reported, since a deleted appointment looks like one that left the range.
func appointments() bindings.Poll {
	in := func(fields ...string) (paths []string) {
		for _, f := range fields {
			paths = append(paths, "appointment."+f)
		}
		return paths
	}
	return bindings.Poll{
		Name:    "appointments",
		ForEach: &bindings.ForEach{List: bindings.Call{Operation: "calendars.list", Args: map[string]any{"locationId": "{account}"}}, ID: "id"},
		List: bindings.Call{Operation: "calendars.list_events", Args: map[string]any{
			"locationId": "{account}", "calendarId": "{of.id}", "startTime": "{from.ms}", "endTime": "{to.ms}",
		}},
		Window:    bindings.Window{Past: 30 * 24 * time.Hour, Ahead: 365 * 24 * time.Hour},
		Overlap:   lag,
		Record:    "id",
		Updated:   "dateUpdated",
		Created:   "dateAdded",
		Data:      map[string]string{"appointment": ".", "locationId": "{account}"},
		Compare:   in("title", "calendarId", "contactId", "appointmentStatus", "assignedUserId", "startTime", "endTime", "address", "notes"),
		OnCreated: "highlevel.appointment.created",
		OnUpdated: "highlevel.appointment.updated",
		Every:     5 * time.Minute,
	}
}
