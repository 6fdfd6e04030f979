package slack

import (
	"maps"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// triggerLifetime is how long a trigger_id can open a view.
const triggerLifetime = 3 * time.Second

// checkTrigger refuses a trigger_id that no interaction of the last seconds had. A
// call does not need one.
func checkTrigger(r *sandbox.Call) *sandbox.Failure {
	id := sandbox.Text(r.Fields["trigger_id"])
	if id == "" {
		return nil
	}
	trigger := r.Get("triggers", id)
	if trigger == nil {
		return refuse("invalid_trigger_id")
	}
	if r.Now.Sub(time.UnixMilli(trigger.At)) > triggerLifetime {
		return refuse("expired_trigger_id")
	}
	return nil
}

// viewFields returns the fields of a view from a request.
func viewFields(r *sandbox.Call) sandbox.Object {
	view, _ := sandbox.Clone(r.Fields["view"]).(sandbox.Object)
	fields := merge(sandbox.Object{"type": "modal", "callback_id": "", "private_metadata": "", "external_id": "", "blocks": []any{}}, view)
	fields["blocks"] = addBlockIDs(r, fields["blocks"])
	fields["state"], fields["team_id"], fields["app_id"], fields["bot_id"] = sandbox.Object{"values": sandbox.Object{}}, r.Account, "A0SANDBOX01", "B0SANDBOT01"
	fields["hash"] = timestamp(r.UniqueTime())
	return fields
}

func openView(push bool) func(*sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return func(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
		if failed := checkTrigger(r); failed != nil {
			return sandbox.Result{}, failed
		}
		fields := viewFields(r)
		made := r.Make(r.Resource, "", fields, nil)
		stack := sandbox.Object{"root_view_id": made.ID, "previous_view_id": nil}
		if under := topView(r, made); push && under != nil {
			stack = sandbox.Object{"root_view_id": under.Fields["root_view_id"], "previous_view_id": under.ID}
		}
		r.Update(r.Resource, made, stack)
		return sandbox.Result{Fields: sandbox.Object{"view": made.Fields}}, nil
	}
}

// topView is the newest modal except the given one.
func topView(r *sandbox.Call, except *sandbox.Record) *sandbox.Record {
	all := r.All("views", nil)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i] != except && all[i].Fields["type"] == "modal" {
			return all[i]
		}
	}
	return nil
}

// publishView replaces a person's home page.
func publishView(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	user := sandbox.Text(r.Fields["user_id"])
	if r.Get("users", user) == nil {
		return sandbox.Result{}, refuse("user_not_found")
	}
	fields := merge(viewFields(r), sandbox.Object{"type": "home"})
	for _, home := range r.All("views", map[string]string{"home": user}) {
		if home.Links["home"] == user {
			return replaceView(r, home, fields)
		}
	}
	made := r.Make(r.Resource, "", fields, map[string]string{"home": user})
	return sandbox.Result{Fields: sandbox.Object{"view": made.Fields}}, nil
}

func updateView(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	found := r.Get("views", sandbox.Text(r.Fields["view_id"]))
	if own := sandbox.Text(r.Fields["external_id"]); found == nil && own != "" {
		for _, v := range r.All("views", nil) {
			if v.Fields["external_id"] == own {
				found = v
			}
		}
	}
	if found == nil {
		return sandbox.Result{}, refuse("not_found")
	}
	return replaceView(r, found, viewFields(r))
}

func replaceView(r *sandbox.Call, found *sandbox.Record, fields sandbox.Object) (sandbox.Result, *sandbox.Failure) {
	if hash := sandbox.Text(r.Fields["hash"]); hash != "" && hash != found.Fields["hash"] {
		return sandbox.Result{}, refuse("hash_conflict")
	}
	r.Update(r.Resource, found, fields)
	return sandbox.Result{Fields: sandbox.Object{"view": found.Fields}}, nil
}

// addBlockIDs adds ids to the blocks and their elements that have none.
func addBlockIDs(r *sandbox.Call, blocks any) any {
	all, _ := sandbox.Clone(blocks).([]any)
	for _, v := range all {
		block, _ := v.(sandbox.Object)
		if block == nil {
			continue
		}
		if sandbox.Empty(block["block_id"]) {
			block["block_id"] = sandbox.Letters(r.Random, 5, sandbox.MixedAlphabet)
		}
		for _, element := range elementsOf(block) {
			if sandbox.Empty(element["action_id"]) {
				element["action_id"] = sandbox.Letters(r.Random, 5, sandbox.MixedAlphabet)
			}
		}
	}
	if all == nil {
		return blocks
	}
	return all
}

// elementsOf are the elements of a block that people can use.
func elementsOf(block sandbox.Object) []sandbox.Object {
	var out []sandbox.Object
	add := func(v any) {
		if element, ok := v.(sandbox.Object); ok && element["type"] != nil {
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

// merge returns the fields of all objects; later ones replace earlier ones.
func merge(all ...sandbox.Object) sandbox.Object {
	out := sandbox.Object{}
	for _, fields := range all {
		maps.Copy(out, fields)
	}
	return out
}
