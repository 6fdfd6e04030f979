// Package googlecalendar describes version 3 of Google's Calendar API: its
// operations, the lists with changes, and the channels through which Google
// reports that something changed.
package googlecalendar

import (
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

//go:embed catalogue.txt
var catalogue []byte

// App describes Google Calendar. Every call returns the same App.
var App = sync.OnceValue(func() *bindings.App {
	parsed, err := bindings.ParseCatalogue(catalogue)
	if err != nil {
		panic(fmt.Sprintf("googlecalendar: %v", err)) // made by cmd/catalog and read by a test
	}
	return &bindings.App{
		Name:    "googlecalendar",
		Title:   "Google Calendar",
		BaseURL: "https://www.googleapis.com/calendar/v3",
		Docs:    "https://developers.google.com/workspace/calendar/api",
		Auth:    authorization(),
		// Webhooks name no account: it follows from their subscription.
		Account: bindings.Account{Noun: "user"},
		// The primary calendar has the user's address as its id.
		Test: &bindings.Test{
			Operation: "calendars.get", Args: map[string]string{"calendarId": "primary"},
			Account: "id", Name: []string{"summary"},
			Others: []string{"calendar_list.list", "settings.list", "colors.get"},
		},
		Errors: problems(),
		// developers.google.com/workspace/calendar/api/guides/quota, for each
		// project: 600 a minute for each user, 10,000 for all of them together.
		Limits: []bindings.Limit{
			{Requests: 600, Per: time.Minute, Scope: bindings.PerConnection},
			{Requests: 10_000, Per: time.Minute, Scope: bindings.PerHost},
		},
		Webhook:       webhook(),
		Polls:         polls(),
		Subscriptions: subscriptions(),
		Echo:          echo(),
		Catalogue:     parsed,
	}
})

// problems: the reason is more precise than the status. developers.google.com/workspace/calendar/api/guides/errors
func problems() bindings.Errors {
	return bindings.Errors{
		Message: []string{"error.message", "error_description"},
		Code:    []string{"error.errors.0.reason", "error.status"},
		Kinds: map[string]bindings.ErrorKind{
			"authError":             bindings.Unauthorized,
			"dailyLimitExceeded":    bindings.RateLimited,
			"quotaExceeded":         bindings.RateLimited,
			"rateLimitExceeded":     bindings.RateLimited,
			"userRateLimitExceeded": bindings.RateLimited,
			// The sync token or time is too old; no record is missing.
			"fullSyncRequired":     bindings.Invalid,
			"updatedMinTooLongAgo": bindings.Invalid,
			"duplicate":            bindings.Conflict,
			"channelIdNotUnique":   bindings.Conflict,
			"backendError":         bindings.Unavailable,
		},
	}
}
