package teams

import (
	"net/http"
	"slices"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// completeMessage adds sender and place to a new message.
func completeMessage(r *sandbox.Call, sent sandbox.Result) *sandbox.Failure {
	fields := sent.Record.Fields
	fields["from"] = person()
	if body, isObject := fields["body"].(sandbox.Object); !isObject || sandbox.Empty(body["content"]) && sandbox.Empty(fields["attachments"]) {
		r.Remove(r.Resource, sent.Record)
		return &sandbox.Failure{Status: http.StatusBadRequest, Kind: bindings.Invalid, Message: "Missing body content"}
	}
	if channel := r.Params["channelId"]; channel != "" {
		fields["channelIdentity"] = sandbox.Object{"teamId": r.Params["teamId"], "channelId": channel}
	}
	if to := r.Params["chatMessageId"]; to != "" {
		fields["replyToId"] = to
	}
	return nil
}

func react(set bool) func(*sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return func(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
		return updateTarget(r, func(fields sandbox.Object) sandbox.Object {
			kind := sandbox.Text(r.Fields["reactionType"])
			all, _ := fields["reactions"].([]any)
			all = slices.DeleteFunc(slices.Clone(all), func(v any) bool { return sandbox.Text(sandbox.Lookup(v, "reactionType")) == kind })
			if set {
				all = append(all, sandbox.Object{"reactionType": kind, "createdDateTime": sandbox.FormatTime(r.Now), "user": person()})
			}
			return sandbox.Object{"reactions": all}
		})
	}
}

func setDeleted(deleted bool) func(*sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return func(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
		out, failed := updateTarget(r, func(sandbox.Object) sandbox.Object {
			if deleted {
				return sandbox.Object{"deletedDateTime": sandbox.FormatTime(r.Now)}
			}
			return sandbox.Object{"deletedDateTime": nil}
		})
		if deleted && failed == nil {
			for i := range out.Changes {
				out.Changes[i].Verb = "deleted"
			}
		}
		return out, failed
	}
}

// updateTarget changes the record above the last word of the path.
func updateTarget(r *sandbox.Call, fields func(sandbox.Object) sandbox.Object) (sandbox.Result, *sandbox.Failure) {
	found, failed := r.Find()
	if failed != nil {
		return sandbox.Result{}, failed
	}
	return sandbox.Result{Record: found, Changes: r.Update(r.Resource, found, fields(found.Fields))}, nil
}

// makeMembers creates the members of a new chat.
func makeMembers(r *sandbox.Call, made sandbox.Result) *sandbox.Failure {
	all, _ := made.Record.Fields["members"].([]any)
	delete(made.Record.Fields, "members")
	for _, v := range all {
		fields, _ := v.(sandbox.Object)
		r.Make("chats/members", "", fields, map[string]string{"chatid": made.Record.ID})
	}
	return nil
}
