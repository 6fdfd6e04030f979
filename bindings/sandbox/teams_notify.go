package sandbox

import (
	"net/http"
	"regexp"
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
func teamsLifetime(r *Call, made Result) *Failure {
	if r.Verb != Create && Empty(r.Fields["expirationDateTime"]) {
		return nil
	}
	end, err := time.Parse(time.RFC3339Nano, Text(made.Record.Fields["expirationDateTime"]))
	longest := teamsHour
	if !Empty(made.Record.Fields["lifecycleNotificationUrl"]) {
		longest = teamsDays
	}
	switch {
	case err != nil, !end.After(r.Now), end.After(r.Now.Add(longest)):
		if r.Verb == Create {
			r.Remove(r.Resource, made.Record)
		}
		return &Failure{Status: http.StatusBadRequest, Kind: bindings.Invalid,
			Message: "Subscription expiration must be in the future, and no more than " + longest.String() + " away"}
	}
	return nil
}

// notifyTeams writes a notification as Graph does: where the record is and
// which, and nothing else of it.
func notifyTeams(sub *Subscription, body Object) {
	id := Text(Lookup(body, "resourceData.id"))
	at := strings.TrimPrefix(teamsResource(sub, id), "/")
	delete(body, "id")
	body["resource"], body["subscriptionId"], body["subscriptionExpirationDateTime"] = at, sub.Record, Stamp(sub.Expires)
	kinds := map[string]string{"messages": "chatMessage", "chat_messages": "chatMessage", "members": "aadUserConversationMember",
		"chat_members": "aadUserConversationMember", "channels": "channel", "teams": "team", "chats": "chat"}
	body["resourceData"] = Object{"id": id, "@odata.type": "#Microsoft.Graph." + kinds[sub.Def.Name], "@odata.id": at}
}

// teamsItem stands in a subscription's path for the value of an item.
var teamsItem = regexp.MustCompile(`\{of\.[^{}]*\}`)

// teamsResource is the path of a record below what a subscription is for, as
// OData writes it: teams('…')/channels('…')/messages('…').
func teamsResource(sub *Subscription, id string) string {
	path, _ := sub.Def.Create.Args["resource"].(string)
	for _, item := range sub.Items {
		found := teamsItem.FindStringIndex(path)
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
