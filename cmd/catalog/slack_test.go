package main

import "testing"

func TestSlack(t *testing.T) {
	got := generated(t, "slack", `
operation users users.profile.get get_profile
trigger message message.posted
trigger message:message_changed message.changed
trigger im_open im.opened
`, map[string]string{
		"methods.json": `{"methods": [
			{"name": "chat.postMessage", "read": false, "tier": "SpecialTier_chat_postMessage", "scopes": ["chat:write:user", "chat:write:bot"],
			 "args": [{"name": "channel", "type": "string", "required": true}, {"name": "blocks", "type": "array", "items": "object", "required": false}],
			 "answer": [{"name": "ts", "type": "string"}]},
			{"name": "conversations.list", "read": true, "tier": "Tier2", "paged": "cursor", "scopes": ["channels:read"],
			 "args": [{"name": "limit", "type": "number"}, {"name": "cursor", "type": "string"}],
			 "answer": [{"name": "channels", "type": "array"}]},
			{"name": "users.profile.get", "read": true, "tier": "Tier4", "scopes": ["none"], "args": [], "answer": []},
			{"name": "files.comments.delete", "read": false, "tier": "Tier2", "scopes": ["files:write:user"], "deprecated": true,
			 "args": [{"name": "id", "type": "string", "required": true}], "answer": []},
			{"name": "team.accessLogs", "read": true, "paged": "cursor",
			 "args": [{"name": "count", "type": "number"}, {"name": "limit", "type": "number"}, {"name": "cursor", "type": "string"}],
			 "answer": [{"name": "logins", "type": "array"}]}
		]}`,
		"events.json": `{"events": [
			{"type": "message", "fields": [{"name": "ts", "type": "string", "required": true}]},
			{"type": "message", "subtype": "message_changed", "fields": [{"name": "message", "type": "object", "required": true}]},
			{"type": "im_open", "fields": [{"name": "channel", "type": "string", "required": true}]}
		]}`,
	})
	sameLines(t, got, `
operation chat.post_message {"id":"chat.postMessage","method":"POST","path":"/chat.postMessage","body":{"encoding":"json","type":"#ChatPostMessage","required":true},"answer":"#ChatPostMessageAnswer","any_scope":["chat:write","chat:write:user","chat:write:bot"],"limit":"specialtier_chat_postmessage"}
operation conversations.list {"id":"conversations.list","method":"POST","path":"/conversations.list","body":{"encoding":"form","type":"#ConversationsList"},"answer":"#ConversationsListAnswer","any_scope":["channels:read"],"safe":true,"pages":{"items":"channels","cursors":{"cursor":"response_metadata.next_cursor"},"size_param":"limit","size":200},"limit":"tier2"}
operation files_comments.delete {"id":"files.comments.delete","method":"POST","path":"/files.comments.delete","body":{"encoding":"form","type":"#FilesCommentsDelete","required":true},"answer":"#Answer","any_scope":["files:write","files:write:user"],"limit":"tier2","deprecated":true}
operation team.access_logs {"id":"team.accessLogs","method":"POST","path":"/team.accessLogs","body":{"encoding":"form","type":"#TeamAccessLogs"},"answer":"#TeamAccessLogsAnswer","safe":true,"pages":{"items":"logins","cursors":{"cursor":"response_metadata.next_cursor"},"size_param":"limit","size":200},"limit":"tier2"}
operation users.get_profile {"id":"users.profile.get","method":"POST","path":"/users.profile.get","answer":"#Answer","safe":true,"limit":"tier4"}
trigger slack.im.opened {"vendor":"im_open","record":"channel","data":"#ImOpenEvent"}
trigger slack.message.changed {"vendor":"message","when":{"event.subtype":"message_changed"},"record":"ts","data":"#MessageMessageChangedEvent"}
trigger slack.message.posted {"vendor":"message","when":{"event.subtype":""},"record":"ts","data":"#MessageEvent"}
type Answer {"fields":["ok: boolean","response_metadata: #ResponseMetadata"]}
type ChatPostMessage {"fields":["channel!: string","blocks: [object]"]}
type ChatPostMessageAnswer {"fields":["ok: boolean","ts: string","response_metadata: #ResponseMetadata"]}
type ConversationsList {"fields":["limit: integer","cursor: string"]}
type ConversationsListAnswer {"fields":["ok: boolean","channels: [any]","response_metadata: #ResponseMetadata"]}
type FilesCommentsDelete {"fields":["id!: string"]}
type ImOpenEvent {"fields":["type: \"im_open\"","channel: string"]}
type MessageEvent {"fields":["type: \"message\"","ts: string"]}
type MessageMessageChangedEvent {"fields":["type: \"message\"","subtype: \"message_changed\"","message: object"]}
type ResponseMetadata {"fields":["next_cursor: string","messages: [string]"],"open":true}
type TeamAccessLogs {"fields":["count: integer","limit: integer","cursor: string"]}
type TeamAccessLogsAnswer {"fields":["ok: boolean","logins: [any]","response_metadata: #ResponseMetadata"]}
`)
}
