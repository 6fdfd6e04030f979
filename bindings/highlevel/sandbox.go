package highlevel

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// Rules defines what HighLevel's documents do not, for the sandbox.
func Rules() *sandbox.Rules {
	const location, company = "sandboxLocation00001", "sandboxCompany000001"
	const queues = "POST /social-media-posting/category/queues/{queueId}/"
	return &sandbox.Rules{
		Account:       location,
		AccountParams: []string{"locationid", "companyid", "altid"},
		AccountField:  "locationId",
		// The vendor's own client sends this version with every call.
		OtherHeaders: map[string][]string{"Version": {"2023-02-21"}},
		NewID:        func(r *rand.Rand, _ string) string { return sandbox.Letters(r, 20, sandbox.MixedAlphabet) },
		Aliases: map[string]string{
			"calendars/events":        "calendars/events/appointments",
			"calendars/appointments":  "calendars/events/appointments",
			"calendars/blocked-slots": "calendars/events/block-slots",
			"contacts/appointments":   "calendars/events/appointments",
		},
		Operations: map[string]*sandbox.Rule{
			"GET /contacts/business/{businessId}":          {Verb: sandbox.List, Resource: "contacts"},
			"POST /locations/{locationId}/tasks/search":    {Verb: sandbox.List, Resource: "contacts/tasks"},
			"POST /users/search/filter-by-email":           {Verb: sandbox.List, Resource: "users"},
			"POST /products/inventory":                     {Verb: sandbox.None},
			"POST /conversations/messages":                 {Do: sendMessage("outbound", "message.sent")},
			"POST /conversations/messages/inbound":         {Do: sendMessage("inbound", "message.received")},
			"POST /conversations/messages/outbound":        {Do: sendMessage("outbound", "message.sent")},
			"POST /invoices/text2pay":                      {Verb: sandbox.Create, Resource: "invoices", Envelope: "invoice"},
			"POST /invoices/estimate/{estimateId}/invoice": {Verb: sandbox.Create, Resource: "invoices", Envelope: "invoice"},
			queues + "items":                               {Verb: sandbox.List},
			queues + "slots":                               {Verb: sandbox.List},
			queues + "create/item":                         {Verb: sandbox.Create, Resource: "social-media-posting/category/queues/items"},
		},
		Unique: map[string]sandbox.Unique{
			"contacts": {
				Fields:         []string{"email", "phone"},
				ConflictStatus: http.StatusBadRequest, Message: "This location does not allow duplicated contacts.",
			},
			"conversations": {Fields: []string{"contactId"}, ConflictStatus: http.StatusBadRequest, Message: "Conversation already exists"},
		},
		Actions: map[string]sandbox.Object{
			"send": {"status": "sent"}, "void": {"status": "void"}, "record-payment": {"status": "paid"},
		},
		Defaults: map[string]sandbox.Object{
			"contacts":       {"type": "lead", "dnd": false, "tags": []any{}, "customFields": []any{}},
			"contacts/tasks": {"completed": false},
		},
		Fill: map[string]func(sandbox.Object){"contacts": fillContact, "opportunities": fillOpportunity},
		Triggers: map[string]string{
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
		FieldTriggers: map[string]string{
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
		Seeds: map[string][]sandbox.Object{
			"locations": {{"id": location, "companyId": company, "name": "Sandbox Location", "email": "hello@sandbox.example",
				"country": "FR", "timezone": "Europe/Paris"}},
			"companies": {{"id": company, "name": "Sandbox Agency", "email": "agency@sandbox.example"}},
			"users": {
				{"id": "sandboxUser000000001", "name": "Ada Sand", "firstName": "Ada", "lastName": "Sand", "email": "ada@sandbox.example",
					"roles": sandbox.Object{"type": "account", "role": "admin", "locationIds": []any{location}}},
				{"id": "sandboxUser000000002", "name": "Ben Box", "firstName": "Ben", "lastName": "Box", "email": "ben@sandbox.example",
					"roles": sandbox.Object{"type": "account", "role": "user", "locationIds": []any{location}}},
			},
			"calendars": {{"id": "sandboxCalendar00001", "name": "Welcome calls", "isActive": true, "slotDuration": sandbox.Number(30)}},
			"opportunities/pipelines": {{"id": "sandboxPipeline00001", "name": "Sales", "stages": []any{
				sandbox.Object{"id": "sandboxStage00000001", "name": "New"}, sandbox.Object{"id": "sandboxStage00000002", "name": "Offer sent"},
				sandbox.Object{"id": "sandboxStage00000003", "name": "Won"}}}},
		},
		UnversionedStatus: http.StatusUnauthorized,
		Fail:              fail,
		PageSize:          20,
		TokenLifetime:     24*time.Hour - time.Second,
		Parent:            company,
		RefreshGrace:      30 * time.Second,
		ScopeStatus:       http.StatusUnauthorized,
		TokenFields: func(by sandbox.Grant) sandbox.Object {
			kind := "Location"
			if by.Parent {
				kind = "Company"
			}
			return sandbox.Object{"userType": kind, "userId": "sandboxUser000000001"}
		},
		Rate: sandbox.RateHeaders{
			Max: "X-RateLimit-Max", Remaining: "X-RateLimit-Remaining", Interval: "X-RateLimit-Interval-Milliseconds",
			Daily: "X-RateLimit-Limit-Daily", DailyRemaining: "X-RateLimit-Daily-Remaining",
		},
		Sample: sandbox.Sample{
			Args: sandbox.Object{"contactId": "there", "conversationId": "there"},
			Prepare: func(a *sandbox.App, _ *bindings.Operation) {
				a.Make("contacts", "there", sandbox.Object{"email": "there@example.com"}, nil)
				a.Make("conversations", "there", sandbox.Object{"contactId": "there"}, nil)
			},
		},
		// The same body again, at most six times, and only if the receiver
		// asked for it.
		Retry: sandbox.Retry{Attempts: 7, Factor: 1, ShouldRetry: func(status int) bool { return status == http.StatusTooManyRequests }},
	}
}

func fail(f *sandbox.Failure, body sandbox.Object) int {
	delete(body, "code")
	body["statusCode"] = sandbox.Count(f.Status)
	body["error"] = http.StatusText(f.Status)
	body["message"] = f.Message
	if len(f.Problems) > 0 {
		lines := []any{}
		for _, p := range f.Problems {
			lines = append(lines, p.String())
		}
		body["message"] = lines
	}
	return 0
}

// fillOpportunity writes the custom fields as answers have them.
func fillOpportunity(o sandbox.Object) { fillCustomFields(o, "fieldValue") }

// fillCustomFields writes custom fields as answers have them: with the value under
// another name than the one under which it was sent.
func fillCustomFields(of sandbox.Object, name string) {
	fields, _ := of["customFields"].([]any)
	for _, one := range fields {
		field, _ := one.(sandbox.Object)
		value, sent := field["field_value"]
		if !sent {
			continue
		}
		delete(field, "field_value")
		delete(field, "key")
		if field[name] = value; name == "value" { // which is declared a text
			field[name] = customFieldText(value)
		}
	}
}

func customFieldText(value any) string {
	items, isList := value.([]any)
	if !isList {
		return sandbox.Text(value)
	}
	var texts []string
	for _, item := range items {
		texts = append(texts, sandbox.Text(item))
	}
	return strings.Join(texts, ", ")
}

// fillContact completes a contact's names, its custom fields and the fields that are derived from it.
func fillContact(c sandbox.Object) {
	fillCustomFields(c, "value")
	first, last, name := sandbox.Text(c["firstName"]), sandbox.Text(c["lastName"]), sandbox.Text(c["name"])
	differs := func(value, field string) bool { return strings.ToLower(value) != sandbox.Text(c[field]) }
	switch renamed, parts := differs(name, "fullNameLowerCase"), differs(first, "firstNameLowerCase") || differs(last, "lastNameLowerCase"); {
	case name != "" && renamed && !parts:
		first, last, _ = strings.Cut(name, " ")
	case first != "" || last != "":
		name = strings.TrimSpace(first + " " + last)
	}
	for field, v := range map[string]string{
		"firstName": first, "lastName": last, "name": name, "emailLowerCase": strings.ToLower(sandbox.Text(c["email"])),
		"firstNameLowerCase": strings.ToLower(first), "lastNameLowerCase": strings.ToLower(last), "fullNameLowerCase": strings.ToLower(name),
	} {
		if v != "" {
			c[field] = v
		} else {
			delete(c, field)
		}
	}
	if tags, isList := c["tags"].([]any); isList {
		for i, tag := range tags {
			tags[i] = strings.ToLower(sandbox.Text(tag))
		}
	}
}

// sendMessage adds a message to the conversation with its contact, which the
// first message creates.
func sendMessage(direction, trigger string) func(*sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return func(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
		conversation, failed := conversationOf(r)
		if failed != nil {
			return sandbox.Result{}, failed
		}
		body := sandbox.Text(r.Fields["message"])
		if body == "" {
			body = sandbox.Text(r.Fields["html"])
		}
		made := r.Make("conversations/messages", "", sandbox.Object{
			"body": body, "direction": direction, "messageType": sandbox.Text(r.Fields["type"]), "conversationId": conversation.ID,
			"contactId": conversation.Fields["contactId"], "locationId": conversation.Fields["locationId"],
			"status": "delivered", "contentType": "text/plain", "subject": r.Fields["subject"],
		}, map[string]string{"conversationid": conversation.ID})
		r.Update("conversations", conversation, sandbox.Object{"lastMessageBody": body, "lastMessageDate": sandbox.Number(r.UniqueTime())})
		return sandbox.Result{
			Fields:  sandbox.Object{"conversationId": conversation.ID, "messageId": made.ID, "success": true, "status": "delivered"},
			Changes: []sandbox.Change{{Resource: "conversations/messages", Record: made, Trigger: trigger}},
		}, nil
	}
}

// conversationOf finds the conversation that a request names, or that with
// its contact; the first message creates it.
func conversationOf(r *sandbox.Call) (*sandbox.Record, *sandbox.Failure) {
	if id := sandbox.Text(r.Fields["conversationId"]); id != "" {
		if found := r.Get("conversations", id); found != nil {
			return found, nil
		}
		return nil, r.NotFound("conversation", id)
	}
	id := sandbox.Text(r.Fields["contactId"])
	contact := r.Get("contacts", id)
	if contact == nil {
		return nil, &sandbox.Failure{Status: http.StatusBadRequest, Kind: bindings.NotFound, Message: "Contact not found for id: " + id}
	}
	fields := sandbox.Object{"contactId": id, "locationId": contact.Fields["locationId"]}
	if found := r.Duplicate("conversations", fields); found != nil {
		return found, nil
	}
	fields["fullName"], fields["contactName"] = contact.Fields["name"], contact.Fields["name"]
	fields["email"], fields["phone"], fields["unreadCount"] = contact.Fields["email"], contact.Fields["phone"], sandbox.Number(0)
	return r.Make("conversations", "", fields, nil), nil
}
