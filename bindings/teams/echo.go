package teams

import "github.com/tidewire/tidewire/bindings"

// echo defines which records calls change. A notification does not contain what
// changed, so only the path of the record can be compared; each write has only
// the kind of change that it makes.
func echo() *bindings.Echo {
	made, changed := []string{"created"}, []string{"updated"}
	gone := []string{"deleted"}
	const message, reply = bindings.ArgumentPrefix + "chatMessageId", bindings.ArgumentPrefix + "chatMessageId1"
	of := func(group, noun string) []bindings.Write {
		return []bindings.Write{
			{Operations: []string{group + ".send_message", group + ".send_reply"}, Noun: noun, Record: "id", State: bindings.Whole, Verbs: made},
			{Operations: []string{group + ".update_message", group + ".set_message_reaction", group + ".unset_message_reaction",
				group + ".undo_soft_delete_message"}, Noun: noun, Record: message, Verbs: changed},
			{Operations: []string{group + ".update_reply", group + ".set_reply_reaction", group + ".unset_reply_reaction",
				group + ".undo_soft_delete_reply"}, Noun: noun, Record: reply, Verbs: changed},
			{Operations: []string{group + ".soft_delete_message"}, Noun: noun, Record: message, Deletes: true, Verbs: gone},
			{Operations: []string{group + ".soft_delete_reply"}, Noun: noun, Record: reply, Deletes: true, Verbs: gone},
		}
	}
	return &bindings.Echo{
		Volatile: []string{"lastModifiedDateTime", "etag"},
		Version:  "lastModifiedDateTime",
		Writes: append(append(of("channels", "message"), of("chats", "chat_message")...),
			bindings.Write{Operations: []string{"channels.create"}, Noun: "channel", Record: "id", State: bindings.Whole, Verbs: made},
			bindings.Write{Operations: []string{"channels.update"}, Noun: "channel", Record: bindings.ArgumentPrefix + "channelId", Verbs: changed},
			bindings.Write{Operations: []string{"channels.delete"}, Noun: "channel", Record: bindings.ArgumentPrefix + "channelId", Deletes: true, Verbs: gone},
		),
	}
}
