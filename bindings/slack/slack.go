// Package slack describes Slack: the methods of the Web API, the Events API,
// and how both are authorised.
package slack

import (
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

//go:embed catalogue.txt
var catalogue []byte

// App describes Slack. Every call returns the same App.
var App = sync.OnceValue(func() *bindings.App {
	parsed, err := bindings.ParseCatalogue(catalogue)
	if err != nil {
		panic(fmt.Sprintf("slack: %v", err)) // made by cmd/catalog and read by a test
	}
	return &bindings.App{
		Name:          "slack",
		Title:         "Slack",
		BaseURL:       "https://slack.com/api",
		Docs:          "https://docs.slack.dev",
		Auth:          authorization(),
		Test:          &bindings.Test{Operation: "auth.test", Account: "team_id", Name: []string{"team", "user"}, Scopes: "X-OAuth-Scopes"},
		Variants:      variants(),
		Account:       account(),
		Errors:        problems(),
		Limits:        limits(),
		JSONType:      "application/json; charset=utf-8", // without it answers have the warning missing_charset
		Webhook:       webhook(),
		Subscriptions: subscriptions(),
		Catalogue:     parsed,
	}
})

// account: in a channel that two workspaces share, team_id is the one in which
// something happened. Which of them receives the event is in authorizations, and
// for a modal in the view.
func account() bindings.Account {
	return bindings.Account{Noun: "workspace", Paths: []string{"authorizations.0.team_id", "view.app_installed_team_id", "team_id", "team.id"}}
}

// limits are those of the method's tier, for each method and workspace separately.
// A channel accepts one message a second on average, counted here over all
// channels, with a burst.
func limits() []bindings.Limit {
	tier := func(name string, requests int) bindings.Limit {
		return bindings.Limit{Name: name, Requests: requests, Per: time.Minute, Scope: bindings.PerOperation}
	}
	return []bindings.Limit{
		tier("tier1", 1),
		tier("tier2", 20),
		tier("tier3", 50),
		tier("tier4", 100),
		tier("specialtier_assistant_threads_setstatus", 60),
		tier("specialtier_auth_test", 200),
		tier("specialtier_chat_postmessage", 60),
		tier("specialtier_chat_getpermalink", 200),
	}
}

func webhook() *bindings.Webhook {
	return &bindings.Webhook{
		Signatures: []bindings.Signature{{
			Name:       "v0",
			Algorithm:  bindings.HMACSHA256,
			Encoding:   bindings.Hex,
			Header:     "X-Slack-Signature",
			Value:      "v0={signature}",
			Signed:     "v0:{time}:{body}",
			TimeHeader: "X-Slack-Request-Timestamp",
		}},
		// The vendor's own clients accept five minutes. What it sends again, within the
		// hour or for a day, it signs again.
		MaxAge:      5 * time.Minute,
		Secret:      []string{"token", "bot_access_token"},
		ID:          "event_id",
		Type:        "event.type",
		BareType:    "type",
		Data:        "event",
		At:          "event_time",
		Forms:       forms(),
		Challenge:   &bindings.Challenge{Type: "url_verification", TypePath: "type", Echo: "challenge"},
		RetryStatus: 503,
		// tokens_revoked may be about one person; whether the app's token is revoked,
		// a call finds out.
		Uninstalled: []string{"app_uninstalled"},
	}
}

// forms are interactions and slash commands. A trigger_id identifies one action of
// one person; a form without one is identified by its content. The verification
// token and the token of a workflow's step are not stored.
func forms() []bindings.WebhookForm {
	return []bindings.WebhookForm{
		{
			Name:   "interaction",
			Field:  "payload",
			Type:   "type",
			ID:     []string{"trigger_id"},
			At:     []string{"actions.0.action_ts", "action_ts"},
			Secret: []string{"token", "bot_access_token"},
		},
		{
			Name:   "slash_command",
			ID:     []string{"trigger_id"},
			Secret: []string{"token"},
			Check:  "ssl_check",
		},
	}
}
