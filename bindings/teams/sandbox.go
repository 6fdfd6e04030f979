package teams

import (
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

const (
	tenantID       = "5a0d7e2c-0000-4000-8000-000000000001"
	adaID          = "5a0d7e2c-0000-4000-8000-00000000ada0"
	benID          = "5a0d7e2c-0000-4000-8000-00000000be40"
	salesTeam      = "5a0d7e2c-0000-4000-8000-0000005a1e50"
	generalChannel = "19:5a0d7e2c000000000000000000000001@thread.tacv2"
	leadsChannel   = "19:5a0d7e2c000000000000000000000002@thread.tacv2"
	dealsChat      = "19:5a0d7e2c000000000000000000000003@thread.v2"
)

// The resources of messages.
const (
	channelMessages = "teams/channels/messages"
	chatMessages    = "chats/messages"
)

// Rules defines what Graph's documents do not about Teams, for the sandbox.
func Rules() *sandbox.Rules {
	const channel, chat = "/teams/{teamId}/channels/{channelId}", "/chats/{chatId}"
	r := &sandbox.Rules{
		Account:      tenantID,
		AccountField: "tenantId",
		NewID:        newID,
		TimeID:       map[string]func(int64) string{},
		Operations: map[string]*sandbox.Rule{
			"GET /me":                                       {Resource: "users", Do: me},
			"GET /me/chats":                                 {Resource: "chats", Verb: sandbox.List},
			"GET /me/joinedTeams":                           {Resource: "teams", Verb: sandbox.List},
			"GET /users/{userId}/joinedTeams":               {Resource: "teams", Verb: sandbox.List},
			"GET /chats/getAllMessages()":                   {Resource: chatMessages, Verb: sandbox.List},
			"GET /teams/getAllMessages()":                   {Resource: channelMessages, Verb: sandbox.List},
			"GET /teams/{teamId}/channels/getAllMessages()": {Resource: channelMessages, Verb: sandbox.List},
			"POST /subscriptions":                           {After: checkLifetime},
			"PATCH /subscriptions/{subscriptionId}":         {After: checkLifetime},
			"POST /chats":                                   {After: makeMembers},
			"POST /workflows/invoke":                        {Resource: "cards", Verb: sandbox.Create},
		},
		Actions:          map[string]sandbox.Object{"archive": {"isArchived": true}, "unarchive": {"isArchived": false}},
		Defaults:         map[string]sandbox.Object{},
		Fill:             map[string]func(sandbox.Object){},
		Seeds:            seeds(),
		Under:            map[string]map[string]string{},
		Triggers:         map[string]string{"teams/channels/members updated": ""},
		CompleteDelivery: completeDelivery,
		// The team that is created or changed, and the operation that does it.
		Headers:       map[string]string{"Content-Location": "/teams('{id}')", "Location": "/teams('{id}')/operations('{uuid}')"},
		InvalidStatus: http.StatusBadRequest,
		BatchPath:     "/$batch",
		Fail:          fail,
		PageSize:      20,
		// Tokens have a lifetime of a little over an hour.
		TokenLifetime: 4000 * time.Second,
		Sample:        sample(),
		Retry:         sandbox.Retry{Attempts: 5, Factor: 2, ShouldRetry: sandbox.NotAccepted},
	}
	for _, name := range []string{"teams/members", "teams/channels/members", "chats/members"} {
		r.Fill[name] = fillMember
	}
	for _, name := range []string{"teams/channels", "teams/members"} {
		r.Under[name] = map[string]string{"teamid": salesTeam}
	}
	r.Under[channelMessages] = map[string]string{"teamid": salesTeam, "channelid": leadsChannel}
	r.Under[chatMessages] = map[string]string{"chatid": dealsChat}
	r.Under["chats/members"] = r.Under[chatMessages]
	for resource, noun := range map[string]string{
		channelMessages + "/replies": "message", chatMessages: "chat_message", chatMessages + "/replies": "chat_message",
		"teams/members": "member", "chats/members": "chat_member",
	} {
		for verb, past := range map[string]string{"created": "added", "updated": "updated", "deleted": "removed"} {
			if strings.HasSuffix(noun, "message") {
				past = verb
			}
			r.Triggers[resource+" "+verb] = noun + "." + past
		}
	}
	messages := map[string]string{channelMessages: channel + "/messages", chatMessages: chat + "/messages"}
	for resource, path := range messages {
		for name, path := range map[string]string{resource: path, resource + "/replies": path + "/{chatMessageId}/replies"} {
			one := path + "/{chatMessageId}"
			if name != resource {
				one = path + "/{chatMessageId1}"
			}
			r.Defaults[name] = sandbox.Object{
				"messageType": "message", "importance": "normal", "locale": "en-us", "attachments": []any{}, "mentions": []any{}, "reactions": []any{},
			}
			r.TimeID[name], r.Fill[name] = func(ms int64) string { return strconv.FormatInt(ms, 10) }, fillMessage
			r.Operations["POST "+path] = &sandbox.Rule{After: completeMessage}
			r.Operations["GET "+path] = &sandbox.Rule{Verb: sandbox.List, NewestFirst: true}
			r.Operations["GET "+path+"/delta()"] = &sandbox.Rule{Resource: name, Verb: sandbox.List}
			r.Operations["POST "+one+"/setReaction"] = &sandbox.Rule{Resource: name, Do: react(true)}
			r.Operations["POST "+one+"/unsetReaction"] = &sandbox.Rule{Resource: name, Do: react(false)}
			r.Operations["POST "+one+"/softDelete"] = &sandbox.Rule{Resource: name, Do: setDeleted(true)}
			r.Operations["POST "+one+"/undoSoftDelete"] = &sandbox.Rule{Resource: name, Do: setDeleted(false)}
		}
	}
	return r
}

// newID returns ids as the service does for each kind of record.
func newID(r *rand.Rand, resource string) string {
	switch resource {
	case "teams/channels":
		return "19:" + sandbox.Letters(r, 32, "0123456789abcdef") + "@thread.tacv2"
	case "chats":
		return "19:" + sandbox.Letters(r, 32, "0123456789abcdef") + "@thread.v2"
	case "teams/members", "chats/members", "teams/channels/members":
		return base64.StdEncoding.EncodeToString([]byte("MCMj" + sandbox.UUID(r)))
	}
	return sandbox.UUID(r)
}

func seeds() map[string][]sandbox.Object {
	person := func(id, name, mail string) sandbox.Object {
		return sandbox.Object{"id": id, "displayName": name, "mail": mail, "userPrincipalName": mail}
	}
	member := func(id, user, name, role string) sandbox.Object {
		roles := []any{}
		if role != "" {
			roles = append(roles, role)
		}
		return sandbox.Object{"id": id, "@odata.type": "#microsoft.graph.aadUserConversationMember", "userId": user, "displayName": name,
			"roles": roles, "email": name + "@sandbox.example", "tenantId": tenantID}
	}
	const made = "2026-01-01T00:00:00Z"
	return map[string][]sandbox.Object{
		"users": {person(adaID, "Ada Sandbox", "ada@sandbox.example"), person(benID, "Ben Sandbox", "ben@sandbox.example")},
		"teams": {{"id": salesTeam, "displayName": "Sales", "description": "Who sells", "visibility": "private", "isArchived": false, "createdDateTime": made}},
		"teams/channels": {
			{"id": generalChannel, "displayName": "General", "membershipType": "standard", "createdDateTime": made},
			{"id": leadsChannel, "displayName": "Leads", "membershipType": "standard", "createdDateTime": made},
		},
		"teams/members": {member("MCMjada", adaID, "ada", "owner"), member("MCMjben", benID, "ben", "")},
		"chats":         {{"id": dealsChat, "chatType": "group", "topic": "Deals", "createdDateTime": made, "lastUpdatedDateTime": made}},
		"chats/members": {member("MCMjchatada", adaID, "ada", "owner"), member("MCMjchatben", benID, "ben", "owner")},
	}
}

// codeOf is the service's code for a status.
var codeOf = map[int]string{
	http.StatusBadRequest: "BadRequest", http.StatusUnauthorized: "InvalidAuthenticationToken", http.StatusForbidden: "Forbidden",
	http.StatusNotFound: "NotFound", http.StatusMethodNotAllowed: "MethodNotAllowed", http.StatusConflict: "Conflict",
	http.StatusRequestEntityTooLarge: "RequestEntityTooLarge", http.StatusTooManyRequests: "TooManyRequests",
	http.StatusServiceUnavailable: "ServiceUnavailable",
}

// fail writes an error as Graph does.
func fail(f *sandbox.Failure, body sandbox.Object) int {
	code := codeOf[f.Status]
	if code == "" {
		code = "UnknownError"
	}
	delete(body, "error_description")
	body["error"] = sandbox.Object{"code": code, "message": f.Message, "innerError": sandbox.Object{"request-id": "sandbox", "client-request-id": "sandbox"}}
	return 0
}

// fillMessage adds the kind of its text and the version to a message.
func fillMessage(fields sandbox.Object) {
	if body, isObject := fields["body"].(sandbox.Object); isObject && body["contentType"] == nil {
		body["contentType"] = "text"
	}
	fields["etag"] = sandbox.Text(fields["lastModifiedDateTime"])
}

// fillMember reads the id of the person from the address in the request.
func fillMember(fields sandbox.Object) {
	address, _ := fields["user@odata.bind"].(string)
	if _, id, found := strings.Cut(address, "users('"); found {
		fields["userId"], _, _ = strings.Cut(id, "'")
	}
	delete(fields, "user@odata.bind")
}

// person is the person of the token.
func person() sandbox.Object {
	return sandbox.Object{"user": sandbox.Object{"id": adaID, "displayName": "Ada Sandbox", "userIdentityType": "aadUser"}}
}

func me(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return sandbox.Result{Record: r.Get("users", adaID)}, nil
}

func sample() sandbox.Sample {
	hello := sandbox.Object{"body": sandbox.Object{"content": "hello"}}
	sample := sandbox.Sample{Body: map[string]sandbox.Object{}}
	for _, path := range []string{"/teams/{teamId}/channels/{channelId}/messages", "/chats/{chatId}/messages"} {
		sample.Body["POST "+path] = hello
		sample.Body["POST "+path+"/{chatMessageId}/replies"] = hello
	}
	return sample
}
