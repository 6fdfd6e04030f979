package qonto

import (
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// polls are for connections that receive no webhooks, and to find lost ones. Each
// list has the changes since a time.
func polls() []bindings.Poll {
	all := []bindings.Poll{clients(), transactions(), clientInvoices()}
	for i := range all {
		all[i].Overlap = 2 * time.Minute
		all[i].Record, all[i].Updated, all[i].Created = "id", "updated_at", "created_at"
		all[i].Every, all[i].Reconcile = 5*time.Minute, true
	}
	return all
}

func clients() bindings.Poll {
	return bindings.Poll{
		Name:      "clients",
		List:      bindings.Call{Operation: "clients.list", Args: map[string]any{"filter[updated_at_from]": "{since}", "sort_by": "updated_at:desc"}},
		FullEvery: 24 * time.Hour,
		// A webhook does not have all fields of a client: nothing of a person's
		// name. But it has the time of the change, as the list does.
		Compare:   []string{"updated_at"},
		OnCreated: "qonto.client.created",
		OnUpdated: "qonto.client.updated",
		OnDeleted: "qonto.client.deleted",
	}
}

// transactions are listed by account; without a status the list has completed ones
// only.
func transactions() bindings.Poll {
	return bindings.Poll{
		Name:    "transactions",
		ForEach: &bindings.ForEach{List: bindings.Call{Operation: "bank_accounts.list"}, ID: "id"},
		List: bindings.Call{Operation: "transactions.list", Args: map[string]any{
			"bank_account_id": "{of.id}", "updated_at_from": "{since}", "sort_by": "updated_at:desc",
			"status[]": []any{"pending", "declined", "completed"},
		}},
		Compare: []string{
			"amount", "currency", "side", "operation_type", "status", "label", "note", "reference", "settled_at", "emitted_at", "attachment_ids",
		},
		OnCreated: "qonto.transaction.created",
		OnUpdated: "qonto.transaction.updated",
	}
}

func clientInvoices() bindings.Poll {
	return bindings.Poll{
		Name: "client_invoices",
		List: bindings.Call{Operation: "client_invoices.list", Args: map[string]any{"filter[updated_at_from]": "{since}"}},
		Compare: []string{
			"number", "status", "contact_email", "terms_and_conditions", "header", "footer", "currency", "issue_date", "due_date", "performance_date",
			"finalized_at", "paid_at",
		},
		OnCreated: "qonto.client_invoice.created",
		OnUpdated: "qonto.client_invoice.updated",
	}
}
