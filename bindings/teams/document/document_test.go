package document_test

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/teams/document"
)

//go:embed testdata/operations.json
var sampleDocument string

func TestReadErrors(t *testing.T) {
	for change, want := range map[string]string{
		`"[]identity" -> "[]person"`:                            `type chatMessage: field "mentions": unknown type "person"`,
		`/teams/getAllMessages() -> /teams/getSome()`:           `GET /teams/getSome(): unknown function "getSome()"`,
		`/teams/getAllMessages() -> /planner`:                   `GET /planner: what is it about?`,
		`{chatId}/markChatReadForUser -> {chatId}/close/sooner`: `"sooner" comes after an action`,
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
