package teams

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// The longest lifetime of a subscription, without and with an address for
// lifecycle notifications.
const (
	usualLifetime   = time.Hour
	longestLifetime = 3 * 24 * time.Hour
)

// checkLifetime refuses a subscription with a longer lifetime.
func checkLifetime(r *sandbox.Call, made sandbox.Result) *sandbox.Failure {
	if r.Verb != sandbox.Create && sandbox.Empty(r.Fields["expirationDateTime"]) {
		return nil
	}
	end, err := time.Parse(time.RFC3339Nano, sandbox.Text(made.Record.Fields["expirationDateTime"]))
	longest := usualLifetime
	if !sandbox.Empty(made.Record.Fields["lifecycleNotificationUrl"]) {
		longest = longestLifetime
	}
	switch {
	case err != nil, !end.After(r.Now), end.After(r.Now.Add(longest)):
		if r.Verb == sandbox.Create {
			r.Remove(r.Resource, made.Record)
		}
		return &sandbox.Failure{Status: http.StatusBadRequest, Kind: bindings.Invalid,
			Message: "Subscription expiration must be in the future, and no more than " + longest.String() + " away"}
	}
	return nil
}

// completeDelivery writes a notification as Graph does: the path and the id of
// the record, and none of its other fields.
func completeDelivery(sub *sandbox.Subscription, body sandbox.Object) {
	id := sandbox.Text(sandbox.Lookup(body, "resourceData.id"))
	at := strings.TrimPrefix(pathOf(sub, id), "/")
	delete(body, "id")
	body["resource"], body["subscriptionId"], body["subscriptionExpirationDateTime"] = at, sub.Record, sandbox.FormatTime(sub.Expires)
	kinds := map[string]string{"messages": "chatMessage", "chat_messages": "chatMessage", "members": "aadUserConversationMember",
		"chat_members": "aadUserConversationMember", "channels": "channel", "teams": "team", "chats": "chat"}
	body["resourceData"] = sandbox.Object{"id": id, "@odata.type": "#Microsoft.Graph." + kinds[sub.Def.Name], "@odata.id": at}
}

// itemPlaceholder matches the place of an item's value in a subscription's path.
var itemPlaceholder = regexp.MustCompile(`\{of\.[^{}]*\}`)

// pathOf is the path of a record below the resource of a subscription, as OData
// writes it: teams('…')/channels('…')/messages('…').
func pathOf(sub *sandbox.Subscription, id string) string {
	path, _ := sub.Def.Create.Args["resource"].(string)
	for _, item := range sub.Items {
		found := itemPlaceholder.FindStringIndex(path)
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
