package openapi_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/openapi"
)

// TestFolder reads documents that refer to each other, with common errors of
// generators. Different types with one name get the name of their document.
func TestFolder(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"boards.json": `{"openapi": "3.0.0", "paths": {"/boards": {"post": {"operationId": "createBoard",
			"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}},
			"responses": {"201": {"content": {"application/json": {"schema": {"$ref": "../common/shared.json#/components/schemas/Board"}}}}}}}},
			"components": {"schemas": {"New": {"type": "object", "properties": {
				"color": {"type": "string", "enum": ["red", ["green", ["blue"]]]}, "more": {"type": "object", "properties": {}},
				"properties": {}}}}}}`,
		"cards.json": `{"openapi": "3.0.0", "paths": {"/cards": {"post": {"operationId": "createCard",
			"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}}, "responses": {}}}},
			"components": {"schemas": {"New": {"type": "object", "properties": {"text": {"type": "string"}}}}}}`,
		"shared.json": `{"openapi": "3.0.0", "paths": {}, "components": {"schemas": {
			"Board": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}}}}`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	from, err := openapi.Folder{}.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range from.Operations {
		o.Name = o.Group + "." + o.ID
	}
	got, err := from.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	const want = `operation boards.createBoard {"id":"createBoard","method":"POST","path":"/boards","body":{"encoding":"json","type":"#boards.New"},"answer":"#Board"}
operation cards.createCard {"id":"createCard","method":"POST","path":"/cards","body":{"encoding":"json","type":"#cards.New"}}
type Board {"fields":["id!: string"]}
type boards.New {"fields":["color: \"red\"|\"green\"|\"blue\"","more: object","properties: any"]}
type cards.New {"fields":["text: string"]}
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFolderErrors(t *testing.T) {
	for path, want := range map[string]string{
		`"/boards/{id}": {"get": {"parameters": [{"name": "board", "in": "path", "schema": {"type": "string"}}], "responses": {}}}`: `boards: GET /boards/{id}: path parameter "board" is not in the path`,
		`"/boards": {"post": {"requestBody": {"content": {"text/csv": {}}}, "responses": {}}}`:                                      `boards: POST /boards: body: unknown media type ["text/csv"]`,
		`"/boards": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "other.json#/X"}}}}}}}`:      `boards: GET /boards: its answer is not described: $ref "other.json#/X": file "other.json"`,
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "boards.json"), []byte(`{"openapi": "3.0.0", "paths": {`+path+`}}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (openapi.Folder{}).Read(folder); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
	if _, err := (openapi.Folder{}).Read(t.TempDir()); err == nil {
		t.Error("an empty folder was read")
	}
}
