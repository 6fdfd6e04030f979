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
func teams() *rules {
	const channel, chat = "/teams/{teamId}/channels/{channelId}", "/chats/{chatId}"
	r := &rules{
		account:      teamsTenant,
		accountField: "tenantId",
		id:           teamsID,
		timeID:       map[string]func(int64) string{},
		operations: map[string]*rule{
			"GET /me":                                       {resource: "users", do: teamsMe},
			"GET /me/chats":                                 {resource: "chats", verb: list},
			"GET /me/joinedTeams":                           {resource: "teams", verb: list},
			"GET /users/{userId}/joinedTeams":               {resource: "teams", verb: list},
			"GET /chats/getAllMessages()":                   {resource: chatMessages, verb: list},
			"GET /teams/getAllMessages()":                   {resource: channelMessages, verb: list},
			"GET /teams/{teamId}/channels/getAllMessages()": {resource: channelMessages, verb: list},
			"POST /subscriptions":                           {after: teamsLifetime},
			"PATCH /subscriptions/{subscriptionId}":         {after: teamsLifetime},
			"POST /chats":                                   {after: teamsGather},
			"POST /workflows/invoke":                        {resource: "cards", verb: create},
		},
		actions:  map[string]object{"archive": {"isArchived": true}, "unarchive": {"isArchived": false}},
		fill:     map[string]func(object){},
		seeds:    teamsSeeds(),
		under:    map[string]map[string]string{},
		triggers: map[string]string{"teams/channels/members updated": ""},
		notify:   notifyTeams,
		headers:  teamsUnderWay,
		invalid:  http.StatusBadRequest,
		fail:     failTeams,
		pageSize: 20,
		// Tokens live a little over an hour.
		tokenLife: 4000 * time.Second,
		delivery:  delivery{attempts: 5, factor: 2, again: notAccepted},
	}
	for _, name := range []string{"teams/members", "teams/channels/members", "chats/members"} {
		r.fill[name] = fillMember
	}
	for _, name := range []string{"teams/channels", "teams/members"} {
		r.under[name] = map[string]string{"teamid": teamsSales}
	}
	r.under[channelMessages] = map[string]string{"teamid": teamsSales, "channelid": teamsLeads}
	r.under[chatMessages] = map[string]string{"chatid": teamsChat}
	r.under["chats/members"] = r.under[chatMessages]
	for resource, noun := range map[string]string{
		channelMessages + "/replies": "message", chatMessages: "chat_message", chatMessages + "/replies": "chat_message",
		"teams/members": "member", "chats/members": "chat_member",
	} {
		for verb, told := range map[string]string{"created": "added", "updated": "updated", "deleted": "removed"} {
			if strings.HasSuffix(noun, "message") {
				told = verb
			}
			r.triggers[resource+" "+verb] = noun + "." + told
		}
	}
	messages := map[string]string{channelMessages: channel + "/messages", chatMessages: chat + "/messages"}
	for resource, path := range messages {
		for name, path := range map[string]string{resource: path, resource + "/replies": path + "/{chatMessageId}/replies"} {
			one := path + "/{chatMessageId}"
			if name != resource {
				one = path + "/{chatMessageId1}"
			}
			r.timeID[name], r.fill[name] = func(ms int64) string { return strconv.FormatInt(ms, 10) }, fillMessage
			r.operations["POST "+path] = &rule{after: teamsSent}
			r.operations["GET "+path] = &rule{verb: list, do: teamsMessages(name)}
			r.operations["GET "+path+"/delta()"] = &rule{resource: name, verb: list, do: teamsMessages(name)}
			r.operations["POST "+one+"/setReaction"] = &rule{resource: name, do: teamsReact(true)}
			r.operations["POST "+one+"/unsetReaction"] = &rule{resource: name, do: teamsReact(false)}
			r.operations["POST "+one+"/softDelete"] = &rule{resource: name, do: teamsDeleted(true)}
			r.operations["POST "+one+"/undoSoftDelete"] = &rule{resource: name, do: teamsDeleted(false)}
		}
	}
	return r
}

// teamsID makes ids as the service does for each kind of record.
func teamsID(r *rand.Rand, resource string) string {
	switch resource {
	case "teams/channels":
		return "19:" + letters(r, 32, "0123456789abcdef") + "@thread.tacv2"
	case "chats":
		return "19:" + letters(r, 32, "0123456789abcdef") + "@thread.v2"
	case "teams/members", "chats/members", "teams/channels/members":
		return base64.StdEncoding.EncodeToString([]byte("MCMj" + uuid(r)))
	}
	return uuid(r)
}

func teamsSeeds() map[string][]object {
	person := func(id, name, mail string) object {
		return object{"id": id, "displayName": name, "mail": mail, "userPrincipalName": mail}
	}
	member := func(id, user, name, role string) object {
		roles := []any{}
		if role != "" {
			roles = append(roles, role)
		}
		return object{"id": id, "@odata.type": "#microsoft.graph.aadUserConversationMember", "userId": user, "displayName": name,
			"roles": roles, "email": name + "@sandbox.example", "tenantId": teamsTenant}
	}
	const made = "2026-01-01T00:00:00Z"
	return map[string][]object{
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
func failTeams(f *failure, body object) int {
	code := teamsCodes[f.status]
	if code == "" {
		code = "UnknownError"
	}
	delete(body, "error_description")
	body["error"] = object{"code": code, "message": f.message, "innerError": object{"request-id": "sandbox", "client-request-id": "sandbox"}}
	return 0
}

// fillMessage gives a message what every one has.
func fillMessage(fields object) {
	for name, v := range map[string]any{"messageType": "message", "importance": "normal", "locale": "en-us", "attachments": []any{}, "mentions": []any{}, "reactions": []any{}} {
		if fields[name] == nil {
			fields[name] = v
		}
	}
	if body, isObject := fields["body"].(object); isObject && body["contentType"] == nil {
		body["contentType"] = "text"
	}
	fields["etag"] = text(fields["lastModifiedDateTime"])
}

// fillMember takes the id of the person out of the address that it was given by.
func fillMember(fields object) {
	address, _ := fields["user@odata.bind"].(string)
	if _, id, found := strings.Cut(address, "users('"); found {
		fields["userId"], _, _ = strings.Cut(id, "'")
	}
	delete(fields, "user@odata.bind")
}

// teamsPerson is who acts: the person of the token.
func teamsPerson() object {
	return object{"user": object{"id": teamsAda, "displayName": "Ada Sandbox", "userIdentityType": "aadUser"}}
}

func teamsMe(r *request) (result, *failure) {
	return result{record: r.app.store.get("users", teamsAda)}, nil
}
