package slack

import "github.com/tidewire/tidewire/bindings"

// problems: in an answer with status 200 "ok" reports whether the method succeeded,
// and "error" is a code.
func problems() bindings.Errors {
	return bindings.Errors{
		OK:        "ok",
		Message:   []string{"response_metadata.messages.0", "detail", "error"},
		Code:      []string{"error"},
		RequestID: []string{"X-Slack-Req-Id"},
		Kinds:     kinds(),
	}
}

// kinds are the kinds of the codes that scripts and the engine distinguish; with any
// other code the call was invalid.
func kinds() map[string]bindings.ErrorKind {
	by := map[bindings.ErrorKind][]string{
		bindings.BrokenConnection: {
			"account_inactive", "invalid_auth", "not_authed", "org_login_required", "team_access_not_granted",
			"token_expired", "token_revoked", "two_factor_setup_required",
		},
		bindings.Forbidden: {
			"access_denied", "admin_unauthorized", "cant_delete_message", "cant_invite_self", "cant_kick_from_general", "cant_kick_self",
			"cant_update_message", "channel_not_public", "edit_window_closed", "ekm_access_denied", "enterprise_is_restricted",
			"feature_not_enabled", "file_uploads_disabled",
			"is_archived", "is_bot", "method_not_supported_for_channel_type", "missing_scope", "no_permission",
			"not_allowed", "not_allowed_token_type", "not_an_admin", "not_an_enterprise", "not_authorized", "not_in_channel", "not_visible", "paid_only", "paid_teams_only", "permission_denied",
			"posting_to_channel_denied", "posting_to_general_channel_denied",
			"restricted_action", "restricted_action_non_threadable_channel", "restricted_action_read_only_channel",
			"restricted_action_thread_locked", "restricted_action_thread_only_channel", "storage_limit_reached", "team_added_to_org",
			"ura_max_channels", "user_is_bot", "user_is_restricted", "user_is_ultra_restricted",
		},
		bindings.NotFound: {
			"bot_not_found", "canvas_deleted", "canvas_not_found", "channel_not_found", "file_comment_not_found", "file_deleted",
			"file_not_found", "function_execution_not_found", "invalid_scheduled_message_id", "invite_not_found", "list_not_found",
			"message_not_found", "no_pin", "no_reaction", "no_such_subteam", "not_found", "not_starred", "policy_not_found",
			"record_deleted", "record_not_found", "team_not_found", "thread_not_found", "user_not_found", "user_not_visible",
			"users_not_found",
		},
		bindings.Conflict: {
			"already_archived", "already_in_channel", "already_pinned", "already_reacted", "already_starred", "cant_archive_general",
			"duplicate_channel_not_found", "duplicate_external_id", "duplicate_message_not_found", "execution_not_in_running_state",
			"hash_conflict", "last_member", "name_already_exists", "name_taken", "not_archived", "push_limit_reached",
		},
		bindings.RateLimited: {"message_limit_exceeded", "rate_limited", "ratelimited"},
		bindings.TooLarge:    {"file_upload_size_restricted", "metadata_too_large", "msg_blocks_too_long", "msg_too_long", "request_too_large", "snippet_too_large", "too_large", "view_too_large"},
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
