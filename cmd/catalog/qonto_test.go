package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample reads a test document of the reader of an app.
func sample(t *testing.T, app, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "bindings", app, "document", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// generated runs the reader of an app on documents and returns the lines of the
// catalogue. names is the content of names.txt.
func generated(t *testing.T, app, names string, documents map[string]string) []string {
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

func TestQonto(t *testing.T) {
	names := "trigger transfers:created transfer.created\ntrigger cards: card.changed\n"
	sameLines(t, generated(t, "qonto", names, map[string]string{"facts.json": sample(t, "qonto", "facts.json")}), `
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
