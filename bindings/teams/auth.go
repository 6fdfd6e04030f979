package teams

import (
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// The addresses of the vendor's identity platform, version 2, before and after
// the tenant.
const (
	login     = "https://login.microsoftonline.com/"
	authorize = "/oauth2/v2.0/authorize"
	token     = "/oauth2/v2.0/token"
)

// app is the way to authorise an app without a person.
const app = "app"

// webhookURL is the setting with the address of a workflow.
const webhookURL = "webhook_url"

// authorization: a person signs in; or an app authenticates itself, which an
// administrator must allow and which cannot send messages; or a connection has
// only the address of a workflow. Each way can have that address in addition.
func authorization() []bindings.Auth {
	const help = "Application id, directory (tenant) id and client secret are at entra.microsoft.com, App registrations, at the app"
	const card = "In Teams, at the channel, Workflows has \"Post to a channel when a webhook request is received\", which gives the address."
	ways := []bindings.Auth{
		{
			Name:     "oauth",
			Title:    "person who signs in (OAuth)",
			Help:     help + "; add the redirect URL there under Authentication, platform Web.",
			Fields:   []string{"client_id", "client_secret"},
			Optional: []string{"tenant"},
			Plain:    []string{"tenant"},
			// People of any organisation; Teams is not for personal accounts.
			Defaults: map[string]string{"tenant": "organizations"},
			Header:   "Authorization",
			Format:   "Bearer {access_token}",
			OAuth: &bindings.OAuth{
				AuthorizeURL: login + "{tenant}" + authorize,
				PKCE:         true,
				Scopes:       scopes(),
				TokenURL:     login + "{tenant}" + token,
				Rotates:      true,
				// A refresh token stays valid after its use, for 90 days (the vendor's page
				// on refresh tokens).
				Grace: 24 * time.Hour,
			},
		},
		{
			Name:   app,
			Title:  "app that acts by itself (client credentials)",
			Help:   help + "; an administrator grants it application permissions.",
			Fields: []string{"client_id", "client_secret", "app_tenant"},
			Plain:  []string{"app_tenant"},
			Header: "Authorization",
			Format: "Bearer {access_token}",
			OAuth: &bindings.OAuth{
				TokenURL:          login + "{app_tenant}" + token,
				TokenParams:       map[string]string{"scope": "https://graph.microsoft.com/.default"},
				ClientCredentials: true,
			},
		},
		{
			Name:   "token",
			Title:  "access token",
			Help:   "It is made elsewhere, for instance by the vendor's Graph Explorer, and lives for about an hour.",
			Fields: []string{"token"},
			Header: "Authorization",
			Format: "Bearer {token}",
		},
	}
	for i := range ways {
		ways[i].Optional, ways[i].Addresses = append(ways[i].Optional, webhookURL), []string{webhookURL}
	}
	return append(ways, bindings.Auth{
		Name: "workflow", Title: "address of a workflow, to post cards to", Help: card, Fields: []string{webhookURL}, Addresses: []string{webhookURL},
	})
}

// scopes are what people may allow without an administrator, and what most
// automations need. Reading messages of channels requires the administrator:
// ChannelMessage.Read.All.
func scopes() bindings.Scopes {
	read := []string{"User.Read", "Team.ReadBasic.All", "Channel.ReadBasic.All", "Chat.Read"}
	write := []string{"Chat.ReadWrite", "ChannelMessage.Send"}
	return bindings.Scopes{Always: []string{"offline_access"}, Default: append(write, read...), ReadOnly: read}
}
