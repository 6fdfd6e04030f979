// Package qonto describes Qonto's Business API, version 2: its operations,
// its webhooks and how both are authorised.
//
// Much of it does not come from the vendor's own pages but from the code of public
// clients; those operations and triggers are marked as inferred.
package qonto

import (
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

//go:embed catalogue.txt
var catalogue []byte

// App describes Qonto. Every call returns the same App.
var App = sync.OnceValue(func() *bindings.App {
	parsed, err := bindings.ParseCatalogue(catalogue)
	if err != nil {
		panic(fmt.Sprintf("qonto: %v", err)) // made by cmd/catalog and read by a test
	}
	return &bindings.App{
		Name:    "qonto",
		Title:   "Qonto",
		BaseURL: "https://thirdparty.qonto.com/v2",
		Docs:    "https://docs.qonto.com",
		Auth:    authorization(),
		Test: &bindings.Test{
			Operation: "organization.get", Account: "organization.id", Name: []string{"organization.name", "organization.legal_name"},
			Others: []string{
				"clients.list", "client_invoices.list", "supplier_invoices.list", "payment_links.get_connection", "cards.list",
				"direct_debit_collections.list", "teams.list", "memberships.get_current", "products.list", "terminals.list",
				"subscription.get", "cash_flow_categories.list", "einvoicing.get_settings", "webhook_subscriptions.list",
				"international_transfers.list_currencies",
			},
		},
		Account: bindings.Account{Noun: "organisation", Paths: []string{"organization_id"}},
		Errors: bindings.Errors{
			Message: []string{"errors.0.detail", "message"},
			Code:    []string{"errors.0.code"},
			Trace:   []string{"trace_id"},
			// The customer must confirm on a device, or has none.
			Statuses: map[int]bindings.Meaning{428: {Kind: bindings.Forbidden, Code: "sca_required"}},
		},
		// Counted by address, and a blocked address blocks every connection.
		Limits: []bindings.Limit{
			{Requests: 1000, Per: 10 * time.Second, Scope: bindings.PerHost},
			{Requests: 10000, Per: 10 * time.Minute, Scope: bindings.PerHost},
		},
		Webhook:       webhook(),
		Polls:         polls(),
		Subscriptions: subscriptions(),
		Consent:       consent(),
		Echo:          echo(),
		KeyHeader:     "X-Qonto-Idempotency-Key",
		KeyTTL:        30 * time.Minute,
		Catalogue:     parsed,
	}
})

func webhook() *bindings.Webhook {
	return &bindings.Webhook{
		Signatures: []bindings.Signature{{
			Name:      "qonto",
			Algorithm: bindings.HMACSHA256,
			Encoding:  bindings.Hex,
			Header:    "X-Qonto-Signature",
			Value:     "t={time},v1={signature}",
			Signed:    "{time}.{body}",
		}},
		// The vendor advises five minutes, but sends again for a few days and
		// does not document whether it then signs again.
		MaxAge:      7 * 24 * time.Hour,
		ID:          "id",
		Type:        "type",
		Data:        "data",
		At:          "created_at",
		RetryStatus: 503,
	}
}

// consent is the vendor's strong customer authentication by paired device, its
// default (docs.qonto.com, "SCA flows"): a session lasts 15 minutes and may be
// polled once a second.
func consent() *bindings.Consent {
	return &bindings.Consent{
		Status:     428,
		Session:    "sca_session_token",
		Header:     "X-Qonto-Sca-Session-Token",
		StatusCall: bindings.Call{Operation: "sca_sessions.get", Args: map[string]any{"token": "{session}"}},
		Result:     "result", Allowed: "allow", Denied: "deny",
		Every: time.Second, Lifetime: 15 * time.Minute,
		Where: "in the Qonto app on their paired phone",
	}
}
