package sandbox

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// qonto is what Qonto's documents leave out.
func qonto() *Rules {
	const (
		organization = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0001"
		mainAccount  = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0002"
		taxAccount   = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0003"
		member       = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0004"
	)
	accounts := []Object{
		{"id": mainAccount, "slug": "sandbox-bank-account-1", "name": "Main account", "status": "active", "main": true,
			"organization_id": organization, "iban": "FR7616798000010000000000123", "bic": "TRZOFR21XXX", "currency": "EUR",
			"balance": json.Number("12500.5"), "balance_cents": Number(1250050),
			"authorized_balance": json.Number("12500.5"), "authorized_balance_cents": Number(1250050)},
		{"id": taxAccount, "slug": "sandbox-bank-account-2", "name": "Taxes", "status": "active", "main": false,
			"organization_id": organization, "iban": "FR7616798000010000000000456", "bic": "TRZOFR21XXX", "currency": "EUR",
			"balance": Number(3000), "balance_cents": Number(300000),
			"authorized_balance": Number(3000), "authorized_balance_cents": Number(300000)},
	}
	owner := Object{"id": member, "first_name": "Ada", "last_name": "Sand", "email": "ada@sandbox.example", "role": "owner", "status": "active"}
	return &Rules{
		Account:      organization,
		AccountField: "organization_id",
		NewID:        func(r *rand.Rand, _ string) string { return UUID(r) },
		Seeds: map[string][]Object{
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
		Actions: map[string]Object{
			"finalize": {"status": "unpaid"}, "mark_as_paid": {"status": "paid"}, "unmark_as_paid": {"status": "unpaid"},
			"mark_as_canceled": {"status": "canceled"}, "cancel": {"status": "canceled"}, "close": {"status": "closed"},
			"lock": {"status": "paused"}, "unlock": {"status": "live"}, "lost": {"status": "lost"}, "stolen": {"status": "stolen"},
			"discard": {"status": "discarded"}, "approve": {"status": "approved"}, "decline": {"status": "declined"},
			"deactivate": {"status": "canceled"}, "reject": {"status": "rejected"},
		},
		Operations: map[string]*Rule{
			"DELETE /transactions/{id}/attachments":      {Verb: ClearAll, Resource: "transactions/attachments"},
			"POST /requests/flash_cards":                 {Verb: Create, Resource: "requests"},
			"POST /requests/virtual_cards":               {Verb: Create, Resource: "requests"},
			"POST /requests/multi_transfers":             {Verb: Create, Resource: "requests"},
			"POST /requests/{request_type}/{id}/approve": {Verb: Act, Resource: "requests", ID: "id"},
			"POST /requests/{request_type}/{id}/decline": {Verb: Act, Resource: "requests", ID: "id"},
		},
		Fill: map[string]func(Object){"clients": fillClient},
		Defaults: map[string]Object{
			"clients":         {"currency": "EUR", "locale": "fr"},
			"client_invoices": {"status": "draft"},
			"quotes":          {"status": "pending_approval"},
			"cards":           {"status": "live"},
			"bank_accounts":   {"status": "active", "currency": "EUR", "balance": Number(0), "balance_cents": Number(0)},
		},
		Fail:         failQonto,
		PageSize:     100,
		TokenLife:    time.Hour,
		RefreshGrace: time.Minute,
		Retry: Retry{Timeout: time.Second, Attempts: 10, Factor: 2,
			Again: NotAccepted},
		Sample: Sample{Args: Object{"callback_url": "http://127.0.0.1:9/"}},
		CompleteWebhook: func(e *Envelope) {
			e.Body["subscription_id"], e.Body["membership_id"] = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0007", member
		},
		CompleteDelivery: func(sub *Subscription, body Object) { body["subscription_id"] = sub.Record },
	}
}

func transaction(n int64, account, side, label, amount string, cents int64, operation string) Object {
	at := time.Date(2026, 1, int(n), 9, 0, 0, 0, time.UTC)
	return Object{
		"id": "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c010" + Text(Number(n)), "transaction_id": "sandbox-transaction-" + Text(Number(n)),
		"amount": json.Number(amount), "amount_cents": Number(cents), "local_amount": json.Number(amount), "local_amount_cents": Number(cents),
		"side": side, "operation_type": operation, "currency": "EUR", "local_currency": "EUR", "label": label, "clean_counterparty_name": label,
		"status": "completed", "bank_account_id": account, "attachment_ids": []any{}, "label_ids": []any{},
		"emitted_at": Stamp(at), "settled_at": Stamp(at), "created_at": Stamp(at), "updated_at": Stamp(at),
	}
}

// fillClient keeps kind and its newer name type alike.
func fillClient(c Object) {
	if c["kind"] == nil && c["type"] != nil {
		c["kind"] = c["type"]
	}
	if c["kind"] != nil {
		c["type"] = c["kind"]
	}
}

// failQonto writes one error for each thing that is wrong.
func failQonto(f *Failure, body Object) int {
	if len(f.Problems) == 0 {
		return 0
	}
	all := []any{}
	for _, p := range f.Problems {
		code := map[ProblemKind]string{Missing: "required", Wrong: "invalid", Unknown: "unknown"}[p.Kind]
		all = append(all, Object{"code": code, "detail": p.String(), "source": Object{"pointer": "/" + strings.ReplaceAll(p.Path, ".", "/")}})
	}
	body["errors"] = all
	return http.StatusUnprocessableEntity
}
