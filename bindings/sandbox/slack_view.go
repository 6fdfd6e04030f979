package sandbox

import (
	"maps"
	"time"
)

// slackTriggerAge is how long a trigger_id opens a view.
const slackTriggerAge = 3 * time.Second

// gesture checks that a trigger_id is one that an interaction brought a moment
// ago. A call without one shows the view of an everyday gesture.
func (r *Call) gesture() *Failure {
	id := Text(r.Fields["trigger_id"])
	if id == "" {
		return nil
	}
	trigger := r.Get("triggers", id)
	if trigger == nil {
		return slackError("invalid_trigger_id")
	}
	if r.Now.Sub(time.UnixMilli(trigger.At)) > slackTriggerAge {
		return slackError("expired_trigger_id")
	}
	return nil
}

// view makes the fields of a view out of what a request shows.
func (r *Call) view() Object {
	shown, _ := Clone(r.Fields["view"]).(Object)
	fields := slackMerged(Object{"type": "modal", "callback_id": "", "private_metadata": "", "external_id": "", "blocks": []any{}}, shown)
	fields["blocks"] = r.named(fields["blocks"])
	fields["state"], fields["team_id"], fields["app_id"], fields["bot_id"] = Object{"values": Object{}}, r.Account, "A0SANDBOX01", "B0SANDBOT01"
	fields["hash"] = slackTime(r.Moment())
	return fields
}

func slackOpenView(push bool) func(*Call) (Result, *Failure) {
	return func(r *Call) (Result, *Failure) {
		if failed := r.gesture(); failed != nil {
			return Result{}, failed
		}
		fields := r.view()
		made := r.Make(r.Resource, "", fields, nil)
		above := Object{"root_view_id": made.ID, "previous_view_id": nil}
		if under := r.openView(made); push && under != nil {
			above = Object{"root_view_id": under.Fields["root_view_id"], "previous_view_id": under.ID}
		}
		r.Alter(r.Resource, made, above)
		return Result{Fields: Object{"view": made.Fields}}, nil
	}
}

// openView is the newest modal but one.
func (r *Call) openView(but *Record) *Record {
	all := r.All("views", nil)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i] != but && all[i].Fields["type"] == "modal" {
			return all[i]
		}
	}
	return nil
}

// slackPublish shows a person's home page, in place of the one before.
func slackPublish(r *Call) (Result, *Failure) {
	user := Text(r.Fields["user_id"])
	if r.Get("users", user) == nil {
		return Result{}, slackError("user_not_found")
	}
	fields := slackMerged(r.view(), Object{"type": "home"})
	for _, home := range r.All("views", map[string]string{"home": user}) {
		if home.Links["home"] == user {
			return r.replaceView(home, fields)
		}
	}
	made := r.Make(r.Resource, "", fields, map[string]string{"home": user})
	return Result{Fields: Object{"view": made.Fields}}, nil
}

func slackUpdateView(r *Call) (Result, *Failure) {
	found := r.Get("views", Text(r.Fields["view_id"]))
	if own := Text(r.Fields["external_id"]); found == nil && own != "" {
		for _, v := range r.All("views", nil) {
			if v.Fields["external_id"] == own {
				found = v
			}
		}
	}
	if found == nil {
		return Result{}, slackError("not_found")
	}
	return r.replaceView(found, r.view())
}

func (r *Call) replaceView(found *Record, fields Object) (Result, *Failure) {
	if hash := Text(r.Fields["hash"]); hash != "" && hash != found.Fields["hash"] {
		return Result{}, slackError("hash_conflict")
	}
	r.Alter(r.Resource, found, fields)
	return Result{Fields: Object{"view": found.Fields}}, nil
}

// named gives blocks and what can be acted upon in them the ids that the
// vendor gives where none stand.
func (r *Call) named(blocks any) any {
	all, _ := Clone(blocks).([]any)
	for _, v := range all {
		block, _ := v.(Object)
		if block == nil {
			continue
		}
		if Empty(block["block_id"]) {
			block["block_id"] = Letters(r.Random, 5, MixedAlphabet)
		}
		for _, element := range slackElements(block) {
			if Empty(element["action_id"]) {
				element["action_id"] = Letters(r.Random, 5, MixedAlphabet)
			}
		}
	}
	if all == nil {
		return blocks
	}
	return all
}

// slackElements are what can be acted upon in a block.
func slackElements(block Object) []Object {
	var out []Object
	add := func(v any) {
		if element, ok := v.(Object); ok && element["type"] != nil {
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
func slackMerged(all ...Object) Object {
	out := Object{}
	for _, fields := range all {
		maps.Copy(out, fields)
	}
	return out
}
