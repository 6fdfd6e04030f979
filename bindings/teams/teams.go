// Package teams describes Microsoft Teams: the part of Microsoft Graph that is
// about teams, channels, chats, their messages and members, tags and shifts,
// its change notifications, and the address of a workflow of Teams to which
// cards are posted.
package teams

import (
	_ "embed"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

//go:embed catalogue.txt
var catalogue []byte

// App describes Teams. Every call returns the same App.
var App = sync.OnceValue(func() *bindings.App {
	parsed, err := bindings.ParseCatalogue(catalogue)
	if err != nil {
		panic(fmt.Sprintf("teams: %v", err)) // made by cmd/catalog and read by a test
	}
	return &bindings.App{
		Name:          "teams",
		Title:         "Microsoft Teams",
		BaseURL:       "https://graph.microsoft.com/v1.0",
		Docs:          "https://learn.microsoft.com/graph/teams-concept-overview",
		Auth:          authorization(),
		Test:          &bindings.Test{Operation: "me.get", Name: []string{"displayName", "userPrincipalName"}, Others: []string{"me.list_joined_teams", "chats.list"}},
		Account:       bindings.Account{Noun: "tenant", Paths: []string{"tenantId"}},
		Errors:        problems(),
		Limits:        limits(),
		Webhook:       webhook(),
		Polls:         polls(),
		Subscriptions: subscriptions(),
		Echo:          echo(),
		Catalogue:     parsed,
	}
})

// problems have the same shape in all of Graph. Its throttling guide has 429,
// and 509 if the bandwidth is used up; both have Retry-After.
func problems() bindings.Errors {
	return bindings.Errors{
		Message:   []string{"error.message", "error_description"},
		Code:      []string{"error.code", "error"},
		RequestID: []string{"request-id"},
		Trace:     []string{"error.innerError.request-id"},
		Statuses: map[int]bindings.Meaning{
			509:                            {Kind: bindings.RateLimited},
			http.StatusInsufficientStorage: {Kind: bindings.TooLarge},
		},
	}
}

// limits: Graph's throttling limits for Teams allow an app 30 requests a
// second in one tenant for most of what it reads, and a person ten messages in
// ten seconds.
func limits() []bindings.Limit {
	return []bindings.Limit{
		{Requests: 30, Per: time.Second, Scope: bindings.PerConnection},
		// From the vendor's page on a workflow's address.
		{Name: "workflow", Requests: 4, Per: time.Second, Scope: bindings.PerConnection},
		{Name: "message", Requests: 10, Per: 10 * time.Second, Scope: bindings.PerConnection},
	}
}
