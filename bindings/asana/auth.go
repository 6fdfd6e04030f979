package asana

import "github.com/tidewire/tidewire/bindings"

// authorization: a personal access token belongs to one person and does not
// expire; OAuth is for apps that others install. The answer to a refresh has no
// new refresh token.
func authorization() []bindings.Auth {
	return []bindings.Auth{
		{
			Name:   "token",
			Title:  "personal access token",
			Help:   "It is made in the developer console, app.asana.com/0/my-apps, Personal access tokens.",
			Fields: []string{"token"},
			Header: "Authorization",
			Format: "Bearer {token}",
		},
		{
			Name:   "oauth",
			Title:  "app of the developer console (OAuth)",
			Help:   "Client id and secret are at app.asana.com/0/my-apps, at the app, OAuth; add the redirect URL and the scopes there too.",
			Fields: []string{"client_id", "client_secret"},
			Header: "Authorization",
			Format: "Bearer {access_token}",
			OAuth: &bindings.OAuth{
				AuthorizeURL: "https://app.asana.com/-/oauth_authorize",
				PKCE:         true,
				Scopes:       scopes(),
				TokenURL:     "https://app.asana.com/-/oauth_token",
				Answer:       bindings.Answer{Name: []string{"data.name", "data.email"}},
				// developers.asana.com, "OAuth".
				RevokeURL: "https://app.asana.com/-/oauth_revoke",
			},
		},
	}
}

// scopes that are requested must be among those that the app has at the vendor.
func scopes() bindings.Scopes {
	read := []string{
		"attachments:read", "custom_fields:read", "jobs:read", "project_templates:read", "projects:read", "stories:read", "tags:read",
		"task_templates:read", "tasks:read", "teams:read", "users:read", "webhooks:read", "workspaces.typeahead:read", "workspaces:read",
	}
	write := []string{
		"attachments:write", "projects:write", "stories:write", "tags:write", "tasks:delete", "tasks:write", "webhooks:delete", "webhooks:write",
	}
	return bindings.Scopes{Default: append(write, read...), ReadOnly: read}
}
