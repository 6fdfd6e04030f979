package sandbox

import (
	"net/http"
	"slices"

	"github.com/tidewire/tidewire/bindings"
)

// teamsSent completes a message that was sent.
func teamsSent(r *Call, sent Result) *Failure {
	fields := sent.Record.Fields
	fields["from"] = teamsPerson()
	if body, isObject := fields["body"].(Object); !isObject || Empty(body["content"]) && Empty(fields["attachments"]) {
		r.Remove(r.Resource, sent.Record)
		return &Failure{Status: http.StatusBadRequest, Kind: bindings.Invalid, Message: "Missing body content"}
	}
	if channel := r.Params["channelId"]; channel != "" {
		fields["channelIdentity"] = Object{"teamId": r.Params["teamId"], "channelId": channel}
	}
	if to := r.Params["chatMessageId"]; to != "" {
		fields["replyToId"] = to
	}
	return nil
}

func teamsReact(set bool) func(*Call) (Result, *Failure) {
	return func(r *Call) (Result, *Failure) {
		return r.altered(func(fields Object) Object {
			kind := Text(r.Fields["reactionType"])
			all, _ := fields["reactions"].([]any)
			all = slices.DeleteFunc(slices.Clone(all), func(v any) bool { return Text(Lookup(v, "reactionType")) == kind })
			if set {
				all = append(all, Object{"reactionType": kind, "createdDateTime": Stamp(r.Now), "user": teamsPerson()})
			}
			return Object{"reactions": all}
		})
	}
}

func teamsDeleted(deleted bool) func(*Call) (Result, *Failure) {
	return func(r *Call) (Result, *Failure) {
		out, failed := r.altered(func(Object) Object {
			if deleted {
				return Object{"deletedDateTime": Stamp(r.Now)}
			}
			return Object{"deletedDateTime": nil}
		})
		if deleted && failed == nil {
			for i := range out.Changes {
				out.Changes[i].Verb = "deleted"
			}
		}
		return out, failed
	}
}

// altered changes the record above the last word of the path.
func (r *Call) altered(fields func(Object) Object) (Result, *Failure) {
	found, failed := r.Find()
	if failed != nil {
		return Result{}, failed
	}
	return Result{Record: found, Changes: r.Alter(r.Resource, found, fields(found.Fields))}, nil
}

// teamsGather makes the members of a new chat.
func teamsGather(r *Call, made Result) *Failure {
	all, _ := made.Record.Fields["members"].([]any)
	delete(made.Record.Fields, "members")
	for _, v := range all {
		fields, _ := v.(Object)
		r.Make("chats/members", "", fields, map[string]string{"chatid": made.Record.ID})
	}
	return nil
}
