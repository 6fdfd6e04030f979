package highlevel

import (
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// polls: a private integration's token gets no webhooks, so that all is asked
// for. A changed task no webhook tells of at all. Behind webhooks the same
// lists find what those lost: a webhook that was not taken is sent again only
// where that was asked for.
func polls() []bindings.Poll {
	all := []bindings.Poll{contacts(), notes(), tasks(), opportunities(), appointments()}
	for i := range all {
		all[i].Auths, all[i].Reconcile = []string{"token"}, true
	}
	return all
}

// lag is how far the search of contacts may be behind: "a few seconds", says
// the vendor's guide to it.
const lag = 2 * time.Minute

// searched asks for the contacts that changed. What dateUpdated is compared
// with is written as the guide does: a range.
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
		// Tags and "do not disturb" are told by webhooks of their own.
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

// notes are listed of one contact at a time: of those that changed, as a
// contact does when a note is added.
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

// opportunities are walked from the first to the last: the documents name no
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
		// The others have webhooks of their own.
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

// appointments are listed of one calendar, between two times. What is removed
// is not told, because it looks like what leaves them.
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
