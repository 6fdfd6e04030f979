package slack

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

const (
	teamID = "T0SANDBOX01"
	botID  = "U0SANDBOT01"
	adaID  = "U0SANDADA01"
)

// idPrefixes are the first letters of a resource's ids.
var idPrefixes = map[string]string{"channels": "C", "users": "U", "scheduled_messages": "Q", "files": "F", "views": "V"}

// Rules defines what Slack's methods do, for the sandbox: their paths do not.
func Rules() *sandbox.Rules {
	return &sandbox.Rules{
		Account: teamID,
		NewID: func(r *rand.Rand, resource string) string {
			prefix := idPrefixes[resource]
			return prefix + "0" + sandbox.Letters(r, 9, sandbox.UpperAlphabet)
		},
		TimeID:     map[string]func(int64) string{"messages": timestamp},
		IDField:    map[string]string{"messages": "ts"},
		Operations: operations(),
		Derive:     derive,
		Triggers: map[string]string{
			"messages created": "message.posted", "messages updated": "message.changed", "messages deleted": "message.deleted",
		},
		Seeds: map[string][]sandbox.Object{
			"teams":    {{"id": teamID, "name": "Sandbox", "domain": "sandbox", "email_domain": "sandbox.example"}},
			"channels": {channelFields("C0GENERAL01", "general", true), channelFields("C0SALES0001", "sales", false), channelFields("C0RANDOM001", "random", false)},
			"users": {
				personFields(adaID, "ada", "Ada Sand", "ada@sandbox.example", false),
				personFields("U0SANDBEN01", "ben", "Ben Box", "ben@sandbox.example", false),
				personFields(botID, "tidewire", "Tidewire", "", true),
			},
		},
		InvalidStatus: http.StatusOK,
		Success:       sandbox.Object{"ok": true},
		Lenient:       true,
		Fail:          fail,
		PageSize:      100,
		// Tokens of apps that rotate have a lifetime of 12 hours.
		TokenLifetime: 12 * time.Hour,
		OAuthCodes:    map[string]string{"invalid_client": "bad_client_secret", "invalid_grant": "invalid_refresh_token", "invalid_code": "invalid_code"},
		TokenFields: func(by sandbox.Grant) sandbox.Object {
			answer := sandbox.Object{"ok": true, "team": sandbox.Object{"id": by.Account, "name": "Sandbox"}}
			if by.Within == "" {
				answer["token_type"], answer["bot_user_id"] = "bot", botID
			}
			return answer
		},
		Retry: sandbox.Retry{Timeout: 3 * time.Second, Attempts: 4, Factor: 5, ShouldRetry: sandbox.NotAccepted,
			SetHeaders: func(h http.Header, attempt int) {
				h.Set("X-Slack-Retry-Num", strconv.Itoa(attempt-1))
				h.Set("X-Slack-Retry-Reason", "http_error")
			}},
		CompleteWebhook: completeWebhook,
		ServeOther:      serveOther,
		UserActions:     userActions(),
		Sample:          sample(),
	}
}

func channelFields(id, name string, general bool) sandbox.Object {
	return sandbox.Object{"id": id, "name": name, "is_channel": true, "is_general": general, "is_member": true, "is_private": false, "is_archived": false,
		"creator": adaID, "created": sandbox.Number(1767225600), "members": []any{adaID, botID},
		"topic": sandbox.Object{"value": "", "creator": "", "last_set": sandbox.Number(0)}, "purpose": sandbox.Object{"value": "", "creator": "", "last_set": sandbox.Number(0)}}
}

func personFields(id, name, real, email string, bot bool) sandbox.Object {
	profile := sandbox.Object{"real_name": real, "display_name": name, "team": teamID}
	if email != "" {
		profile["email"] = email
	}
	return sandbox.Object{"id": id, "team_id": teamID, "name": name, "real_name": real, "deleted": false, "is_bot": bot, "is_admin": !bot,
		"tz": "Europe/Paris", "tz_offset": sandbox.Number(3600), "updated": sandbox.Number(1767225600), "profile": profile}
}

