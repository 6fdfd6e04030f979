package highlevel

import (
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// authorization: an installed app's OAuth, or the token of a private integration,
// which a location or company creates for itself.
func authorization() []bindings.Auth {
	return []bindings.Auth{
		{
			Name:   "oauth",
			Title:  "app of the marketplace (OAuth)",
			Help:   "Client id and secret are in the developer's marketplace, at the app, Advanced Settings, Auth; add the redirect URL there too.",
			Fields: []string{"client_id", "client_secret"},
			Header: "Authorization",
			Format: "Bearer {access_token}",
			OAuth: &bindings.OAuth{
				AuthorizeURL: "https://marketplace.gohighlevel.com/v2/oauth/chooselocation",
				Scopes:       scopes(),
				TokenURL:     "https://services.leadconnectorhq.com/oauth/token",
				TokenParams:  map[string]string{"user_type": "Location"},
				// A company's token names no location.
				Answer:  bindings.Answer{Account: "locationId", Parent: "companyId"},
				Rotates: true,
				// The vendor's developer support: a used refresh token returns the same
				// new one for 30 seconds.
				Grace: 30 * time.Second,
				Exchange: &bindings.Exchange{
					URL:    "/oauth/locationToken",
					Fields: map[string]string{"companyId": "{parent}", "locationId": "{account}"},
					Header: map[string]string{"Version": "2021-07-28"},
				},
				// help.gohighlevel.com, "How to reconnect broken Marketplace Apps?".
				Reconnect: &bindings.Reconnect{
					URL:          "/oauth/reconnect",
					Fields:       map[string]string{"clientKey": "{client_id}", "clientSecret": "{client_secret}", "locationId": "{account}"},
					ParentFields: map[string]string{"clientKey": "{client_id}", "clientSecret": "{client_secret}", "companyId": "{account}"},
					Code:         "authorizationCode",
				},
			},
		},
		{
			Name:   "token",
			Title:  "private integration token",
			Help:   "It is made in the location's, or the company's, Settings, Private Integrations.",
			Fields: []string{"token"},
			Header: "Authorization",
			Format: "Bearer {token}",
		},
	}
}

// variants: a company authorises for all its locations.
func variants() []bindings.Variant {
	return []bindings.Variant{{
		Name:   "company",
		Parent: true,
		// A company's token is exchanged for a location's, which has its scopes.
		Scopes:      append([]string{"companies.readonly", "oauth.readonly", "oauth.write"}, scopes().Default...),
		ReadOnly:    append([]string{"companies.readonly", "oauth.readonly", "oauth.write"}, scopes().ReadOnly...),
		TokenParams: map[string]string{"user_type": "Company"},
		Test:        &bindings.Test{Operation: "companies.get", Args: map[string]string{"companyId": "{account}"}, Account: "company.id", Name: []string{"company.name"}, Others: []string{"locations.search"}},
	}}
}

// scopes that are requested must be among those that the app has at the vendor:
// the default is for most automations, not all 118.
func scopes() bindings.Scopes {
	read := []string{
		"businesses.readonly", "calendars.readonly", "calendars/events.readonly", "contacts.readonly", "conversations.readonly",
		"conversations/message.readonly", "forms.readonly", "invoices.readonly", "locations.readonly", "locations/customFields.readonly",
		"locations/customValues.readonly", "locations/tags.readonly", "locations/tasks.readonly", "opportunities.readonly",
		"payments/orders.readonly", "payments/transactions.readonly", "products.readonly", "products/prices.readonly", "users.readonly",
		"workflows.readonly",
	}
	write := []string{
		"businesses.write", "calendars.write", "calendars/events.write", "contacts.write", "conversations.write",
		"conversations/message.write", "invoices.write", "locations/customFields.write", "locations/customValues.write",
		"locations/tags.write", "opportunities.write",
	}
	return bindings.Scopes{Default: append(write, read...), ReadOnly: read}
}

// test: each of Others is for a scope that none before it has.
func test() *bindings.Test {
	return &bindings.Test{
		Operation: "locations.get", Args: map[string]string{"locationId": "{account}"}, Account: "location.id", Name: []string{"location.name"},
		Others: []string{
			"contacts.list", "calendars.list", "opportunities.list_pipelines", "conversations.search", "users.list", "businesses.list",
			"workflows.list", "forms.list", "surveys.list", "campaigns.list", "links.list", "products.list", "invoices.get_settings",
			"locations.list_tags", "locations.list_custom_fields", "locations.list_custom_values", "calendars.list_groups", "objects.list",
			"payments.list_orders", "payments.list_transactions", "payments.list_subscriptions", "payments.list_coupons",
			"payments.list_integration_providers", "payments.get_custom_provider_config", "products.list_collections",
			"products.list_inventory", "conversations.export_messages", "conversation_ai.search_agents", "voice_ai.list_agents",
			"voice_ai.list_call_logs", "social_media_posting.list_accounts", "social_media_posting.list_categories",
			"emails.list_campaigns", "emails.list_templates", "v3.emails.list_bulk_action_campaigns", "v3.emails.list_templates",
			"custom_menus.list", "brand_boards.list", "affiliate_manager.list_affiliates", "ad_manager.get_facebook_current_user",
			"phone_system.list_active_numbers", "phone_system.list_number_pools", "marketplace.list_charges",
			"invoices.generate_estimate_number", "v3.locations.get_permissions",
		},
	}
}
