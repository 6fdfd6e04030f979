package highlevel

import (
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

//go:embed catalogue.txt
var catalogue []byte

// App describes HighLevel. Every call gives the same App.
var App = sync.OnceValue(func() *bindings.App {
	parsed, err := bindings.ParseCatalogue(catalogue)
	if err != nil {
		panic(fmt.Sprintf("highlevel: %v", err)) // made by cmd/catalog and read by a test
	}
	return &bindings.App{
		Name:      "highlevel",
		Title:     "HighLevel",
		BaseURL:   "https://services.leadconnectorhq.com",
		Docs:      "https://marketplace.gohighlevel.com/docs/",
		Auth:      authorization(),
		Account:   account(),
		Errors:    problems(),
		Limits:    limits(),
		Webhook:   webhook(),
		Catalogue: parsed,
	}
})

// authorization: an installed app's OAuth, or a private integration's token,
// which one location or company makes for itself.
func authorization() []bindings.Auth {
	return []bindings.Auth{
		{
			Name:   "oauth",
			Fields: []string{"client_id", "client_secret"},
			Header: "Authorization",
			Format: "Bearer {access_token}",
			OAuth: &bindings.OAuth{
				AuthorizeURL: "https://marketplace.gohighlevel.com/v2/oauth/chooselocation",
				TokenURL:     "https://services.leadconnectorhq.com/oauth/token",
				Rotates:      true,
				TokenParams:  map[string]string{"user_type": "Location"},
				Exchange: &bindings.Exchange{
					URL:    "/oauth/locationToken",
					Fields: map[string]string{"companyId": "{parent}", "locationId": "{account}"},
					Header: map[string]string{"Version": "2021-07-28"},

					ParentParams: map[string]string{"user_type": "Company"},
				},
			},
		},
		{
			Name:   "token",
			Fields: []string{"token"},
			Header: "Authorization",
			Format: "Bearer {token}",
		},
	}
}

func account() bindings.Account {
	return bindings.Account{
		Noun: "location",
		// Invoices and orders call it altId, with an altType beside it.
		Paths:  []string{"locationId", "altId"},
		Parent: "companyId",
	}
}

func problems() bindings.Errors {
	return bindings.Errors{
		// A text, or for a refused body a list with one text a field.
		Message:   []string{"message", "msg", "error_description", "error"},
		Code:      []string{"code", "error"},
		RequestID: []string{"Cf-Ray"},
		Trace:     []string{"traceId"},
		Remaining: "X-RateLimit-Remaining",
		Interval:  "X-RateLimit-Interval-Milliseconds",
	}
}

func limits() []bindings.Limit {
	return []bindings.Limit{
		{Requests: 100, Per: 10 * time.Second, Scope: bindings.PerConnection},
		{Requests: 200_000, Per: 24 * time.Hour, Scope: bindings.PerConnection},
	}
}
