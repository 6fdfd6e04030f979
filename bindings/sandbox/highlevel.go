package sandbox

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// highlevel is what HighLevel's documents leave out.
func highlevel() *rules {
	const location, company = "sandboxLocation00001", "sandboxCompany000001"
	const queues = "POST /social-media-posting/category/queues/{queueId}/"
	return &rules{
		account:       location,
		accountParams: []string{"locationid", "companyid", "altid"},
		accountField:  "locationId",
		id:            func(r *rand.Rand, _ string) string { return letters(r, 20, mixedAlphabet) },
		aliases: map[string]string{
			"calendars/events":        "calendars/events/appointments",
			"calendars/appointments":  "calendars/events/appointments",
			"calendars/blocked-slots": "calendars/events/block-slots",
			"contacts/appointments":   "calendars/events/appointments",
		},
		operations: map[string]*rule{
			"GET /contacts/business/{businessId}":       {verb: list, resource: "contacts"},
			"POST /locations/{locationId}/tasks/search": {verb: list, resource: "contacts/tasks"},
			"POST /users/search/filter-by-email":        {verb: list, resource: "users"},
			"POST /products/inventory":                  {verb: none},
			"POST /conversations/messages":              {do: sendMessage("outbound", "message.sent")},
			"POST /conversations/messages/inbound":      {do: sendMessage("inbound", "message.received")},
			queues + "items":                            {verb: list},
			queues + "slots":                            {verb: list},
			queues + "create/item":                      {verb: create, resource: "social-media-posting/category/queues/items"},
		},
		unique: map[string]unique{
			"contacts": {
				fields: []string{"email", "phone"},
				refuse: http.StatusBadRequest, message: "This location does not allow duplicated contacts.",
			},
			"conversations": {fields: []string{"contactId"}, refuse: http.StatusBadRequest, message: "Conversation already exists"},
		},
		actions: map[string]object{
			"send": {"status": "sent"}, "void": {"status": "void"}, "record-payment": {"status": "paid"},
		},
		fill: map[string]func(object){"contacts": fillContact, "contacts/tasks": defaults(object{"completed": false})},
		triggers: map[string]string{
			"calendars/events/appointments created": "appointment.created",
			"calendars/events/appointments updated": "appointment.updated",
			"calendars/events/appointments deleted": "appointment.deleted",
			"contacts/notes created":                "note.created",
			"contacts/tasks created":                "task.created",
			"conversations/messages created":        "message.sent",
			"invoices send":                         "invoice.sent",
			"invoices void":                         "invoice.voided",
			"invoices record-payment":               "invoice.paid",
		},
		fields: map[string]string{
			"contacts dnd":                  "contact.dnd_updated",
			"contacts dndSettings":          "contact.dnd_updated",
			"contacts tags":                 "contact.tags_updated",
			"contacts/tasks completed":      "task.completed",
			"conversations unreadCount":     "conversation.unread_updated",
			"opportunities status":          "opportunity.status_updated",
			"opportunities pipelineStageId": "opportunity.stage_updated",
			"opportunities assignedTo":      "opportunity.assignee_updated",
			"opportunities monetaryValue":   "opportunity.monetary_value_updated",
		},
		seeds: map[string][]object{
			"locations": {{"id": location, "companyId": company, "name": "Sandbox Location", "email": "hello@sandbox.example",
				"country": "FR", "timezone": "Europe/Paris"}},
			"companies": {{"id": company, "name": "Sandbox Agency", "email": "agency@sandbox.example"}},
			"users": {
				{"id": "sandboxUser000000001", "name": "Ada Sand", "firstName": "Ada", "lastName": "Sand", "email": "ada@sandbox.example",
					"roles": object{"type": "account", "role": "admin", "locationIds": []any{location}}},
				{"id": "sandboxUser000000002", "name": "Ben Box", "firstName": "Ben", "lastName": "Box", "email": "ben@sandbox.example",
					"roles": object{"type": "account", "role": "user", "locationIds": []any{location}}},
			},
			"calendars": {{"id": "sandboxCalendar00001", "name": "Welcome calls", "isActive": true, "slotDuration": number(30)}},
			"opportunities/pipelines": {{"id": "sandboxPipeline00001", "name": "Sales", "stages": []any{
				object{"id": "sandboxStage00000001", "name": "New"}, object{"id": "sandboxStage00000002", "name": "Offer sent"},
				object{"id": "sandboxStage00000003", "name": "Won"}}}},
		},
		unversioned:  http.StatusUnauthorized,
		fail:         failHighLevel,
		pageSize:     20,
		tokenLife:    24*time.Hour - time.Second,
		parent:       company,
		refreshGrace: 30 * time.Second,
		scopeStatus:  http.StatusUnauthorized,
		grant: func(by authority) object {
			kind := "Location"
			if by.parent {
				kind = "Company"
			}
			return object{"userType": kind, "userId": "sandboxUser000000001"}
		},
		rate: rateHeaders{
			max: "X-RateLimit-Max", remaining: "X-RateLimit-Remaining", interval: "X-RateLimit-Interval-Milliseconds",
			daily: "X-RateLimit-Limit-Daily", dailyRemaining: "X-RateLimit-Daily-Remaining",
		},
		// The same body again, six times at most, and only where the receiver
		// asked for it.
		delivery: delivery{attempts: 7, factor: 1, again: func(status int) bool { return status == http.StatusTooManyRequests }},
	}
}

