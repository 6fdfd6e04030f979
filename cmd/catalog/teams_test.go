package main

import (
	"slices"
	"strings"
	"testing"
)

func TestTeams(t *testing.T) {
	got := generated(t, "teams", "operation chats create-chat-message send_message\n", map[string]string{"operations.json": sample(t, "teams", "operations.json")})
	mine := slices.DeleteFunc(got, func(line string) bool { // without what is in no document
		words := strings.Fields(line + " x x")
		return words[0] == "trigger" || words[1] == "webhooks.post" || strings.HasSuffix(words[1], "Event") ||
			strings.HasPrefix(words[1], "card") || words[1] == "adaptiveCard"
	})
	sameLines(t, mine, `
operation channels.delete_reply {"id":"delete-channel-reply","method":"DELETE","path":"/teams/{teamId}/channels/{channelId}/messages/{chatMessageId}/replies/{chatMessageId1}","in_path":["teamId!: string","channelId!: string","chatMessageId!: string","chatMessageId1!: string"],"status":204,"idempotent":"deletes one record by its id, which the vendor does not give again"}
operation channels.get_tab_teams_app {"id":"get-channel-tab-teams-app","method":"GET","path":"/teams/{teamId}/channels/{channelId}/tabs/{teamsTabId}/teamsApp","in_path":["teamId!: string","channelId!: string","teamsTabId!: string"],"answer":"object"}
operation channels.list_messages_delta {"id":"list-channel-messages-delta","method":"GET","path":"/teams/{teamId}/channels/{channelId}/messages/delta()","in_path":["teamId!: string","channelId!: string"],"in_query":["$top: integer"],"answer":"#chatMessageChanges","pages":{"items":"value","url":"@odata.nextLink","size_param":"$top","size":50}}
operation channels.update_member {"id":"update-channel-member","method":"PATCH","path":"/teams/{teamId}/channels/{channelId}/members/{conversationMemberId}","in_path":["teamId!: string","channelId!: string","conversationMemberId!: string"],"body":{"encoding":"json","type":"#conversationMember","required":true},"answer":"#conversationMember","idempotent":"gives one record the same values again"}
operation chats.list_messages {"id":"list-chat-messages","method":"GET","path":"/chats/{chatId}/messages","in_path":["chatId!: string"],"in_query":["$count: boolean","$filter: string","$top: integer"],"answer":"#chatMessagePage","pages":{"items":"value","url":"@odata.nextLink","size_param":"$top","size":50}}
operation chats.mark_read_for_user {"id":"mark-chat-read-for-user","method":"POST","path":"/chats/{chatId}/markChatReadForUser","in_path":["chatId!: string"],"body":{"encoding":"json","type":"#MarkChatReadForUser"}}
operation chats.send_message {"id":"create-chat-message","method":"POST","path":"/chats/{chatId}/messages","in_path":["chatId!: string"],"body":{"encoding":"json","type":"#chatMessage","required":true},"answer":"#chatMessage"}
operation teams.list_all_messages {"id":"list-all-team-messages","method":"GET","path":"/teams/getAllMessages()","answer":"#chatMessagePage","pages":{"items":"value","url":"@odata.nextLink"}}
type MarkChatReadForUser {"fields":["user: #identity"]}
type chatMessage {"fields":["id: string","createdDateTime: string","from: #identity","importance: \"normal\"|\"high\"","mentions: [#identity]"]}
type chatMessageChanges {"fields":["value: [#chatMessage]","@odata.count: integer","@odata.nextLink: string","@odata.deltaLink: string"]}
type chatMessagePage {"fields":["value: [#chatMessage]","@odata.count: integer","@odata.nextLink: string"]}
type conversationMember {"fields":["roles: [string]"]}
type identity {"fields":["id: string"],"open":true}
`)
}
