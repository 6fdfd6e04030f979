package qonto

import (
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// authorization prefers OAuth: an organisation's key can use only a part of the API.
// The vendor's sandbox requires a token of its own with either.
func authorization() []bindings.Auth {
	staging := map[string]string{"X-Qonto-Staging-Token": "{staging_token}"}
	return []bindings.Auth{
		{
			Name:     "oauth",
			Title:    "app of the developer portal (OAuth)",
			Help:     "Client id and secret are in the developer portal, at the app; add the redirect URL there too.",
			Fields:   []string{"client_id", "client_secret"},
			Header:   "Authorization",
			Format:   "Bearer {access_token}",
			Extra:    staging,
			Optional: []string{"staging_token"},
			OAuth: &bindings.OAuth{
				AuthorizeURL: "https://oauth.qonto.com/oauth2/auth",
				PKCE:         true,
				Scopes:       scopes(),
				TokenURL:     "https://oauth.qonto.com/oauth2/token",
				Rotates:      true,
				// docs.qonto.com, "refresh token endpoint".
				Grace: time.Minute,
				// Found in the code of public clients.
				RevokeURL: "https://oauth.qonto.com/oauth2/revoke",
			},
		},
		{
			Name:     "api_key",
			Title:    "API key of the organisation",
			Help:     "Login and secret key are in Settings, Integrations and partnerships, API key.",
			Fields:   []string{"login", "secret_key"},
			Header:   "Authorization",
			Format:   "{login}:{secret_key}",
			Extra:    staging,
			Optional: []string{"staging_token"},
		},
	}
}

// scopes: the default cannot move money; payments must be requested by name.
func scopes() bindings.Scopes {
	read := []string{
		"attachment.read", "client.read", "client_invoices.read", "membership.read", "organization.read", "product.read",
		"supplier_invoice.read", "team.read", "webhook",
	}
	write := []string{"attachment.write", "client.write", "client_invoice.write", "product.write", "supplier_invoice.write"}
	return bindings.Scopes{
		Always:   []string{"offline_access"},
		Default:  append(write, read...),
		ReadOnly: read,
	}
}
