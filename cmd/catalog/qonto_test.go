package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// made runs the reader of an app over documents written here, with these names, and gives
// the lines of the catalogue.
func made(t *testing.T, app, names string, documents map[string]string) []string {
	t.Helper()
	folder, dir := t.TempDir(), t.TempDir()
	documents["names.txt"] = names
	for name, text := range documents {
		at := dir
		if name == "names.txt" {
			at = folder
		}
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := generate(app, folder, dir, readers()[app])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func sameLines(t *testing.T, got []string, want string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(want), "\n")
	for i := range max(len(got), len(lines)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(lines) {
			w = strings.TrimSpace(lines[i])
		}
		if g != w {
			t.Errorf("line %d\n got %s\nwant %s", i+1, g, w)
		}
	}
}

const qontoDocument = `{
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

func TestQonto(t *testing.T) {
	names := "trigger transfers:created transfer.created\ntrigger cards: card.changed\n"
	sameLines(t, made(t, "qonto", names, map[string]string{"facts.json": qontoDocument}), `
operation bills.upload {"id":"upload_bills","method":"POST","path":"/bills","body":{"encoding":"multipart","type":"#UploadBills","wrap":"bills","required":true},"answer":"#BillsAnswer","scopes":["bill.write"]}
operation sepa_transfers.create {"id":"create_sepa_transfer","method":"POST","path":"/sepa/transfers","body":{"encoding":"json","type":"#CreateSepaTransfer","required":true},"key":true,"inferred":true}
operation sepa_transfers.list {"id":"list_sepa_transfers","method":"GET","path":"/sepa/transfers","in_query":["status[]: [\"open\"|\"done\"]","page: integer","per_page: integer"],"answer":"#TransfersPage","status":200,"scopes":["organization.read"],"pages":{"items":"transfers","page":"page","next":"meta.next_page","size_param":"per_page","size":100}}
trigger qonto.card.changed {"vendor":"v1/cards","record":"id","inferred":true}
trigger qonto.transfer.created {"vendor":"v1/transfers","when":{"data.event":"created"},"record":"id","data":"#TransferEvent","scopes":["organization.read"]}
type BillsAnswer {"fields":["bills: [object]"]}
type CreateSepaTransfer {"fields":["proof: string","transfer!: #CreateSepaTransferTransfer"]}
type CreateSepaTransferTransfer {"fields":["amount!: decimal","note: string"]}
type Meta {"fields":["next_page: integer"]}
type Money {"fields":["value: decimal","currency: string"]}
type Transfer {"fields":["id: string","amount: #Money","state: \"open\"|\"done\"","results: [#TransferResults]"]}
type TransferEvent {"fields":["event: \"created\"","id: string","amount: any","settled_at: string"]}
type TransferResults {"fields":["id: string","errors: [#TransferResultsErrors]"]}
type TransferResultsErrors {"fields":["code: string","detail: string"]}
type TransfersPage {"fields":["transfers: [#Transfer]","meta: #Meta"]}
type UploadBills {"fields":["bills!: [#UploadBillsBills]"]}
type UploadBillsBills {"fields":["file!: file","key!: string"]}
`)
}