// operations are the methods that read or change records.
func operations() map[string]*sandbox.Rule {
	all := map[string]*sandbox.Rule{}
	for method, r := range map[string]*sandbox.Rule{
		"auth.test":                    {Verb: sandbox.None, Do: authTest},
		"team.info":                    {Resource: "teams", Verb: sandbox.Single},
		"chat.postMessage":             {Resource: "messages", Do: postMessage},
		"chat.meMessage":               {Resource: "messages", Do: postMeMessage},
		"chat.postEphemeral":           {Resource: "messages", Do: postEphemeral},
		"chat.update":                  {Resource: "messages", Do: updateMessage},
		"chat.delete":                  {Resource: "messages", Do: deleteMessage},
		"chat.getPermalink":            {Resource: "messages", Do: permalink},
		"chat.scheduleMessage":         {Resource: "scheduled_messages", Do: scheduleMessage},
		"chat.deleteScheduledMessage":  {Resource: "scheduled_messages", Verb: sandbox.Remove, ID: "scheduled_message_id", NotFoundCode: "invalid_scheduled_message_id"},
		"chat.scheduledMessages.list":  {Resource: "scheduled_messages", Verb: sandbox.List},
		"reactions.add":                {Resource: "messages", Trigger: "reaction.added", Do: react(true)},
		"reactions.remove":             {Resource: "messages", Trigger: "reaction.removed", Do: react(false)},
		"reactions.get":                {Resource: "messages", Do: getReactions},
		"conversations.list":           {Resource: "channels", Verb: sandbox.List, Do: listChannels},
		"users.conversations":          {Resource: "channels", Verb: sandbox.List, Do: listChannels},
		"conversations.info":           {Resource: "channels", Do: getChannel},
		"conversations.join":           {Resource: "channels", Set: sandbox.Object{"is_member": true}, Do: getChannel},
		"conversations.leave":          {Resource: "channels", Set: sandbox.Object{"is_member": false}, Do: getChannel},
		"conversations.archive":        {Resource: "channels", Trigger: "channel.archived", Set: sandbox.Object{"is_archived": true}, Do: archiveChannel},
		"conversations.unarchive":      {Resource: "channels", Trigger: "channel.unarchived", Set: sandbox.Object{"is_archived": false}, Do: archiveChannel},
		"conversations.rename":         {Resource: "channels", Trigger: "channel.renamed", Set: sandbox.Object{"name": "{name}"}, Do: getChannel},
		"conversations.setTopic":       {Resource: "channels", Do: setChannelText("topic")},
		"conversations.setPurpose":     {Resource: "channels", Do: setChannelText("purpose")},
		"conversations.invite":         {Resource: "channels", Do: changeMembers(true)},
		"conversations.kick":           {Resource: "channels", Do: changeMembers(false)},
		"conversations.create":         {Resource: "channels", Trigger: "channel.created", Do: createChannel},
		"conversations.open":           {Resource: "channels", Do: openChannel},
		"conversations.history":        {Resource: "messages", Verb: sandbox.List, Do: listMessages},
		"conversations.replies":        {Resource: "messages", Verb: sandbox.List, Do: listReplies},
		"conversations.members":        {Resource: "channels", Do: listMembers},
		"users.list":                   {Resource: "users", Verb: sandbox.List},
		"users.info":                   {Resource: "users", Verb: sandbox.Read, ID: "user", NotFoundCode: "user_not_found"},
		"users.lookupByEmail":          {Resource: "users", Do: lookupByEmail},
		"files.getUploadURLExternal":   {Resource: "uploads", Do: newUpload},
		"files.completeUploadExternal": {Resource: "files", Do: completeUpload},
		"files.info":                   {Resource: "comments", Verb: sandbox.List, Do: fileInfo},
		"files.list":                   {Resource: "files", Verb: sandbox.List, Do: listFiles},
		"files.delete":                 {Resource: "files", Trigger: "file.deleted", Do: deleteFile},
		"views.open":                   {Resource: "views", Do: openView(false)},
		"views.push":                   {Resource: "views", Do: openView(true)},
		"views.publish":                {Resource: "views", Do: publishView},
		"views.update":                 {Resource: "views", Do: updateView},
		"admin.emoji.add":              {Resource: "admin/emoji", Verb: sandbox.Put, ID: "name"},
	} {
		all["POST /"+method] = r
	}
	return all
}

// derive returns the rule of a method that operations does not name: a list has
// the records of its family, and all others are checked and answered.
func derive(op *bindings.Operation) *sandbox.Rule {
	if op.Pages == nil {
		return &sandbox.Rule{Verb: sandbox.None}
	}
	name := strings.TrimPrefix(op.Path, "/")
	return &sandbox.Rule{Verb: sandbox.List, Resource: strings.ReplaceAll(name[:strings.LastIndexByte(name, '.')], ".", "/")}
}

// authTest answers with the owner of the token.
func authTest(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return sandbox.Result{Fields: sandbox.Object{"team": "Sandbox", "team_id": r.Account, "user": "tidewire", "user_id": botID, "bot_id": "B0SANDBOT01",
		"url": "https://sandbox.slack.com/", "is_enterprise_install": false}}, nil
}

// serveOther answers at the addresses that methods and webhooks issue.
func serveOther(a *sandbox.App, h *http.Request, raw []byte, path string) (sandbox.Reply, bool) {
	if out, done := respond(a, h, raw, path); done {
		return out, done
	}
	if out, done := receiveUpload(a, h, raw, path); done {
		return out, done
	}
	return download(a, h, path)
}

// fail writes a failure as its code, with the details of invalid arguments.
func fail(f *sandbox.Failure, body sandbox.Object) int {
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
	body["error"], body["response_metadata"] = "invalid_arguments", sandbox.Object{"messages": lines}
	return 0
}

func refuse(code string) *sandbox.Failure {
	return &sandbox.Failure{Status: http.StatusOK, Kind: bindings.NotFound, Code: code, Message: code}
}

func completeWebhook(e *sandbox.Event) {
	if e.Form != nil {
		completeForm(e)
		return
	}
	e.Body["type"], e.Body["team_id"] = "event_callback", e.Account
	e.Body["token"], e.Body["api_app_id"] = "sandbox-verification", "A0SANDBOX01"
	e.Body["event_time"] = sandbox.Number(e.At.Unix())
	if event, ok := e.Body["event"].(sandbox.Object); ok && event["event_ts"] == nil {
		event["event_ts"] = timestamp(e.At.UnixMilli())
	}
}

// timestamp writes a time as the ids of messages are written.
func timestamp(ms int64) string { return fmt.Sprintf("%d.%06d", ms/1000, ms%1000*1000) }
