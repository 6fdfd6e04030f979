package googlecalendar

import "github.com/tidewire/tidewire/bindings"

// authorization: a person agrees in the browser; an access token from elsewhere
// works too, for its lifetime of an hour.
func authorization() []bindings.Auth {
	return []bindings.Auth{
		{
			Name:   "oauth",
			Title:  "OAuth client of a Google Cloud project",
			Help:   "Client id and secret are in the Google Cloud console, APIs & Services, Credentials; the Calendar API must be enabled there.",
			Fields: []string{"client_id", "client_secret"},
			Header: "Authorization",
			Format: "Bearer {access_token}",
			OAuth: &bindings.OAuth{
				AuthorizeURL: "https://accounts.google.com/o/oauth2/v2/auth",
				// Without asking for consent again, Google issues no second refresh token.
				AuthorizeParams: map[string]string{"access_type": "offline", "prompt": "consent"},
				PKCE:            true,
				Scopes:          scopes(),
				TokenURL:        "https://oauth2.googleapis.com/token",
				RevokeURL:       "https://oauth2.googleapis.com/revoke",
			},
		},
		{
			Name:   "token",
			Title:  "access token",
			Help:   "It is made elsewhere, for instance by gcloud or for a service account, and lives for an hour.",
			Fields: []string{"token"},
			Header: "Authorization",
			Format: "Bearer {token}",
		},
	}
}

// scopes: one for everything that the app does, and one for reading.
func scopes() bindings.Scopes {
	return bindings.Scopes{
		Default:  []string{scope + "calendar"},
		ReadOnly: []string{scope + "calendar.readonly"},
	}
}

const scope = "https://www.googleapis.com/auth/"
