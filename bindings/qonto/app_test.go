package qonto_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/bindingstest"
	"github.com/tidewire/tidewire/bindings/qonto"
)

func TestApp(t *testing.T) { bindingstest.Run(t, qonto.App()) }

// The test vector that the vendor publishes.
func TestWebhookSignature(t *testing.T) {
	h := http.Header{}
	h.Set("X-Qonto-Signature", "t=1704110400,v1=56aff06dc227db80d6568a5070f912c601c31f20451745d257cbc0b5dfa93805")
	signed, err := qonto.App().Webhook.Signatures[0].Verify(h, []byte(`{"test":"data"}`), "test-secret", time.Unix(1704110400, 0), 5*time.Minute)
	if err != nil || signed.Time.Unix() != 1704110400 {
		t.Errorf("got %v, %v", signed, err)
	}
}

// These operations move money, so a change must be noticed.
func TestIdempotencyKeys(t *testing.T) {
	var keyed []string
	for _, name := range qonto.App().Catalogue.Operations() {
		if o, _ := qonto.App().Catalogue.Operation(name); o.Key {
			keyed = append(keyed, name)
		}
	}
	want := []string{
		"attachments.upload", "cards.bulk_create", "cards.create", "internal_transfers.create", "international_transfers.create",
		"sepa_beneficiaries.create", "sepa_bulk_transfers.create", "sepa_recurring_transfers.create", "sepa_transfers.create",
		"terminals.create_payment", "transactions.add_attachment",
	}
	if !slices.Equal(keyed, want) {
		t.Errorf("these take an idempotency key:\n%q, want\n%q", keyed, want)
	}
}

func TestInferredOperations(t *testing.T) {
	var inferred int
	for _, name := range qonto.App().Catalogue.Operations() {
		if o, _ := qonto.App().Catalogue.Operation(name); o.Inferred {
			inferred++
		}
	}
	if all := len(qonto.App().Catalogue.Operations()); all != 150 || inferred != 117 {
		t.Errorf("%d operations, %d inferred; want 150 and 117", all, inferred)
	}
}
