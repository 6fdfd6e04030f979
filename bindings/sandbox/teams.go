package sandbox

import (
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	teamsTenant  = "5a0d7e2c-0000-4000-8000-000000000001"
	teamsAda     = "5a0d7e2c-0000-4000-8000-00000000ada0"
	teamsBen     = "5a0d7e2c-0000-4000-8000-00000000be40"
	teamsSales   = "5a0d7e2c-0000-4000-8000-0000005a1e50"
	teamsGeneral = "19:5a0d7e2c000000000000000000000001@thread.tacv2"
	teamsLeads   = "19:5a0d7e2c000000000000000000000002@thread.tacv2"
	teamsChat    = "19:5a0d7e2c000000000000000000000003@thread.v2"
)

// Where messages hang.
const (
	channelMessages = "teams/channels/messages"
	chatMessages    = "chats/messages"
)

// teams is what Graph's paths do not tell of Teams.
func teams() *Rules {
	const channel, chat = "/teams/{teamId}/channels/{channelId}", "/chats/{chatId}"
	r := &Rules{
		Account:      teamsTenant,
		AccountField: "tenantId",
		NewID:        teamsID,
		TimeID:       map[string]func(int64) string{},
		Operations: map[string]*Rule{
			"GET /me":                                       {Resource: "users", Do: teamsMe},
			"GET /me/chats":                                 {Resource: "chats", Verb: List},
			"GET /me/joinedTeams":                           {Resource: "teams", Verb: List},
			"GET /users/{userId}/joinedTeams":               {Resource: "teams", Verb: List},
			"GET /chats/getAllMessages()":                   {Resource: chatMessages, Verb: List},
			"GET /teams/getAllMessages()":                   {Resource: channelMessages, Verb: List},
			"GET /teams/{teamId}/channels/getAllMessages()": {Resource: channelMessages, Verb: List},
			"POST /subscriptions":                           {After: teamsLifetime},
			"PATCH /subscriptions/{subscriptionId}":         {After: teamsLifetime},
			"POST /chats":                                   {After: teamsGather},
			"POST /workflows/invoke":                        {Resource: "cards", Verb: Create},
		},
		Actions:          map[string]Object{"archive": {"isArchived": true}, "unarchive": {"isArchived": false}},
		Fill:             map[string]func(Object){},
		Seeds:            teamsSeeds(),
		Under:            map[string]map[string]string{},
		Triggers:         map[string]string{"teams/channels/members updated": ""},
		CompleteDelivery: notifyTeams,
		// They say where a team is that is being made or changed, and what does it.
		Headers:       map[string]string{"Content-Location": "/teams('{id}')", "Location": "/teams('{id}')/operations('{uuid}')"},
		InvalidStatus: http.StatusBadRequest,
		Fail:          failTeams,
		PageSize:      20,
		// Tokens live a little over an hour.
		TokenLife: 4000 * time.Second,
		Sample:    teamsSample(),
		Retry:     Retry{Attempts: 5, Factor: 2, Again: NotAccepted},
	}
	for _, name := range []string{"teams/members", "teams/channels/members", "chats/members"} {
		r.Fill[name] = fillMember
	}
	for _, name := range []string{"teams/channels", "teams/members"} {
		r.Under[name] = map[string]string{"teamid": teamsSales}
	}
	r.Under[channelMessages] = map[string]string{"teamid": teamsSales, "channelid": teamsLeads}
	r.Under[chatMessages] = map[string]string{"chatid": teamsChat}
	r.Under["chats/members"] = r.Under[chatMessages]
	for resource, noun := range map[string]string{
		channelMessages + "/replies": "message", chatMessages: "chat_message", chatMessages + "/replies": "chat_message",
		"teams/members": "member", "chats/members": "chat_member",
	} {
		for verb, told := range map[string]string{"created": "added", "updated": "updated", "deleted": "removed"} {
			if strings.HasSuffix(noun, "message") {
				told = verb
			}
			r.Triggers[resource+" "+verb] = noun + "." + told
		}
	}
	messages := map[string]string{channelMessages: channel + "/messages", chatMessages: chat + "/messages"}
	for resource, path := range messages {
		for name, path := range map[string]string{resource: path, resource + "/replies": path + "/{chatMessageId}/replies"} {
			one := path + "/{chatMessageId}"
			if name != resource {
				one = path + "/{chatMessageId1}"
			}
			r.TimeID[name], r.Fill[name] = func(ms int64) string { return strconv.FormatInt(ms, 10) }, fillMessage
			r.Operations["POST "+path] = &Rule{After: teamsSent}
			r.Operations["GET "+path] = &Rule{Verb: List, Newest: true}
			r.Operations["GET "+path+"/delta()"] = &Rule{Resource: name, Verb: List}
			r.Operations["POST "+one+"/setReaction"] = &Rule{Resource: name, Do: teamsReact(true)}
			r.Operations["POST "+one+"/unsetReaction"] = &Rule{Resource: name, Do: teamsReact(false)}
			r.Operations["POST "+one+"/softDelete"] = &Rule{Resource: name, Do: teamsDeleted(true)}
			r.Operations["POST "+one+"/undoSoftDelete"] = &Rule{Resource: name, Do: teamsDeleted(false)}
		}
	}
	return r
}

