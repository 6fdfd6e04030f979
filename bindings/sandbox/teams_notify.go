package sandbox

import (
	"net/http"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// How long a subscription of Teams may live, without and with an address for
// what becomes of it.
const (
	teamsHour = time.Hour
	teamsDays = 3 * 24 * time.Hour
)

// teamsLifetime refuses a subscription that is to live too long.
func teamsLifetime(r *request, made result) *failure {
	if r.plan.verb != create && empty(r.fields["expirationDateTime"]) {
		return nil
	}
	end := endAt(text(made.record.fields["expirationDateTime"]))
	longest := teamsHour
	if !empty(made.record.fields["lifecycleNotificationUrl"]) {
		longest = teamsDays
	}
	switch {
	case end.IsZero(), !end.After(r.now), end.After(r.now.Add(longest)):
		if r.plan.verb == create {
			r.app.store.remove(r.plan.resource.name, made.record)
		}
		return &failure{status: http.StatusBadRequest, kind: bindings.Invalid,
			message: "Subscription expiration must be in the future, and no more than " + longest.String() + " away"}
	}
	return nil
}

// notifyTeams writes a notification as Graph does: where the record is and
// which, and nothing else of it.
func notifyTeams(sub *subscription, body object) {
	id := text(lookup(body, "resourceData.id"))
	at := strings.TrimPrefix(teamsResource(sub, id), "/")
	delete(body, "id")
	body["resource"], body["subscriptionId"], body["subscriptionExpirationDateTime"] = at, sub.record, stamp(sub.expires)
	kinds := map[string]string{"messages": "chatMessage", "chat_messages": "chatMessage", "members": "aadUserConversationMember",
		"chat_members": "aadUserConversationMember", "channels": "channel", "teams": "team", "chats": "chat"}
	body["resourceData"] = object{"id": id, "@odata.type": "#Microsoft.Graph." + kinds[sub.def.Name], "@odata.id": at}
}

// teamsResource is the path of a record below what a subscription is for, as
// OData writes it: teams('…')/channels('…')/messages('…').
func teamsResource(sub *subscription, id string) string {
	path, _ := sub.def.Create.Args["resource"].(string)
	for _, item := range sub.items {
		found := itemWord.FindStringIndex(path)
		if found == nil {
			break
		}
		path = strings.TrimSuffix(path[:found[0]], "/") + "('" + item + "')" + path[found[1]:]
	}
	if strings.HasSuffix(path, ")") {
		return path // the record itself
	}
	return path + "('" + id + "')"
}
