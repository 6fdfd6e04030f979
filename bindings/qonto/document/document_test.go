package document_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/qonto/document"
)

const sampleDocument = `{
	"schemas": {
		"empty": [],
		"meta": [{"name": "next_page", "type": "integer", "nullable_or_absent": true}],
		"money": [{"name": "value", "type": "string(decimal)"}, {"name": "currency", "type": "string(ISO4217)"}],
		"transfer": [
			{"name": "id", "type": "uuid"},
			{"name": "amount", "type": "money"},
			{"name": "state", "type": "string?", "enum": ["open", "done"]},
			{"name": "results", "type": "object[]{id,errors[{code,detail}]}"}
		]
	},
	"operations": [
		{
			"id": "list_sepa_transfers", "method": "GET", "path": "/v2/sepa/transfers", "scope": "organization.read",
			"path_params": [], "body_fields": [], "body_wrapper": null, "content_type": null, "success_status": 200,
			"query_params": [{"name": "status[]", "type": "string", "required": false, "enum": ["open", "done"]}],
			"response_key": "transfers", "response_is_list": true, "response_schema": "transfer", "paginated": true, "confidence": "documented"
		},
		{
			"id": "create_sepa_transfer", "method": "POST", "path": "/v2/sepa/transfers", "scope": null,
			"path_params": [], "query_params": [], "body_wrapper": null, "content_type": "application/json", "success_status": null,
			"body_fields": [
				{"name": "proof", "type": "string", "required": "when it is new"},
				{"name": "transfer.amount", "type": "string", "required": true},
				{"name": "transfer.note", "type": "string", "required": false}
			],
			"response_key": null, "response_is_list": false, "response_schema": "empty", "paginated": false,
			"confidence": "inferred", "idempotency_header": true
		},
		{
			"id": "upload_bills", "method": "POST", "path": "/v2/bills", "scope": "bill.write",
			"path_params": [], "query_params": [], "body_wrapper": "bills", "content_type": "multipart/form-data", "success_status": null,
			"body_fields": [
				{"name": "bills[][file]", "type": "binary", "required": true},
				{"name": "bills[][key]", "type": "uuid", "required": true}
			],
			"response_key": "bills", "response_is_list": true, "response_schema": "empty", "paginated": false, "confidence": "documented"
		}
	],
	"webhooks": {"events": [
		{"type": "v1/transfers", "resource": "transfers", "scope": "organization.read", "data_event_values": ["created"],
		 "data_fields": ["event", "id", "amount", "settled_at"], "confidence": "documented"},
		{"type": "v1/cards", "resource": "cards", "scope": null, "data_event_values": [], "data_fields": [], "confidence": "inferred"}
	]}
}`

func TestSaysWhatItCannotRead(t *testing.T) {
	for change, want := range map[string]string{
		`"object[]{id,errors[{code,detail}]}" -> "tuple"`:            `schema transfer: field "results": unknown type "tuple"`,
		`"multipart/form-data" -> "text/xml"`:                        `operation upload_bills: unknown content type "text/xml"`,
		`/v2/bills -> /v1/bills`:                                     `path "/v1/bills": expected it below /v2`,
		`transfer.note -> transfer.note.text`:                        `field "transfer.note.text": nested deeper than one object`,
		`"response_schema": "transfer" -> "response_schema": "giro"`: `there is no schema "giro"`,
	} {
		before, after, _ := strings.Cut(change, " -> ")
		dir := t.TempDir()
		text := strings.Replace(sampleDocument, before, after, 1)
		if text == sampleDocument {
			t.Fatalf("%q is not in the document", before)
		}
		if err := os.WriteFile(filepath.Join(dir, "facts.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := document.Read(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", change, err, want)
		}
	}
}
