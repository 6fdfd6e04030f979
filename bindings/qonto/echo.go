package qonto

import "github.com/tidewire/tidewire/bindings"

// echo defines which records calls change; answers contain them whole.
func echo() *bindings.Echo {
	return &bindings.Echo{
		Volatile: []string{"event", "updated_at"},
		Version:  "updated_at",
		Writes: []bindings.Write{
			{Operations: []string{"clients.create"}, Noun: "client", Record: "client.id", State: "client"},
			{Operations: []string{"clients.update"}, Noun: "client", Record: "argument:id", State: "client"},
			{Operations: []string{"clients.delete"}, Noun: "client", Record: "argument:id", Deletes: true},

			{Operations: []string{"client_invoices.create"}, Noun: "client_invoice", Record: "client_invoice.id", State: "client_invoice"},
			{Operations: []string{"client_invoices.update", "client_invoices.finalize", "client_invoices.mark_as_paid",
				"client_invoices.unmark_as_paid", "client_invoices.mark_as_canceled"},
				Noun: "client_invoice", Record: "argument:id", State: "client_invoice"},

			{Operations: []string{"products.create"}, Noun: "product", Record: "product.id", State: "product"},
			{Operations: []string{"products.delete"}, Noun: "product", Record: "argument:id", Deletes: true},
		},
	}
}
