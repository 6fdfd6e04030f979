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
func slack() *Rules {
	return &Rules{
		Account: slackTeam,
		NewID: func(r *rand.Rand, resource string) string {
			prefix := slackPrefixes[resource]
			return prefix + "0" + Letters(r, 9, UpperAlphabet)
		},
		TimeID:     map[string]func(int64) string{"messages": slackTime},
		IDField:    map[string]string{"messages": "ts"},
		Operations: slackOperations(),
		Derive:     slackDerived,
		Triggers: map[string]string{
			"messages created": "message.posted", "messages updated": "message.changed", "messages deleted": "message.deleted",
		},
		Seeds: map[string][]Object{
			"teams":    {{"id": slackTeam, "name": "Sandbox", "domain": "sandbox", "email_domain": "sandbox.example"}},
			"channels": {slackSeed("C0GENERAL01", "general", true), slackSeed("C0SALES0001", "sales", false), slackSeed("C0RANDOM001", "random", false)},
			"users": {
				slackPerson(slackUser, "ada", "Ada Sand", "ada@sandbox.example", false),
				slackPerson("U0SANDBEN01", "ben", "Ben Box", "ben@sandbox.example", false),
				slackPerson(slackBot, "tidewire", "Tidewire", "", true),
			},
		},
		InvalidStatus: http.StatusOK,
		Success:       Object{"ok": true},
		Fail:          failSlack,
		PageSize:      100,
		// Tokens of apps that rotate live for half a day.
		TokenLife:  12 * time.Hour,
		GrantCodes: map[string]string{"invalid_client": "bad_client_secret", "invalid_grant": "invalid_refresh_token", "invalid_code": "invalid_code"},
		Grant: func(by Authority) Object {
			answer := Object{"ok": true, "team": Object{"id": by.Account, "name": "Sandbox"}}
			if by.Within == "" {
				answer["token_type"], answer["bot_user_id"] = "bot", slackBot
			}
			return answer
		},
		Retry: Retry{Timeout: 3 * time.Second, Attempts: 4, Factor: 5, Again: NotAccepted,
			Mark: func(h http.Header, attempt int) {
				h.Set("X-Slack-Retry-Num", strconv.Itoa(attempt-1))
				h.Set("X-Slack-Retry-Reason", "http_error")
			}},
		CompleteWebhook: envelopeSlack,
		Beside:          slackBeside,
		Gestures:        slackGestures(),
		Sample:          slackSample(),
	}
}

func slackSeed(id, name string, general bool) Object {
	return Object{"id": id, "name": name, "is_channel": true, "is_general": general, "is_member": true, "is_private": false, "is_archived": false,
		"creator": slackUser, "created": Number(1767225600), "members": []any{slackUser, slackBot},
		"topic": Object{"value": "", "creator": "", "last_set": Number(0)}, "purpose": Object{"value": "", "creator": "", "last_set": Number(0)}}
}

func slackPerson(id, name, real, email string, bot bool) Object {
	profile := Object{"real_name": real, "display_name": name, "team": slackTeam}
	if email != "" {
		profile["email"] = email
	}
	return Object{"id": id, "team_id": slackTeam, "name": name, "real_name": real, "deleted": false, "is_bot": bot, "is_admin": !bot,
		"tz": "Europe/Paris", "tz_offset": Number(3600), "updated": Number(1767225600), "profile": profile}
}

