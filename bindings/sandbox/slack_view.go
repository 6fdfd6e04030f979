package sandbox

import (
	"maps"
	"time"
)

// slackTriggerAge is how long a trigger_id opens a view.
const slackTriggerAge = 3 * time.Second

// gesture checks that a trigger_id is one that an interaction brought a moment
// ago. A call without one shows the view of an everyday gesture.
func (r *request) gesture() *failure {
	id := text(r.fields["trigger_id"])
	if id == "" {
		return nil
	}
	trigger := r.app.store.get("triggers", id)
	if trigger == nil {
		return slackError("invalid_trigger_id")
	}
	if r.now.Sub(time.UnixMilli(trigger.at)) > slackTriggerAge {
		return slackError("expired_trigger_id")
	}
	return nil
}

// view makes the fields of a view out of what a request shows.
func (r *request) view() object {
	shown, _ := clone(r.fields["view"]).(object)
	fields := slackMerged(object{"type": "modal", "callback_id": "", "private_metadata": "", "external_id": "", "blocks": []any{}}, shown)
	fields["blocks"] = r.named(fields["blocks"])
	fields["state"], fields["team_id"], fields["app_id"], fields["bot_id"] = object{"values": object{}}, r.app.account, "A0SANDBOX01", "B0SANDBOT01"
	fields["hash"] = slackTime(r.app.store.moment(r.now))
	return fields
}

func slackOpenView(push bool) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		if failed := r.gesture(); failed != nil {
			return result{}, failed
		}
		fields := r.view()
		made := r.app.make(r.plan.resource, "", fields, nil, nil)
		above := object{"root_view_id": made.id, "previous_view_id": nil}
		if under := r.openView(made); push && under != nil {
			above = object{"root_view_id": under.fields["root_view_id"], "previous_view_id": under.id}
		}
		r.app.alter(r.plan.resource, made, above)
		return result{fields: object{"view": made.fields}}, nil
	}
}

// openView is the newest modal but one.
func (r *request) openView(but *record) *record {
	all := r.app.store.all("views", nil)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i] != but && all[i].fields["type"] == "modal" {
			return all[i]
		}
	}
	return nil
}

// slackPublish shows a person's home page, in place of the one before.
func slackPublish(r *request) (result, *failure) {
	user := text(r.fields["user_id"])
	if r.app.store.get("users", user) == nil {
		return result{}, slackError("user_not_found")
	}
	fields := slackMerged(r.view(), object{"type": "home"})
	for _, home := range r.app.store.all("views", map[string]string{"home": user}) {
		if home.links["home"] == user {
			return r.replaceView(home, fields)
		}
	}
	made := r.app.make(r.plan.resource, "", fields, map[string]string{"home": user}, nil)
	return result{fields: object{"view": made.fields}}, nil
}

func slackUpdateView(r *request) (result, *failure) {
	found := r.app.store.get("views", text(r.fields["view_id"]))
	if own := text(r.fields["external_id"]); found == nil && own != "" {
		for _, v := range r.app.store.all("views", nil) {
			if v.fields["external_id"] == own {
				found = v
			}
		}
	}
	if found == nil {
		return result{}, slackError("not_found")
	}
	return r.replaceView(found, r.view())
}

func (r *request) replaceView(found *record, fields object) (result, *failure) {
	if hash := text(r.fields["hash"]); hash != "" && hash != found.fields["hash"] {
		return result{}, slackError("hash_conflict")
	}
	r.app.alter(r.plan.resource, found, fields)
	return result{fields: object{"view": found.fields}}, nil
}

// named gives blocks and what can be acted upon in them the ids that the
// vendor gives where none stand.
func (r *request) named(blocks any) any {
	all, _ := clone(blocks).([]any)
	for _, v := range all {
		block, _ := v.(object)
		if block == nil {
			continue
		}
		if empty(block["block_id"]) {
			block["block_id"] = letters(r.app.random, 5, mixedAlphabet)
		}
		for _, element := range slackElements(block) {
			if empty(element["action_id"]) {
				element["action_id"] = letters(r.app.random, 5, mixedAlphabet)
			}
		}
	}
	if all == nil {
		return blocks
	}
	return all
}

// slackElements are what can be acted upon in a block.
func slackElements(block object) []object {
	var out []object
	add := func(v any) {
		if element, ok := v.(object); ok && element["type"] != nil {
			out = append(out, element)
		}
	}
	if elements, _ := block["elements"].([]any); block["type"] == "actions" {
		for _, v := range elements {
			add(v)
		}
	}
	add(block["accessory"])
	add(block["element"])
	return out
}

// slackMerged lays objects over each other.
func slackMerged(all ...object) object {
	out := object{}
	for _, fields := range all {
		maps.Copy(out, fields)
	}
	return out
}
