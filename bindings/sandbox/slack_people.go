package sandbox

import (
	"encoding/json"
	"strings"
)

// What the methods of users do.

func slackUserOf(r *request) (*record, *failure) {
	id := text(r.fields["user"])
	if id == "" {
		id = slackUser
	}
	if found := r.app.store.get("users", id); found != nil {
		return found, nil
	}
	return nil, slackError("user_not_found")
}

func slackUserInfo(r *request) (result, *failure) {
	user, failed := slackUserOf(r)
	if failed != nil {
		return result{}, failed
	}
	return result{fields: object{"user": user.fields, "team": object{"id": slackTeam}}}, nil
}

func slackByEmail(r *request) (result, *failure) {
	for _, user := range r.app.store.all("users", nil) {
		if email := text(lookup(user.fields, "profile.email")); email != "" && strings.EqualFold(email, text(r.fields["email"])) {
			return result{fields: object{"user": user.fields}}, nil
		}
	}
	return result{}, slackError("users_not_found")
}

func slackPresence(r *request) (result, *failure) {
	_, failed := slackUserOf(r)
	return result{fields: object{"presence": "active", "online": true, "connection_count": json.Number("1")}}, failed
}

func slackProfile(r *request) (result, *failure) {
	user, failed := slackUserOf(r)
	if failed != nil {
		return result{}, failed
	}
	return result{fields: object{"profile": user.fields["profile"]}}, nil
}

func slackSetProfile(r *request) (result, *failure) {
	user, failed := slackUserOf(r)
	if failed != nil {
		return result{}, failed
	}
	profile, _ := clone(user.fields["profile"]).(object)
	given, _ := r.fields["profile"].(object)
	if name := text(r.fields["name"]); name != "" {
		given = object{name: r.fields["value"]}
	}
	for name, v := range given {
		profile[name] = v
	}
	r.app.alter(r.plan.resource, user, object{"profile": profile})
	return result{fields: object{"profile": profile}}, nil
}
