// Package asana describes version 1.0 of Asana's API: its operations, its
// webhooks, and the feed with the same changes.
package asana

import (
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

//go:embed catalogue.txt
var catalogue []byte

// App describes Asana. Every call returns the same App.
var App = sync.OnceValue(func() *bindings.App {
	parsed, err := bindings.ParseCatalogue(catalogue)
	if err != nil {
		panic(fmt.Sprintf("asana: %v", err)) // made by cmd/catalog and read by a test
	}
	return &bindings.App{
		Name:    "asana",
		Title:   "Asana",
		BaseURL: "https://app.asana.com/api/1.0",
		Docs:    "https://developers.asana.com",
		Auth:    authorization(),
		// Webhooks name no workspace: it follows from their subscription.
		Account: bindings.Account{Noun: "workspace"},
		// A person may be in several workspaces; the first is the connection's
		// default.
		Test: &bindings.Test{
			Operation: "users.get", Args: map[string]string{"user_gid": "me"},
			Account: "data.workspaces.0.gid", Name: []string{"data.workspaces.0.name", "data.name"},
			Others: []string{
				"workspaces.get", "projects.get_for_workspace", "teams.get_for_workspace", "tags.get_for_workspace",
				"custom_fields.get_for_workspace", "goals.list", "portfolios.list", "project_templates.list", "task_templates.list",
				"roles.list", "webhooks.list", "time_tracking_categories.list", "timesheet_approval_statuses.list",
				"tasks.search_for_workspace", "team_memberships.list", "time_tracking_entries.list",
			},
		},
		Errors: bindings.Errors{
			Message: []string{"errors.0.message", "error_description"},
			Code:    []string{"error"},
			// A phrase of a few words, which the vendor's support asks for.
			Trace: []string{"errors.0.phrase"},
			// The function needs a paid plan.
			Statuses: map[int]bindings.Meaning{402: {Kind: bindings.Forbidden, Code: "payment_required"}},
		},
		// developers.asana.com, "rate limits", for each token: 150 a minute in a free
		// workspace, 1,500 in a paid one.
		Limits: []bindings.Limit{
			{Requests: 150, Per: time.Minute, Scope: bindings.PerConnection},
			{Name: "search", Requests: 60, Per: time.Minute, Scope: bindings.PerConnection},
		},
		Webhook:       webhook(),
		Polls:         polls(),
		Subscriptions: subscriptions(),
		Echo:          echo(),
		Catalogue:     parsed,
	}
})
