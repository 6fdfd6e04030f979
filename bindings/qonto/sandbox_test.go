package qonto_test

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/qonto"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

func start(t *testing.T) *sandboxtest.Server {
	return sandboxtest.StartApp(t, qonto.App(), qonto.Rules(), sandbox.Config{})
}

func TestSandboxClients(t *testing.T) {
	w := start(t)
	id := w.Call("POST /qonto/clients", `{"kind":"company","name":"Atelier","email":"a@atelier.fr"}`).
		Is(200, "client.name", "Atelier", "client.kind", "company", "client.created_at", "2026-03-04T05:06:07.000Z").Get("client.id")
	w.Call("POST /qonto/clients", `{"kind":"individual","first_name":"Bo","last_name":"Ek","email":"bo@ek.se"}`).Is(200)
	w.Call("GET /qonto/clients/"+id, "").Is(200, "client.email", "a@atelier.fr")
	w.Call("PATCH /qonto/clients/"+id, `{"city":"Lille"}`).Is(200, "client.city", "Lille")
	w.Call("GET /qonto/clients?filter%5Bemail%5D=bo%40ek.se", "").Is(200, "clients.#", "1", "clients.0.first_name", "Bo", "meta.total_count", "1")
	w.Call("GET /qonto/clients?sort_by=updated_at%3Adesc", "").Is(200, "clients.#", "2")
	w.Call("GET /qonto/transactions?sort_by=updated_at%3Adesc", "").Is(200, "transactions.0.label", "Tax office")
	w.Call("GET /qonto/clients?per_page=1&page=2", "").Is(200, "clients.#", "1", "meta.current_page", "2", "meta.total_pages", "2", "meta.next_page", "", "meta.prev_page", "1")
	w.Call("DELETE /qonto/clients/"+id, "").Is(204)
	w.Call("GET /qonto/clients/"+id, "").Is(404, "errors.0.code", "client_not_found")
}

func TestSandboxHasOrganisation(t *testing.T) {
	w := start(t)
	w.Call("GET /qonto/organization", "").Is(200, "organization.slug", "sandbox-organization", "organization.bank_accounts.#", "2")
	account := w.Call("GET /qonto/bank_accounts", "").Is(200, "bank_accounts.#", "2").Get("bank_accounts.0.id")
	w.Call("GET /qonto/transactions?bank_account_id="+account, "").Is(200, "transactions.#", "2", "transactions.0.amount", "1800.00")
	w.Call("GET /qonto/transactions?status%5B%5D=pending&status%5B%5D=declined", "").Is(200, "transactions.#", "0")
	w.Call("GET /qonto/transactions?updated_at_from=2026-01-02T00:00:00Z", "").Is(200, "transactions.#", "2")
	w.Call("GET /qonto/organization", "", "Authorization", "acme-1234:"+sandbox.Token).Is(200)
	w.Call("GET /qonto/organization", "", "Authorization", "acme-1234:wrong").Is(401)
}

func TestSandboxErrorsNameTheField(t *testing.T) {
	w := start(t)
	w.Call("POST /qonto/memberships", `{"membership":{"role":"admin"}}`).
		Is(422, "errors.0.code", "required", "errors.0.source.pointer", "/membership/email")
	w.Call("POST /qonto/clients", `{"kind":"robot"}`).Is(422, "errors.0.code", "invalid")
}

func TestSandboxSubscriptionsSendWebhooks(t *testing.T) {
	w, r := start(t), sandboxtest.Receive(t)
	made := w.Call("POST /qonto/webhook_subscriptions", `{"callback_url":"`+r.URL+`","types":["v1/clients"],"secret":"shh"}`)
	made.Is(201, "callback_url", r.URL)
	client := `{"kind":"company","name":"Atelier"}`
	w.Call("POST /qonto/clients", client).Is(200)
	w.Call("POST /qonto/products", `{"title":"Hour","unit_price":{"value":"90.00","currency":"EUR"},"vat_rate":"0.2"}`)
	must(t, w.Idle(t.Context()))
	if got := r.Webhooks(); len(got) != 1 || sandboxtest.Value(got[0].Body, "type") != "v1/clients" {
		t.Errorf("got %+v", got)
	}
	w.Call("DELETE /qonto/webhook_subscriptions/"+made.Get("id"), "").Is(200)
	w.Call("POST /qonto/clients", client).Is(200)
	must(t, w.Idle(t.Context()))
	if n := len(r.Webhooks()); n != 1 {
		t.Errorf("%d webhooks, expected none after the end of the subscription", n-1)
	}
	w.Call("POST /qonto/webhook_subscriptions", `{"callback_url":"nowhere","types":["v1/clients"]}`).Is(422, "errors.0.source.pointer", "/callback_url")
}

func TestIdempotencyKeyRepeatsTheAnswer(t *testing.T) {
	w := start(t)
	line, body := "POST /qonto/internal_transfers", `{"internal_transfer":{"debit_iban":"FR1","credit_iban":"FR2","reference":"r","amount":"10.00","currency":"EUR"}}`
	key := []string{"X-Qonto-Idempotency-Key", "k1"}
	first := w.Call(line, body, key...)
	if first.Status > 299 {
		t.Fatalf("status %d: %s", first.Status, first.Body)
	}
	again := w.Call(line, `{"internal_transfer":{"reference":"other"}}`, key...)
	if again.Body != first.Body {
		t.Errorf("a repeat with the same key got %s, expected %s", again.Body, first.Body)
	}
	w.Clock.Advance(30 * time.Minute)
	if late := w.Call(line, body, key...); late.Body == first.Body {
		t.Error("the key still counts after its time")
	}
	if got := len(w.Records("qonto", "internal_transfers")); got != 2 {
		t.Errorf("%d transfers, expected 2", got)
	}
}

func TestSandboxWebhook(t *testing.T) {
	w, r := start(t), sandboxtest.Receive(t)
	must(t, w.Subscribe("qonto", r.URL, "shh"))
	w.Call("POST /qonto/clients", `{"kind":"company","name":"Atelier"}`).Is(200)
	must(t, w.Idle(t.Context()))
	got := r.Webhooks()
	if len(got) != 1 {
		t.Fatalf("%d webhooks", len(got))
	}
	h := got[0]
	if sandboxtest.Value(h.Body, "type") != "v1/clients" || sandboxtest.Value(h.Body, "data.event") != "created" || sandboxtest.Value(h.Body, "data.name") != "Atelier" ||
		sandboxtest.Value(h.Body, "organization_id") != w.Account("qonto") {
		t.Errorf("got %s", h.Body)
	}
	if _, err := qonto.App().Webhook.Signatures[0].Verify(h.Header, []byte(h.Body), "shh", w.Clock.Now(), time.Minute); err != nil {
		t.Error(err)
	}
	if w.PublicKey("qonto") != "" {
		t.Error("an app that signs with a secret has no public key")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
