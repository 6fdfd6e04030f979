package sandbox_test

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

func TestQontoClients(t *testing.T) {
	w := start(t, sandbox.Config{})
	id := w.call("POST /qonto/clients", `{"kind":"company","name":"Atelier","email":"a@atelier.fr"}`).
		is(200, "client.name", "Atelier", "client.kind", "company", "client.created_at", "2026-03-04T05:06:07.000Z").get("client.id")
	w.call("POST /qonto/clients", `{"kind":"individual","first_name":"Bo","last_name":"Ek","email":"bo@ek.se"}`).is(200)
	w.call("GET /qonto/clients/"+id, "").is(200, "client.email", "a@atelier.fr")
	w.call("PATCH /qonto/clients/"+id, `{"city":"Lille"}`).is(200, "client.city", "Lille")
	w.call("GET /qonto/clients?filter%5Bemail%5D=bo%40ek.se", "").is(200, "clients.#", "1", "clients.0.first_name", "Bo", "meta.total_count", "1")
	w.call("GET /qonto/clients?sort_by=updated_at%3Adesc", "").is(200, "clients.#", "2")
	w.call("GET /qonto/transactions?sort_by=updated_at%3Adesc", "").is(200, "transactions.0.label", "Tax office")
	w.call("GET /qonto/clients?per_page=1&page=2", "").is(200, "clients.#", "1", "meta.current_page", "2", "meta.total_pages", "2", "meta.next_page", "", "meta.prev_page", "1")
	w.call("DELETE /qonto/clients/"+id, "").is(204)
	w.call("GET /qonto/clients/"+id, "").is(404, "errors.0.code", "client_not_found")
}

func TestQontoHasAnOrganisationFromTheStart(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.call("GET /qonto/organization", "").is(200, "organization.slug", "sandbox-organization", "organization.bank_accounts.#", "2")
	account := w.call("GET /qonto/bank_accounts", "").is(200, "bank_accounts.#", "2").get("bank_accounts.0.id")
	w.call("GET /qonto/transactions?bank_account_id="+account, "").is(200, "transactions.#", "2", "transactions.0.amount", "1800")
	w.call("GET /qonto/transactions?status%5B%5D=pending&status%5B%5D=declined", "").is(200, "transactions.#", "0")
	w.call("GET /qonto/transactions?updated_at_from=2026-01-02T00:00:00Z", "").is(200, "transactions.#", "2")
	w.call("GET /qonto/organization", "", "Authorization", "acme-1234:"+sandbox.Token).is(200)
	w.call("GET /qonto/organization", "", "Authorization", "acme-1234:wrong").is(401)
}

func TestQontoErrorsPointAtTheField(t *testing.T) {
	w := start(t, sandbox.Config{})
	w.call("POST /qonto/memberships", `{"membership":{"role":"admin"}}`).
		is(422, "errors.0.code", "required", "errors.0.source.pointer", "/membership/email")
	w.call("POST /qonto/clients", `{"kind":"robot"}`).is(422, "errors.0.code", "invalid")
}

func TestQontoSubscriptionsSendWebhooks(t *testing.T) {
	w, r := start(t, sandbox.Config{}), receive(t)
	made := w.call("POST /qonto/webhook_subscriptions", `{"callback_url":"`+r.URL+`","types":["v1/clients"],"secret":"shh"}`)
	made.is(201, "callback_url", r.URL)
	client := `{"kind":"company","name":"Atelier"}`
	w.call("POST /qonto/clients", client).is(200)
	w.call("POST /qonto/products", `{"title":"Hour","unit_price":{"value":"90.00","currency":"EUR"},"vat_rate":"0.2"}`)
	must(t, w.Idle(t.Context()))
	if got := r.hooks(); len(got) != 1 || at(got[0].body, "type") != "v1/clients" {
		t.Errorf("got %+v", got)
	}
	w.call("DELETE /qonto/webhook_subscriptions/"+made.get("id"), "").is(200)
	w.call("POST /qonto/clients", client).is(200)
	must(t, w.Idle(t.Context()))
	if n := len(r.hooks()); n != 1 {
		t.Errorf("%d webhooks, expected none after the end of the subscription", n-1)
	}
	w.call("POST /qonto/webhook_subscriptions", `{"callback_url":"nowhere","types":["v1/clients"]}`).is(422, "errors.0.source.pointer", "/callback_url")
}

func TestIdempotencyKeyBringsBackTheAnswer(t *testing.T) {
	w := start(t, sandbox.Config{})
	line, body := "POST /qonto/internal_transfers", `{"internal_transfer":{"debit_iban":"FR1","credit_iban":"FR2","reference":"r","amount":"10.00","currency":"EUR"}}`
	key := []string{"X-Qonto-Idempotency-Key", "k1"}
	first := w.call(line, body, key...)
	if first.status > 299 {
		t.Fatalf("status %d: %s", first.status, first.body)
	}
	again := w.call(line, `{"internal_transfer":{"reference":"other"}}`, key...)
	if again.body != first.body {
		t.Errorf("a repeat with the same key got %s, expected %s", again.body, first.body)
	}
	w.clock.pass(30 * time.Minute)
	if late := w.call(line, body, key...); late.body == first.body {
		t.Error("the key still counts after its time")
	}
	if got := len(records(w, "qonto", "internal_transfers")); got != 2 {
		t.Errorf("%d transfers, expected 2", got)
	}
}
