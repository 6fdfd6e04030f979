package sandbox

import (
	"net/http"
	"slices"

	"github.com/tidewire/tidewire/bindings"
)

// teamsMessages lists messages, newest first where the request says nothing
// else, or those that changed.
func teamsMessages(resource string) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		items := r.changed(r.app.store.all(resource, r.links()))
		if fieldOf(r.plan.types.answerDefinition(r.plan.op), deltaLink) == nil {
			slices.Reverse(items)
		}
		items, failed := r.odata(items)
		if failed != nil {
			return result{}, failed
		}
		return result{listed: true, page: r.cut(items)}, nil
	}
}

// teamsSent completes a message that was sent.
func teamsSent(r *request, sent result) *failure {
	fields := sent.record.fields
	fields["from"] = teamsPerson()
	if body, isObject := fields["body"].(object); !isObject || empty(body["content"]) && empty(fields["attachments"]) {
		r.app.store.remove(r.plan.resource.name, sent.record)
		return &failure{status: http.StatusBadRequest, kind: bindings.Invalid, message: "Missing body content"}
	}
	if channel := r.params["channelId"]; channel != "" {
		fields["channelIdentity"] = object{"teamId": r.params["teamId"], "channelId": channel}
	}
	if to := r.params["chatMessageId"]; to != "" {
		fields["replyToId"] = to
	}
	return nil
}

func teamsReact(set bool) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		return r.altered(func(fields object) object {
			kind := text(r.fields["reactionType"])
			all, _ := fields["reactions"].([]any)
			all = slices.DeleteFunc(slices.Clone(all), func(v any) bool { return text(lookup(v, "reactionType")) == kind })
			if set {
				all = append(all, object{"reactionType": kind, "createdDateTime": stamp(r.now), "user": teamsPerson()})
			}
			return object{"reactions": all}
		})
	}
}

func teamsDeleted(deleted bool) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		out, failed := r.altered(func(object) object {
			if deleted {
				return object{"deletedDateTime": stamp(r.now)}
			}
			return object{"deletedDateTime": nil}
		})
		if deleted && failed == nil {
			for i := range out.changes {
				out.changes[i].verb = "deleted"
			}
		}
		return out, failed
	}
}

// altered changes the record above the last word of the path.
func (r *request) altered(fields func(object) object) (result, *failure) {
	found, failed := r.find()
	if failed != nil {
		return result{}, failed
	}
	return result{record: found, changes: r.app.alter(r.plan.resource, found, fields(found.fields))}, nil
}

// teamsGather makes the members of a new chat.
func teamsGather(r *request, made result) *failure {
	all, _ := made.record.fields["members"].([]any)
	delete(made.record.fields, "members")
	for _, v := range all {
		fields, _ := v.(object)
		r.app.make(r.app.model.resource("chats/members"), "", fields, map[string]string{"chatid": made.record.id}, r)
	}
	return nil
}

// teamsUnderWay says where a team is that is being made or changed, and what
// does it.
func teamsUnderWay(r *request, res result) map[string]string {
	at := "/teams('" + res.record.id + "')"
	return map[string]string{"Content-Location": at, "Location": at + "/operations('" + uuid(r.app.random) + "')"}
}