func failHighLevel(f *failure, body object) int {
	delete(body, "code")
	body["statusCode"] = count(f.status)
	body["error"] = http.StatusText(f.status)
	body["message"] = f.message
	if len(f.problems) > 0 {
		lines := []any{}
		for _, p := range f.problems {
			lines = append(lines, p.String())
		}
		body["message"] = lines
	}
	return 0
}

func defaults(all object) func(object) {
	return func(fields object) {
		for name, v := range all {
			if fields[name] == nil {
				fields[name] = clone(v)
			}
		}
	}
}

// fillContact completes a contact's names and what a new one starts with.
func fillContact(c object) {
	first, last, name := text(c["firstName"]), text(c["lastName"]), text(c["name"])
	differs := func(value, kept string) bool { return strings.ToLower(value) != text(c[kept]) }
	switch renamed, parts := differs(name, "fullNameLowerCase"), differs(first, "firstNameLowerCase") || differs(last, "lastNameLowerCase"); {
	case name != "" && renamed && !parts:
		first, last, _ = strings.Cut(name, " ")
	case first != "" || last != "":
		name = strings.TrimSpace(first + " " + last)
	}
	for field, v := range map[string]string{
		"firstName": first, "lastName": last, "name": name, "emailLowerCase": strings.ToLower(text(c["email"])),
		"firstNameLowerCase": strings.ToLower(first), "lastNameLowerCase": strings.ToLower(last), "fullNameLowerCase": strings.ToLower(name),
	} {
		if v != "" {
			c[field] = v
		} else {
			delete(c, field)
		}
	}
	defaults(object{"type": "lead", "dnd": false, "tags": []any{}, "customFields": []any{}})(c)
	if tags, isList := c["tags"].([]any); isList {
		for i, tag := range tags {
			tags[i] = strings.ToLower(text(tag))
		}
	}
}

// sendMessage puts a message into the conversation with its contact, which is
// made by the first one.
func sendMessage(direction, trigger string) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		a := r.app
		conversations, messages := a.model.resource("conversations"), a.model.resource("conversations/messages")
		conversation, failed := r.conversation(conversations)
		if failed != nil {
			return result{}, failed
		}
		body := text(r.fields["message"])
		if body == "" {
			body = text(r.fields["html"])
		}
		kind := text(r.fields["type"])
		fields := object{
			"body": body, "direction": direction, "messageType": kind, "conversationId": conversation.id,
			"contactId": conversation.fields["contactId"], "locationId": conversation.fields["locationId"],
			"status": "delivered", "contentType": "text/plain", "subject": r.fields["subject"],
		}
		made := a.make(messages, "", fields, map[string]string{"conversationid": conversation.id}, r)
		a.alter(conversations, conversation, object{"lastMessageBody": body, "lastMessageDate": number(a.store.moment(r.now))})
		return result{
			fields:  object{"conversationId": conversation.id, "messageId": made.id, "success": true, "status": "delivered"},
			changes: []changed{{resource: messages, record: made, trigger: trigger}},
		}, nil
	}
}

func (r *request) conversation(res *resource) (*record, *failure) {
	a := r.app
	if id := text(r.fields["conversationId"]); id != "" {
		if found := a.store.get(res.name, id); found != nil {
			return found, nil
		}
		return nil, a.notFound("conversation", id)
	}
	id := text(r.fields["contactId"])
	contact := a.store.get("contacts", id)
	if contact == nil {
		return nil, &failure{status: http.StatusBadRequest, kind: bindings.NotFound, message: "Contact not found for id: " + id}
	}
	fields := object{"contactId": id, "locationId": contact.fields["locationId"]}
	if found, _ := a.store.same(res.name, fields); found != nil {
		return found, nil
	}
	fields["fullName"], fields["contactName"] = contact.fields["name"], contact.fields["name"]
	fields["email"], fields["phone"], fields["unreadCount"] = contact.fields["email"], contact.fields["phone"], number(0)
	return a.make(res, "", fields, nil, r), nil
}