// slackOperations are the methods that do something with what is there.
func slackOperations() map[string]*Rule {
	all := map[string]*Rule{}
	for method, r := range map[string]*Rule{
		"auth.test":                    {Verb: None, Do: slackWho},
		"team.info":                    {Resource: "teams", Verb: Single},
		"chat.postMessage":             {Resource: "messages", Do: slackPost},
		"chat.postEphemeral":           {Resource: "messages", Do: slackEphemeral},
		"chat.update":                  {Resource: "messages", Do: slackUpdate},
		"chat.delete":                  {Resource: "messages", Do: slackDelete},
		"chat.getPermalink":            {Resource: "messages", Do: slackPermalink},
		"chat.scheduleMessage":         {Resource: "scheduled_messages", Do: slackSchedule},
		"chat.deleteScheduledMessage":  {Resource: "scheduled_messages", Verb: Remove, ID: "scheduled_message_id", Missing: "invalid_scheduled_message_id"},
		"chat.scheduledMessages.list":  {Resource: "scheduled_messages", Verb: List},
		"reactions.add":                {Resource: "messages", Trigger: "reaction.added", Do: slackReact(true)},
		"reactions.remove":             {Resource: "messages", Trigger: "reaction.removed", Do: slackReact(false)},
		"reactions.get":                {Resource: "messages", Do: slackReactions},
		"conversations.list":           {Resource: "channels", Verb: List, Do: slackChannels},
		"users.conversations":          {Resource: "channels", Verb: List, Do: slackChannels},
		"conversations.info":           {Resource: "channels", Do: slackChannel},
		"conversations.join":           {Resource: "channels", Set: Object{"is_member": true}, Do: slackChannel},
		"conversations.leave":          {Resource: "channels", Set: Object{"is_member": false}, Do: slackChannel},
		"conversations.archive":        {Resource: "channels", Trigger: "channel.archived", Set: Object{"is_archived": true}, Do: slackArchive},
		"conversations.unarchive":      {Resource: "channels", Trigger: "channel.unarchived", Set: Object{"is_archived": false}, Do: slackArchive},
		"conversations.rename":         {Resource: "channels", Trigger: "channel.renamed", Set: Object{"name": "{name}"}, Do: slackChannel},
		"conversations.setTopic":       {Resource: "channels", Do: slackSetText("topic")},
		"conversations.setPurpose":     {Resource: "channels", Do: slackSetText("purpose")},
		"conversations.invite":         {Resource: "channels", Do: slackMembers(true)},
		"conversations.kick":           {Resource: "channels", Do: slackMembers(false)},
		"conversations.create":         {Resource: "channels", Trigger: "channel.created", Do: slackCreate},
		"conversations.open":           {Resource: "channels", Do: slackOpen},
		"conversations.history":        {Resource: "messages", Verb: List, Do: slackHistory},
		"conversations.replies":        {Resource: "messages", Verb: List, Do: slackReplies},
		"conversations.members":        {Resource: "channels", Do: slackListMembers},
		"users.list":                   {Resource: "users", Verb: List},
		"users.info":                   {Resource: "users", Verb: Read, ID: "user", Missing: "user_not_found"},
		"users.lookupByEmail":          {Resource: "users", Do: slackByEmail},
		"files.getUploadURLExternal":   {Resource: "uploads", Do: slackUploadURL},
		"files.completeUploadExternal": {Resource: "files", Do: slackCompleteUpload},
		"files.info":                   {Resource: "comments", Verb: List, Do: slackFileInfo},
		"files.list":                   {Resource: "files", Verb: List, Do: slackListFiles},
		"files.delete":                 {Resource: "files", Trigger: "file.deleted", Do: slackDeleteFile},
		"views.open":                   {Resource: "views", Do: slackOpenView(false)},
		"views.push":                   {Resource: "views", Do: slackOpenView(true)},
		"views.publish":                {Resource: "views", Do: slackPublish},
		"views.update":                 {Resource: "views", Do: slackUpdateView},
		"admin.emoji.add":              {Resource: "admin/emoji", Verb: Put, ID: "name"},
	} {
		all["POST /"+method] = r
	}
	return all
}

// slackDerived is what a method means that no table names: a list shows the
// records of its family, and everything else is checked and answered.
func slackDerived(op *bindings.Operation) *Rule {
	if op.Pages == nil {
		return &Rule{Verb: None}
	}
	name := strings.TrimPrefix(op.Path, "/")
	return &Rule{Verb: List, Resource: strings.ReplaceAll(name[:strings.LastIndexByte(name, '.')], ".", "/")}
}

// slackWho says whose token it is.
func slackWho(r *Call) (Result, *Failure) {
	return Result{Fields: Object{"team": "Sandbox", "team_id": r.Account, "user": "tidewire", "user_id": slackBot, "bot_id": "B0SANDBOT01",
		"url": "https://sandbox.slack.com/", "is_enterprise_install": false}}, nil
}

// slackBeside answers at the addresses that methods and interactions give out.
func slackBeside(a *App, h *http.Request, raw []byte, path string) (Reply, bool) {
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
func failSlack(f *Failure, body Object) int {
	delete(body, "response_metadata")
	if len(f.Problems) == 0 {
		if f.Code == "" && f.Kind == bindings.Invalid {
			body["error"] = "invalid_arguments"
		}
		if f.Status == http.StatusTooManyRequests {
			body["error"] = "ratelimited"
		}
		return 0
	}
	lines := []any{}
	for _, p := range f.Problems {
		lines = append(lines, "[ERROR] "+p.String())
	}
	body["error"], body["response_metadata"] = "invalid_arguments", Object{"messages": lines}
	return 0
}

func slackError(code string) *Failure {
	return &Failure{Status: http.StatusOK, Kind: bindings.NotFound, Code: code, Message: code}
}

func envelopeSlack(e *Envelope) {
	if e.Form != nil {
		slackForm(e)
		return
	}
	e.Body["type"] = "event_callback"
	e.Body["token"], e.Body["api_app_id"] = "sandbox-verification", "A0SANDBOX01"
	e.Body["event_time"] = Number(e.At.Unix())
	if event, ok := e.Body["event"].(Object); ok && event["event_ts"] == nil {
		event["event_ts"] = slackTime(e.At.UnixMilli())
	}
}

// slackTime writes a time as Slack's message ids are written.
func slackTime(ms int64) string { return fmt.Sprintf("%d.%06d", ms/1000, ms%1000*1000) }
