package document

import (
	"maps"
	"slices"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/source"
)

// resources are the resources that Graph notifies of, with our noun, the ids that
// locate the changed record, the permission that a person's token needs, and our
// verbs for its three kinds of change. All notifications have the same shape; they
// are distinguished by their subscription.
var resources = []struct {
	noun, scope string
	ids         []string
	verbs       map[string]string
}{
	{"channel", "Channel.ReadBasic.All", []string{"teamId"}, madeVerbs},
	{"chat", "Chat.ReadBasic", nil, map[string]string{"updated": "updated"}},
	{"chat_member", "ChatMember.Read", []string{"chatId"}, joinedVerbs},
	{"chat_message", "Chat.Read", []string{"chatId"}, madeVerbs},
	{"member", "TeamMember.Read.All", []string{"teamId"}, joinedVerbs},
	{"message", "ChannelMessage.Read.All", []string{"teamId", "channelId"}, madeVerbs},
	{"team", "Team.ReadBasic.All", nil, map[string]string{"updated": "updated", "deleted": "deleted"}},
}

var (
	madeVerbs   = map[string]string{"created": "created", "updated": "updated", "deleted": "deleted"}
	joinedVerbs = map[string]string{"created": "added", "updated": "updated", "deleted": "removed"}
)

// events adds the triggers. A notification has of the record only its id and path,
// since the rest would be encrypted; a poll has all fields.
func (t *reader) events() {
	text := bindings.Type{Kind: bindings.String}
	for _, e := range resources {
		fields := []bindings.Field{{Name: "id", Type: text}, {Name: "@odata.type", Type: text}, {Name: "@odata.id", Type: text}}
		for _, id := range e.ids {
			fields = append(fields, bindings.Field{Name: id, Type: text})
		}
		kind := source.Camel(e.noun) + "Event"
		t.types.List = append(t.types.List, &bindings.Definition{Name: kind, Fields: fields, Open: true})
		for _, change := range slices.Sorted(maps.Keys(e.verbs)) {
			t.event(e.noun+"."+e.verbs[change], change, kind, e.scope)
		}
	}
	// Only the app of a whole tenant is notified of a new chat.
	t.event("chat.created", "", "ChatEvent", "Chat.ReadBasic")
}

func (t *reader) event(name, vendor, kind, scope string) {
	made := &source.Trigger{From: "change notifications: " + name}
	made.Name, made.Vendor, made.Record = "teams."+name, vendor, "id"
	made.Data, made.Scopes = &bindings.Type{Kind: bindings.Named, Name: kind}, []string{scope}
	t.source.Triggers = append(t.source.Triggers, made)
}
