package sandbox

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"time"
)

// qonto is what Qonto's documents leave out.
func qonto() *rules {
	const (
		organization = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0001"
		mainAccount  = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0002"
		taxAccount   = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0003"
		member       = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0004"
	)
	accounts := []object{
		{"id": mainAccount, "slug": "sandbox-bank-account-1", "name": "Main account", "status": "active", "main": true,
			"organization_id": organization, "iban": "FR7616798000010000000000123", "bic": "TRZOFR21XXX", "currency": "EUR",
			"balance": json.Number("12500.5"), "balance_cents": number(1250050),
			"authorized_balance": json.Number("12500.5"), "authorized_balance_cents": number(1250050)},
		{"id": taxAccount, "slug": "sandbox-bank-account-2", "name": "Taxes", "status": "active", "main": false,
			"organization_id": organization, "iban": "FR7616798000010000000000456", "bic": "TRZOFR21XXX", "currency": "EUR",
			"balance": number(3000), "balance_cents": number(300000),
			"authorized_balance": number(3000), "authorized_balance_cents": number(300000)},
	}
	owner := object{"id": member, "first_name": "Ada", "last_name": "Sand", "email": "ada@sandbox.example", "role": "owner", "status": "active"}
	return &rules{
		account:      organization,
		accountField: "organization_id",
		id:           func(r *rand.Rand, _ string) string { return uuid(r) },
		seeds: map[string][]object{
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
		actions: map[string]object{
			"finalize": {"status": "unpaid"}, "mark_as_paid": {"status": "paid"}, "unmark_as_paid": {"status": "unpaid"},
			"mark_as_canceled": {"status": "canceled"}, "cancel": {"status": "canceled"}, "close": {"status": "closed"},
			"lock": {"status": "paused"}, "unlock": {"status": "live"}, "lost": {"status": "lost"}, "stolen": {"status": "stolen"},
			"discard": {"status": "discarded"}, "approve": {"status": "approved"}, "decline": {"status": "declined"},
			"deactivate": {"status": "canceled"}, "reject": {"status": "rejected"},
		},
		operations: map[string]*rule{
			"DELETE /transactions/{id}/attachments":      {verb: clearAll, resource: "transactions/attachments"},
			"POST /requests/flash_cards":                 {verb: create, resource: "requests"},
			"POST /requests/virtual_cards":               {verb: create, resource: "requests"},
			"POST /requests/multi_transfers":             {verb: create, resource: "requests"},
			"POST /requests/{request_type}/{id}/approve": {verb: act, resource: "requests", id: "id"},
			"POST /requests/{request_type}/{id}/decline": {verb: act, resource: "requests", id: "id"},
		},
		fill: map[string]func(object){
			"clients":         fillClient,
			"client_invoices": defaults(object{"status": "draft"}),
			"quotes":          defaults(object{"status": "pending_approval"}),
			"cards":           defaults(object{"status": "live"}),
			"bank_accounts":   defaults(object{"status": "active", "currency": "EUR", "balance": number(0), "balance_cents": number(0)}),
		},
		fail:         failQonto,
		pageSize:     100,
		tokenLife:    time.Hour,
		refreshGrace: time.Minute,
		delivery: delivery{timeout: time.Second, attempts: 10, factor: 2,
			again: notAccepted},
		envelope: func(e *envelope) {
			e.body["subscription_id"], e.body["membership_id"] = "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c0007", member
		},
		notify: func(sub *subscription, body object) { body["subscription_id"] = sub.record },
	}
}

func transaction(n int64, account, side, label, amount string, cents int64, operation string) object {
	at := time.Date(2026, 1, int(n), 9, 0, 0, 0, time.UTC)
	return object{
		"id": "0d2f6c3e-5a41-4c7e-9b8a-5a0d1b0c010" + text(number(n)), "transaction_id": "sandbox-transaction-" + text(number(n)),
		"amount": json.Number(amount), "amount_cents": number(cents), "local_amount": json.Number(amount), "local_amount_cents": number(cents),
		"side": side, "operation_type": operation, "currency": "EUR", "local_currency": "EUR", "label": label, "clean_counterparty_name": label,
		"status": "completed", "bank_account_id": account, "attachment_ids": []any{}, "label_ids": []any{},
		"emitted_at": stamp(at), "settled_at": stamp(at), "created_at": stamp(at), "updated_at": stamp(at),
	}
}

// fillClient keeps kind and its newer name type alike.
func fillClient(c object) {
	if c["kind"] == nil && c["type"] != nil {
		c["kind"] = c["type"]
	}
	if c["kind"] != nil {
		c["type"] = c["kind"]
	}
	defaults(object{"currency": "EUR", "locale": "fr"})(c)
}

// failQonto writes one error for each thing that is wrong.
func failQonto(f *failure, body object) int {
	if len(f.problems) == 0 {
		return 0
	}
	all := []any{}
	for _, p := range f.problems {
		code := map[problemKind]string{missing: "required", wrong: "invalid", unknown: "unknown"}[p.Kind]
		all = append(all, object{"code": code, "detail": p.String(), "source": object{"pointer": pointer(p.Path)}})
	}
	body["errors"] = all
	return http.StatusUnprocessableEntity
}

func pointer(path string) string {
	out := ""
	for _, step := range steps(path) {
		out += "/" + step
	}
	return out
}
