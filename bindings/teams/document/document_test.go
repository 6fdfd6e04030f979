package document_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/teams/document"
)

const sampleDocument = `{
	"operations": [
		{"method": "GET", "path": "/chats/{chatId}/messages", "query": ["$count", "$filter", "$top"]},
		{"method": "POST", "path": "/chats/{chatId}/messages", "query": [], "body": "chatMessage"},
		{"method": "GET", "path": "/teams/{teamId}/channels/{channelId}/messages/delta()", "query": ["$top"]},
		{"method": "DELETE", "path": "/teams/{teamId}/channels/{channelId}/messages/{chatMessageId}/replies/{chatMessageId1}", "query": []},
		{"method": "POST", "path": "/chats/{chatId}/markChatReadForUser", "query": [], "body": [{"name": "user", "type": "identity"}]},
		{"method": "PATCH", "path": "/teams/{teamId}/channels/{channelId}/members/{conversationMemberId}", "query": [], "body": "conversationMember"},
		{"method": "GET", "path": "/teams/{teamId}/channels/{channelId}/tabs/{teamsTabId}/teamsApp", "query": []},
		{"method": "GET", "path": "/teams/getAllMessages()", "query": []}
	],
	"types": {
		"chatMessage": {"fields": [{"name": "id", "type": "string"}, {"name": "createdDateTime", "type": "datetime"}, {"name": "from", "type": "identity"},
			{"name": "importance", "type": "importance"}, {"name": "mentions", "type": "[]identity"}]},
		"conversationMember": {"fields": [{"name": "roles", "type": "[]string"}]},
		"identity": {"fields": [{"name": "id", "type": "string"}], "open": true},
		"importance": {"enum": ["normal", "high", "unknownFutureValue"]}
	}
}`

func TestSaysWhatItCannotRead(t *testing.T) {
	for change, want := range map[string]string{
		`"[]identity" -> "[]person"`:                            `type chatMessage: field "mentions": unknown type "person"`,
		`/teams/getAllMessages() -> /teams/getSome()`:           `GET /teams/getSome(): unknown function "getSome()"`,
		`/teams/getAllMessages() -> /planner`:                   `GET /planner: what is it about?`,
		`{chatId}/markChatReadForUser -> {chatId}/close/sooner`: `"sooner" stands behind something done`,
		`"PATCH" -> "MERGE"`:                                    `MERGE is no method of Graph's`,
	} {
		before, after, _ := strings.Cut(change, " -> ")
		text := strings.Replace(sampleDocument, before, after, 1)
		if text == sampleDocument {
			t.Fatalf("%q is not in the document", before)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "operations.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := document.Read(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", change, err, want)
		}
	}
}
