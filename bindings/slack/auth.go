package slack

import "github.com/tidewire/tidewire/bindings"

// authorization prefers a token that does not expire; OAuth installs the app, and
// its tokens rotate if the app is configured so.
func authorization() []bindings.Auth {
	return []bindings.Auth{
		{
			Name:   "token",
			Title:  "bot token (xoxb-…)",
			Help:   "It is at api.slack.com/apps, at the app, OAuth & Permissions, once the app is installed.",
			Fields: []string{"token"},
			Header: "Authorization",
			Format: "Bearer {token}",
		},
		{
			Name:   "oauth",
			Title:  "app that is installed by OAuth",
			Help:   "Client id and secret are at api.slack.com/apps, at the app, Basic Information; add the redirect URL under OAuth & Permissions.",
			Fields: []string{"client_id", "client_secret"},
			Header: "Authorization",
			Format: "Bearer {access_token}",
			OAuth: &bindings.OAuth{
				AuthorizeURL:  "https://slack.com/oauth/v2/authorize",
				HTTPSRedirect: true,
				Scopes:        scopes(),
				TokenURL:      "https://slack.com/api/oauth.v2.access",
				TokenAuth:     bindings.InHeader,
				Answer:        bindings.Answer{Account: "team.id", Name: []string{"team.name"}},
				Rotates:       true,
				Expired:       []string{"token_expired"},
				RevokeURL:     "https://slack.com/api/auth.revoke",
				RevokeAccess:  true,
			},
		},
	}
}

// variants: besides the bot's token, that of the person who installs the app.
func variants() []bindings.Variant {
	return []bindings.Variant{{
		Name:       "user",
		ScopeParam: "user_scope",
		Within:     "authed_user",
		Scopes:     []string{"channels:history", "channels:read", "chat:write", "users:read"},
		ReadOnly:   []string{"channels:history", "channels:read", "users:read"},
	}}
}

func scopes() bindings.Scopes {
	read := []string{"channels:history", "channels:read", "groups:read", "im:read", "users:read", "users:read.email"}
	write := []string{"channels:join", "channels:manage", "chat:write", "im:write"}
	return bindings.Scopes{Separator: ",", Default: append(write, read...), ReadOnly: read}
}
