package sandbox

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

const (
	slackTeam = "T0SANDBOX01"
	slackBot  = "U0SANDBOT01"
	slackUser = "U0SANDADA01"
)

// slackPrefixes begin the ids of a resource.
var slackPrefixes = map[string]string{"channels": "C", "users": "U", "scheduled_messages": "Q", "files": "F", "views": "V"}

// slack is what Slack's methods mean: their paths do not tell.
func slack() *rules {
	return &rules{
		account: slackTeam,
		id: func(r *rand.Rand, resource string) string {
			prefix := slackPrefixes[resource]
			return prefix + "0" + letters(r, 9, upperAlphabet)
		},
		timeID:     map[string]func(int64) string{"messages": slackTime},
		idField:    map[string]string{"messages": "ts"},
		operations: slackOperations(),
		derive:     slackDerived,
		triggers: map[string]string{
			"messages created": "message.posted", "messages updated": "message.changed", "messages deleted": "message.deleted",
		},
		seeds: map[string][]object{
			"teams":    {{"id": slackTeam, "name": "Sandbox", "domain": "sandbox", "email_domain": "sandbox.example"}},
			"channels": {slackSeed("C0GENERAL01", "general", true), slackSeed("C0SALES0001", "sales", false), slackSeed("C0RANDOM001", "random", false)},
			"users": {
				slackPerson(slackUser, "ada", "Ada Sand", "ada@sandbox.example", false),
				slackPerson("U0SANDBEN01", "ben", "Ben Box", "ben@sandbox.example", false),
				slackPerson(slackBot, "tidewire", "Tidewire", "", true),
			},
		},
		invalid:  http.StatusOK,
		success:  object{"ok": true},
		fail:     failSlack,
		pageSize: 100,
		// Tokens of apps that rotate live for half a day.
		tokenLife:  12 * time.Hour,
		grantCodes: map[string]string{"invalid_client": "bad_client_secret", "invalid_grant": "invalid_refresh_token", "invalid_code": "invalid_code"},
		grant: func(by authority) object {
			answer := object{"ok": true, "team": object{"id": by.account, "name": "Sandbox"}}
			if by.within == "" {
				answer["token_type"], answer["bot_user_id"] = "bot", slackBot
			}
			return answer
		},
		delivery: delivery{timeout: 3 * time.Second, attempts: 4, factor: 5, again: notAccepted,
			mark: func(h http.Header, attempt int) {
				h.Set("X-Slack-Retry-Num", strconv.Itoa(attempt-1))
				h.Set("X-Slack-Retry-Reason", "http_error")
			}},
		envelope: envelopeSlack,
		beside:   slackBeside,
		gestures: slackGestures(),
	}
}

func slackSeed(id, name string, general bool) object {
	return object{"id": id, "name": name, "is_channel": true, "is_general": general, "is_member": true, "is_private": false, "is_archived": false,
		"creator": slackUser, "created": number(1767225600), "members": []any{slackUser, slackBot},
		"topic": object{"value": "", "creator": "", "last_set": number(0)}, "purpose": object{"value": "", "creator": "", "last_set": number(0)}}
}

func slackPerson(id, name, real, email string, bot bool) object {
	profile := object{"real_name": real, "display_name": name, "team": slackTeam}
	if email != "" {
		profile["email"] = email
	}
	return object{"id": id, "team_id": slackTeam, "name": name, "real_name": real, "deleted": false, "is_bot": bot, "is_admin": !bot,
		"tz": "Europe/Paris", "tz_offset": number(3600), "updated": number(1767225600), "profile": profile}
}

