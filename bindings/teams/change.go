package teams

import (
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// webhook: change notifications, several in a body. They are not signed; each has
// the secret of its subscription. The vendor's types are the kinds of change, and
// those of the subscription's own lifecycle. Notifications have no id, and the
// second change of a message looks like the first. Their reference writes
// "created" of messages and "Created" of chats.
func webhook() *bindings.Webhook {
	return &bindings.Webhook{
		Handshake:   &bindings.Handshake{Query: "validationToken"},
		Token:       &bindings.WebhookToken{Path: "clientState"},
		Batch:       "value",
		Type:        "changeType",
		AnyCase:     true,
		BareType:    "lifecycleEvent",
		Data:        "resourceData",
		ID:          "id",
		DedupPaths:  []string{"subscriptionId", "changeType", "resource"},
		NoDedup:     []string{"updated"},
		RenewOn:     []string{"reauthorizationrequired"},
		ReconcileOn: []string{"subscriptionremoved", "missed"},
		RetryStatus: 503,
	}
}

// lifetime of a subscription: at most three days if it has an address for
// lifecycle notifications, else an hour.
const lifetime = 70 * time.Hour

// subscriptions: one for each team and channel of the person who connected, or
// for an app of the tenant's; and one for each chat of the person. Those for a
// whole tenant at once are for such apps only, and metered.
func subscriptions() []bindings.Subscription {
	of := func(name string, over *bindings.ForEach, resource string, adds map[string]string, triggers ...string) bindings.Subscription {
		return bindings.Subscription{
			Name: name, ForEach: over, Triggers: triggers,
			Create: bindings.Call{Operation: "subscriptions.create", Args: map[string]any{
				"changeType": "{types.text}", "notificationUrl": "{url}", "lifecycleNotificationUrl": "{url}", "resource": resource,
				"expirationDateTime": "{expires}", "clientState": "{secret}",
			}},
			List: &bindings.Call{Operation: "subscriptions.list"},
			Renew: &bindings.Call{Operation: "subscriptions.update", Args: map[string]any{
				"subscriptionId": "{id}", "expirationDateTime": "{expires}",
			}},
			Remove: bindings.Call{Operation: "subscriptions.delete", Args: map[string]any{"subscriptionId": "{id}"}},
			ID:     "id", Address: "notificationUrl", Expires: "expirationDateTime",
			Adds: adds, Lifetime: lifetime,
		}
	}
	team, chat := map[string]string{"teamId": "id"}, map[string]string{"chatId": "id"}
	return []bindings.Subscription{
		of("messages", channels(), "/teams/{of.of.id}/channels/{of.id}/messages", map[string]string{"teamId": "of.id", "channelId": "id"}, "teams.message.*"),
		of("channels", teams(), "/teams/{of.id}/channels", team, "teams.channel.*"),
		of("members", teams(), "/teams/{of.id}/members", team, "teams.member.*"),
		of("teams", teams(), "/teams/{of.id}", nil, "teams.team.*"),
		of("chat_messages", chats(), "/chats/{of.id}/messages", chat, "teams.chat_message.*"),
		of("chat_members", chats(), "/chats/{of.id}/members", chat, "teams.chat_member.*"),
		of("chats", chats(), "/chats/{of.id}", nil, "teams.chat.*"),
	}
}

func teams() *bindings.ForEach {
	return &bindings.ForEach{
		List:       bindings.Call{Operation: "me.list_joined_teams"},
		ListByAuth: map[string]bindings.Call{app: {Operation: "teams.list"}},
		ID:         "id",
	}
}

func channels() *bindings.ForEach {
	return &bindings.ForEach{List: bindings.Call{Operation: "channels.list", Args: map[string]any{"teamId": "{of.id}"}}, ID: "id", ForEach: teams()}
}

func chats() *bindings.ForEach {
	return &bindings.ForEach{List: bindings.Call{Operation: "chats.list"}, ID: "id"}
}

// polls find lost notifications, and serve connections that receive none. A
// channel has a list of its changes, without replies; messages of a chat are
// listed by the time of their last change. New and changed messages are polled
// separately: a notification does not contain which change it reports, so only a
// new message can be recognised as already reported.
func polls() []bindings.Poll {
	ofChannels := bindings.Poll{
		ForEach: channels(),
		List: bindings.Call{Operation: "channels.list_messages_delta", Args: map[string]any{
			"teamId": "{of.of.id}", "channelId": "{of.id}",
		}},
		Sync:   &bindings.Sync{Param: "@odata.nextLink", Answer: "@odata.deltaLink", Expired: []int{410}},
		Record: "id", PerItem: true, Created: "createdDateTime", Updated: "lastModifiedDateTime",
		Adds:  map[string]string{"teamId": "of.id", "channelId": "id"},
		Every: 5 * time.Minute,
	}
	ofChats := bindings.Poll{
		ForEach: chats(),
		List: bindings.Call{Operation: "chats.list_messages", Args: map[string]any{
			"chatId": "{of.id}", "$orderby": "lastModifiedDateTime desc", "$filter": "lastModifiedDateTime gt {since}",
		}},
		NewestFirst: true, Overlap: time.Minute,
		Record: "id", PerItem: true, Created: "createdDateTime", Updated: "lastModifiedDateTime",
		Adds:  map[string]string{"chatId": "id"},
		Every: 5 * time.Minute,
	}
	made := func(name string, p bindings.Poll, trigger string, same ...string) bindings.Poll {
		p.Name, p.OnCreated, p.Compare, p.Reconcile = name, trigger, same, true
		return p
	}
	changed := func(name string, p bindings.Poll, trigger string, same ...string) bindings.Poll {
		p.Name, p.OnUpdated, p.Compare = name, trigger, append(same, p.Updated)
		return p
	}
	return []bindings.Poll{
		made("messages", ofChannels, "teams.message.created", "teamId", "channelId", "id"),
		changed("message_changes", ofChannels, "teams.message.updated", "teamId", "channelId", "id"),
		made("chat_messages", ofChats, "teams.chat_message.created", "chatId", "id"),
		changed("chat_message_changes", ofChats, "teams.chat_message.updated", "chatId", "id"),
		{
			Name: "chats", List: bindings.Call{Operation: "chats.list"},
			Record: "id", Created: "createdDateTime", Updated: "lastUpdatedDateTime",
			Compare: []string{"id"}, OnCreated: "teams.chat.created", Every: 5 * time.Minute,
		},
	}
}
