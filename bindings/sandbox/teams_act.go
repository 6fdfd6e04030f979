package sandbox

import (
	"net/http"
	"slices"
	"strings"

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

// teamsView changes what one person sees of a chat.
func teamsView(set object) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		return r.altered(func(fields object) object {
			view, _ := clone(fields["viewpoint"]).(object)
			if view == nil {
				view = object{}
			}
			for name, v := range set {
				view[name] = v
			}
			if set == nil {
				view["lastMessageReadDateTime"] = stamp(r.now)
				if at := r.fields["lastMessageReadDateTime"]; !empty(at) {
					view["lastMessageReadDateTime"] = at
				}
			}
			return object{"viewpoint": view}
		})
	}
}

// teamsUntold changes the member of a channel, of which nobody is notified.
func teamsUntold(r *request) (result, *failure) {
	out, failed := r.change()
	out.changes = nil
	return out, failed
}

func teamsEmail(address string) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		return r.altered(func(object) object {
			if address == "" {
				return object{"email": nil}
			}
			return object{"email": address}
		})
	}
}

// teamsFurnish gives a new team the channel that every one has.
func teamsFurnish(r *request, made result) *failure {
	links := map[string]string{"teamid": made.record.id}
	r.app.make(r.app.model.resource("teams/channels"), "", object{"displayName": "General", "membershipType": "standard"}, links, r)
	return nil
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

func teamsClone(r *request) (result, *failure) {
	found, failed := r.find()
	if failed != nil {
		return result{}, failed
	}
	fields, _ := clone(found.fields).(object)
	for name, v := range r.fields {
		fields[name] = v
	}
	delete(fields, "partsToClone")
	made := r.app.make(r.plan.resource, "", fields, nil, r)
	out := result{record: made, changes: []changed{{resource: r.plan.resource, verb: "created", record: made}}}
	return out, teamsFurnish(r, out)
}

// teamsAdd makes a member of each that is given, and tells how that went.
func teamsAdd(r *request) (result, *failure) {
	all, _ := r.fields["values"].([]any)
	out := result{fields: object{"value": []any{}}}
	told := []any{}
	for _, v := range all {
		fields, _ := v.(object)
		made := r.app.make(r.plan.resource, "", fields, r.links(), r)
		out.changes = append(out.changes, changed{resource: r.plan.resource, verb: "created", record: made})
		told = append(told, object{"userId": text(made.fields["userId"])})
	}
	out.fields["value"] = told
	return out, nil
}

// teamsPin pins the message whose address is given; the pin has its id.
func teamsPin(r *request) (result, *failure) {
	address := text(r.fields["message@odata.bind"])
	id := address[strings.LastIndexByte(address, '/')+1:]
	if id == "" {
		id = r.app.rules.id(r.app.random, r.plan.resource.name)
	}
	made := r.app.make(r.plan.resource, id, r.fields, r.links(), r)
	return result{record: made}, nil
}

func teamsPinned(r *request) (result, *failure) {
	id := r.params["pinnedChatMessageInfoId"]
	found := r.app.store.get(chatMessages, id)
	if found == nil {
		return result{}, r.app.notFound("message", id)
	}
	return result{record: found}, nil
}