// slackOperations are the methods that do something with what is there.
func slackOperations() map[string]*rule {
	all := map[string]*rule{}
	for method, r := range map[string]*rule{
		"auth.test":                   {verb: none, do: slackWho},
		"team.info":                   {resource: "teams", verb: single},
		"chat.postMessage":            {resource: "messages", do: slackPost},
		"chat.postEphemeral":          {resource: "messages", do: slackEphemeral},
		"chat.update":                 {resource: "messages", do: slackUpdate},
		"chat.delete":                 {resource: "messages", do: slackDelete},
		"chat.getPermalink":           {resource: "messages", do: slackPermalink},
		"chat.scheduleMessage":        {resource: "scheduled_messages", do: slackSchedule},
		"chat.deleteScheduledMessage": {resource: "scheduled_messages", verb: remove, id: "scheduled_message_id", missing: "invalid_scheduled_message_id"},
		"chat.scheduledMessages.list": {resource: "scheduled_messages", verb: list},
		"reactions.add":               {resource: "messages", trigger: "reaction.added", do: slackReact(true)},
		"reactions.remove":            {resource: "messages", trigger: "reaction.removed", do: slackReact(false)},
		"reactions.get":               {resource: "messages", do: slackReactions},
		"conversations.list":          {resource: "channels", verb: list, do: slackChannels},
		"users.conversations":         {resource: "channels", verb: list, do: slackChannels},
		"conversations.info":          {resource: "channels", do: slackChannel(nil)},
		"conversations.join":          {resource: "channels", do: slackChannel(func(*request) object { return object{"is_member": true} })},
		"conversations.leave":         {resource: "channels", do: slackChannel(func(*request) object { return object{"is_member": false} })},
		"conversations.archive":       {resource: "channels", trigger: "channel.archived", do: slackArchive(true)},
		"conversations.unarchive":     {resource: "channels", trigger: "channel.unarchived", do: slackArchive(false)},
		"conversations.rename": {resource: "channels", trigger: "channel.renamed", do: slackChannel(func(r *request) object {
			return object{"name": r.fields["name"]}
		})},
		"conversations.setTopic": {resource: "channels", do: slackChannel(func(r *request) object {
			return object{"topic": slackText(r, "topic")}
		})},
		"conversations.setPurpose": {resource: "channels", do: slackChannel(func(r *request) object {
			return object{"purpose": slackText(r, "purpose")}
		})},
		"conversations.invite":         {resource: "channels", do: slackMembers(true)},
		"conversations.kick":           {resource: "channels", do: slackMembers(false)},
		"conversations.create":         {resource: "channels", trigger: "channel.created", do: slackCreate},
		"conversations.open":           {resource: "channels", do: slackOpen},
		"conversations.history":        {resource: "messages", verb: list, do: slackHistory},
		"conversations.replies":        {resource: "messages", verb: list, do: slackReplies},
		"conversations.members":        {resource: "channels", do: slackListMembers},
		"users.list":                   {resource: "users", verb: list},
		"users.info":                   {resource: "users", verb: read, id: "user", missing: "user_not_found"},
		"users.lookupByEmail":          {resource: "users", do: slackByEmail},
		"files.getUploadURLExternal":   {resource: "uploads", do: slackUploadURL},
		"files.completeUploadExternal": {resource: "files", do: slackCompleteUpload},
		"files.info":                   {resource: "comments", verb: list, do: slackFileInfo},
		"files.list":                   {resource: "files", verb: list, do: slackListFiles},
		"files.delete":                 {resource: "files", trigger: "file.deleted", do: slackDeleteFile},
		"views.open":                   {resource: "views", do: slackOpenView(false)},
		"views.push":                   {resource: "views", do: slackOpenView(true)},
		"views.publish":                {resource: "views", do: slackPublish},
		"views.update":                 {resource: "views", do: slackUpdateView},
		"admin.emoji.add":              {resource: "admin/emoji", verb: put, id: "name"},
	} {
		all["POST /"+method] = r
	}
	return all
}

// slackDerived is what a method means that no table names: a list shows the
// records of its family, and everything else is checked and answered.
func slackDerived(op *bindings.Operation) *rule {
	if op.Pages == nil {
		return &rule{verb: none}
	}
	name := strings.TrimPrefix(op.Path, "/")
	return &rule{verb: list, resource: strings.ReplaceAll(name[:strings.LastIndexByte(name, '.')], ".", "/")}
}

// slackWho says whose token it is.
func slackWho(r *request) (result, *failure) {
	return result{fields: object{"team": "Sandbox", "team_id": r.app.account, "user": "tidewire", "user_id": slackBot, "bot_id": "B0SANDBOT01",
		"url": "https://sandbox.slack.com/", "is_enterprise_install": false}}, nil
}

// slackBeside answers at the addresses that methods and interactions give out.
func slackBeside(a *app, h *http.Request, raw []byte, path string) (reply, bool) {
	if out, done := slackRespond(a, h, raw, path); done {
		return out, done
	}
	if out, done := slackUploaded(a, h, raw, path); done {
		return out, done
	}
	return slackDownload(a, h, path)
}

// failSlack writes the one word that a refusal is, and the details of
// arguments that do not fit.
func failSlack(f *failure, body object) int {
	delete(body, "response_metadata")
	if len(f.problems) == 0 {
		if f.code == "" && f.kind == bindings.Invalid {
			body["error"] = "invalid_arguments"
		}
		if f.status == http.StatusTooManyRequests {
			body["error"] = "ratelimited"
		}
		return 0
	}
	lines := []any{}
	for _, p := range f.problems {
		lines = append(lines, "[ERROR] "+p.String())
	}
	body["error"], body["response_metadata"] = "invalid_arguments", object{"messages": lines}
	return 0
}

func slackError(code string) *failure {
	return &failure{status: http.StatusOK, kind: bindings.NotFound, code: code, message: code}
}

func envelopeSlack(e *envelope) {
	if e.form != nil {
		slackForm(e)
		return
	}
	e.body["type"] = "event_callback"
	e.body["token"], e.body["api_app_id"] = "sandbox-verification", "A0SANDBOX01"
	e.body["event_time"] = number(e.at.Unix())
	if event, ok := e.body["event"].(object); ok && event["event_ts"] == nil {
		event["event_ts"] = slackTime(e.at.UnixMilli())
	}
}

// slackTime writes a time as Slack's message ids are written.
func slackTime(ms int64) string { return fmt.Sprintf("%d.%06d", ms/1000, ms%1000*1000) }
