package document_test

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/qonto/document"
)

//go:embed testdata/facts.json
var sampleDocument string

func TestReadErrors(t *testing.T) {
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
