package qonto

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings/jsonpointer"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// Rules defines what Qonto's documents do not, for the sandbox.
func Rules() *sandbox.Rules {
	const (
		organization = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0001"
		mainAccount  = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0002"
		taxAccount   = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0003"
		member       = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0004"
	)
	accounts := []sandbox.Object{
		{"id": mainAccount, "slug": "sandbox-bank-account-1", "name": "Main account", "status": "active", "main": true,
			"organization_id": organization, "iban": "FR7616798000010000000000123", "bic": "TRZOFR21XXX", "currency": "EUR",
			"balance": json.Number("12500.5"), "balance_cents": sandbox.Number(1250050),
			"authorized_balance": json.Number("12500.5"), "authorized_balance_cents": sandbox.Number(1250050)},
		{"id": taxAccount, "slug": "sandbox-bank-account-2", "name": "Taxes", "status": "active", "main": false,
			"organization_id": organization, "iban": "FR7616798000010000000000456", "bic": "TRZOFR21XXX", "currency": "EUR",
			"balance": sandbox.Number(3000), "balance_cents": sandbox.Number(300000),
			"authorized_balance": sandbox.Number(3000), "authorized_balance_cents": sandbox.Number(300000)},
	}
	owner := sandbox.Object{"id": member, "first_name": "Ada", "last_name": "Sand", "email": "ada@sandbox.example", "role": "owner", "status": "active"}
	return &sandbox.Rules{
		Account:      organization,
		AccountField: "organization_id",
		NewID:        func(r *rand.Rand, _ string) string { return sandbox.UUID(r) },
		Seeds: map[string][]sandbox.Object{
			"organization": {{"id": organization, "slug": "sandbox-organization", "name": "Sandbox", "legal_name": "Sandbox SAS",
				"locale": "fr", "legal_country": "FR", "bank_accounts": []any{accounts[0], accounts[1]}}},
			"bank_accounts": accounts,
			"memberships":   {owner},
			"membership":    {owner},
			"labels":        {{"id": "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0005", "name": "Marketing"}},
			"teams":         {{"id": "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0006", "name": "Everyone"}},
			"transactions": {
				transaction(1, mainAccount, "credit", "Atelier Dupont", "1800.00", 180000, "income"),
				transaction(2, mainAccount, "debit", "Hosting Ltd", "49.9", 4990, "card"),
				transaction(3, taxAccount, "debit", "Tax office", "620", 62000, "direct_debit"),
			},
		},
		Actions: map[string]sandbox.Object{
			"finalize": {"status": "unpaid"}, "mark_as_paid": {"status": "paid"}, "unmark_as_paid": {"status": "unpaid"},
			"mark_as_canceled": {"status": "canceled"}, "cancel": {"status": "canceled"}, "close": {"status": "closed"},
			"lock": {"status": "paused"}, "unlock": {"status": "live"}, "lost": {"status": "lost"}, "stolen": {"status": "stolen"},
			"discard": {"status": "discarded"}, "approve": {"status": "approved"}, "decline": {"status": "declined"},
			"deactivate": {"status": "canceled"}, "reject": {"status": "rejected"},
		},
		Operations: map[string]*sandbox.Rule{
			"DELETE /transactions/{id}/attachments":      {Verb: sandbox.ClearAll, Resource: "transactions/attachments"},
			"POST /requests/flash_cards":                 {Verb: sandbox.Create, Resource: "requests"},
			"POST /requests/virtual_cards":               {Verb: sandbox.Create, Resource: "requests"},
			"POST /requests/multi_transfers":             {Verb: sandbox.Create, Resource: "requests"},
			"POST /requests/{request_type}/{id}/approve": {Verb: sandbox.Act, Resource: "requests", ID: "id"},
			"POST /requests/{request_type}/{id}/decline": {Verb: sandbox.Act, Resource: "requests", ID: "id"},
		},
		Fill: map[string]func(sandbox.Object){"clients": fillClient},
		Defaults: map[string]sandbox.Object{
			"clients":         {"currency": "EUR", "locale": "fr"},
			"client_invoices": {"status": "draft"},
			"quotes":          {"status": "pending_approval"},
			"cards":           {"status": "live"},
			"bank_accounts":   {"status": "active", "currency": "EUR", "balance": sandbox.Number(0), "balance_cents": sandbox.Number(0)},
		},
		Fail:          fail,
		PageSize:      100,
		TokenLifetime: time.Hour,
		RefreshGrace:  time.Minute,
		Retry: sandbox.Retry{Timeout: time.Second, Attempts: 10, Factor: 2,
			ShouldRetry: sandbox.NotAccepted},
		Sample: sandbox.Sample{Args: sandbox.Object{"callback_url": "http://127.0.0.1:9/"}},
		CompleteWebhook: func(e *sandbox.Event) {
			e.Body["subscription_id"], e.Body["membership_id"] = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0007", member
		},
		CompleteDelivery: func(sub *sandbox.Subscription, body sandbox.Object) { body["subscription_id"] = sub.Record },
	}
}

func transaction(n int64, account, side, label, amount string, cents int64, operation string) sandbox.Object {
	at := time.Date(2026, 1, int(n), 9, 0, 0, 0, time.UTC)
	return sandbox.Object{
		"id": "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c010" + sandbox.Text(sandbox.Number(n)), "transaction_id": "sandbox-transaction-" + sandbox.Text(sandbox.Number(n)),
		"amount": json.Number(amount), "amount_cents": sandbox.Number(cents), "local_amount": json.Number(amount), "local_amount_cents": sandbox.Number(cents),
		"side": side, "operation_type": operation, "currency": "EUR", "local_currency": "EUR", "label": label, "clean_counterparty_name": label,
		"status": "completed", "bank_account_id": account, "attachment_ids": []any{}, "label_ids": []any{},
		"emitted_at": sandbox.FormatTime(at), "settled_at": sandbox.FormatTime(at), "created_at": sandbox.FormatTime(at), "updated_at": sandbox.FormatTime(at),
	}
}

// fillClient sets kind and type, its newer name, to the same value.
func fillClient(c sandbox.Object) {
	if c["kind"] == nil && c["type"] != nil {
		c["kind"] = c["type"]
	}
	if c["kind"] != nil {
		c["type"] = c["kind"]
	}
}

// fail writes one error for each problem.
func fail(f *sandbox.Failure, body sandbox.Object) int {
	if len(f.Problems) == 0 {
		return 0
	}
	all := []any{}
	for _, p := range f.Problems {
		code := map[sandbox.ProblemKind]string{sandbox.Missing: "required", sandbox.Wrong: "invalid", sandbox.Unknown: "unknown"}[p.Kind]
		all = append(all, sandbox.Object{"code": code, "detail": p.String(), "source": sandbox.Object{"pointer": jsonpointer.Join(strings.Split(p.Path, ".")...)}})
	}
	body["errors"] = all
	return http.StatusUnprocessableEntity
}
