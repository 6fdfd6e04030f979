package slack

import "github.com/tidewire/tidewire/bindings"

// problems: an answer of status 200 says by "ok" whether the method did what
// it was asked, and by "error" in one word why not.
func problems() bindings.Errors {
	return bindings.Errors{
		OK:        "ok",
		Message:   []string{"response_metadata.messages.0", "detail", "error"},
		Code:      []string{"error"},
		RequestID: []string{"X-Slack-Req-Id"},
		Kinds:     kinds(),
	}
}

// kinds sorts the words that scripts and the engine act upon; any other means
// that the call was wrong.
func kinds() map[string]bindings.ErrorKind {
	by := map[bindings.ErrorKind][]string{
		bindings.BrokenConnection: {
			"account_inactive", "invalid_auth", "not_authed", "org_login_required", "team_access_not_granted",
			"token_expired", "token_revoked", "two_factor_setup_required",
		},
		bindings.Forbidden: {
			"access_denied", "cant_delete_message", "cant_invite_self", "cant_kick_from_general", "cant_kick_self",
			"cant_update_message", "channel_not_public", "edit_window_closed", "ekm_access_denied", "enterprise_is_restricted",
			"is_archived", "is_bot", "method_not_supported_for_channel_type", "missing_scope", "no_permission",
			"not_allowed_token_type", "not_authorized", "not_in_channel", "posting_to_general_channel_denied",
			"restricted_action", "restricted_action_non_threadable_channel", "restricted_action_read_only_channel",
			"restricted_action_thread_locked", "restricted_action_thread_only_channel", "team_added_to_org",
			"ura_max_channels", "user_is_bot", "user_is_restricted", "user_is_ultra_restricted",
		},
		bindings.NotFound: {
			"bot_not_found", "channel_not_found", "file_not_found", "invalid_scheduled_message_id", "invite_not_found",
			"message_not_found", "team_not_found", "thread_not_found", "user_not_found", "user_not_visible", "users_not_found",
		},
		bindings.Conflict: {
			"already_archived", "already_in_channel", "cant_archive_general", "duplicate_channel_not_found",
			"duplicate_message_not_found", "last_member", "name_taken", "not_archived",
		},
		bindings.RateLimited: {"message_limit_exceeded", "rate_limited", "ratelimited"},
		bindings.TooLarge:    {"metadata_too_large", "msg_too_long", "request_too_large", "too_large"},
		bindings.Unavailable: {"fatal_error", "internal_error", "service_unavailable", "team_unavailable"},
		bindings.Timeout:     {"request_timeout"},
	}
	words := map[string]bindings.ErrorKind{}
	for kind, list := range by {
		for _, word := range list {
			words[word] = kind
		}
	}
	return words
}