// teamsID makes ids as the service does for each kind of record.
func teamsID(r *rand.Rand, resource string) string {
	switch resource {
	case "teams/channels":
		return "19:" + Letters(r, 32, "0123456789abcdef") + "@thread.tacv2"
	case "chats":
		return "19:" + Letters(r, 32, "0123456789abcdef") + "@thread.v2"
	case "teams/members", "chats/members", "teams/channels/members":
		return base64.StdEncoding.EncodeToString([]byte("MCMj" + UUID(r)))
	}
	return UUID(r)
}

func teamsSeeds() map[string][]Object {
	person := func(id, name, mail string) Object {
		return Object{"id": id, "displayName": name, "mail": mail, "userPrincipalName": mail}
	}
	member := func(id, user, name, role string) Object {
		roles := []any{}
		if role != "" {
			roles = append(roles, role)
		}
		return Object{"id": id, "@odata.type": "#microsoft.graph.aadUserConversationMember", "userId": user, "displayName": name,
			"roles": roles, "email": name + "@sandbox.example", "tenantId": teamsTenant}
	}
	const made = "2026-01-01T00:00:00Z"
	return map[string][]Object{
		"users": {person(teamsAda, "Ada Sandbox", "ada@sandbox.example"), person(teamsBen, "Ben Sandbox", "ben@sandbox.example")},
		"teams": {{"id": teamsSales, "displayName": "Sales", "description": "Who sells", "visibility": "private", "isArchived": false, "createdDateTime": made}},
		"teams/channels": {
			{"id": teamsGeneral, "displayName": "General", "membershipType": "standard", "createdDateTime": made},
			{"id": teamsLeads, "displayName": "Leads", "membershipType": "standard", "createdDateTime": made},
		},
		"teams/members": {member("MCMjada", teamsAda, "ada", "owner"), member("MCMjben", teamsBen, "ben", "")},
		"chats":         {{"id": teamsChat, "chatType": "group", "topic": "Deals", "createdDateTime": made, "lastUpdatedDateTime": made}},
		"chats/members": {member("MCMjchatada", teamsAda, "ada", "owner"), member("MCMjchatben", teamsBen, "ben", "owner")},
	}
}

// teamsCodes are the service's words by status.
var teamsCodes = map[int]string{
	http.StatusBadRequest: "BadRequest", http.StatusUnauthorized: "InvalidAuthenticationToken", http.StatusForbidden: "Forbidden",
	http.StatusNotFound: "NotFound", http.StatusMethodNotAllowed: "MethodNotAllowed", http.StatusConflict: "Conflict",
	http.StatusRequestEntityTooLarge: "RequestEntityTooLarge", http.StatusTooManyRequests: "TooManyRequests",
	http.StatusServiceUnavailable: "ServiceUnavailable",
}

// failTeams completes an error as Graph writes it.
func failTeams(f *Failure, body Object) int {
	code := teamsCodes[f.Status]
	if code == "" {
		code = "UnknownError"
	}
	delete(body, "error_description")
	body["error"] = Object{"code": code, "message": f.Message, "innerError": Object{"request-id": "sandbox", "client-request-id": "sandbox"}}
	return 0
}

// fillMessage gives a message what every one has.
func fillMessage(fields Object) {
	for name, v := range map[string]any{"messageType": "message", "importance": "normal", "locale": "en-us", "attachments": []any{}, "mentions": []any{}, "reactions": []any{}} {
		if fields[name] == nil {
			fields[name] = v
		}
	}
	if body, isObject := fields["body"].(Object); isObject && body["contentType"] == nil {
		body["contentType"] = "text"
	}
	fields["etag"] = Text(fields["lastModifiedDateTime"])
}

// fillMember takes the id of the person out of the address that it was given by.
func fillMember(fields Object) {
	address, _ := fields["user@odata.bind"].(string)
	if _, id, found := strings.Cut(address, "users('"); found {
		fields["userId"], _, _ = strings.Cut(id, "'")
	}
	delete(fields, "user@odata.bind")
}

// teamsPerson is who acts: the person of the token.
func teamsPerson() Object {
	return Object{"user": Object{"id": teamsAda, "displayName": "Ada Sandbox", "userIdentityType": "aadUser"}}
}

func teamsMe(r *Call) (Result, *Failure) {
	return Result{Record: r.Get("users", teamsAda)}, nil
}

func teamsSample() Sample {
	hello := Object{"body": Object{"content": "hello"}}
	sample := Sample{Body: map[string]Object{}}
	for _, path := range []string{"/teams/{teamId}/channels/{channelId}/messages", "/chats/{chatId}/messages"} {
		sample.Body["POST "+path] = hello
		sample.Body["POST "+path+"/{chatMessageId}/replies"] = hello
	}
	return sample
}
