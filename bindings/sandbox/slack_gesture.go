package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// slackGestures are what people do in Slack's own windows.
func slackGestures() map[string]gesture {
	return map[string]gesture{
		"click":    slackClick,
		"submit":   slackSubmit("view.submitted"),
		"close":    slackSubmit("view.closed"),
		"command":  slackTyped,
		"shortcut": slackShortcut,
	}
}

// slackClick acts on what a message or a modal shows, the newest first: a
// button by its value, its action_id or its text, a menu by the value of an
// option. args: value, action_id, channel, ts, user.
func slackClick(a *app, args object) (string, object, error) {
	for _, m := range slackNewest(a, "messages") {
		if ts := text(args["ts"]); ts != "" && ts != m.id {
			continue
		}
		if channel := text(args["channel"]); channel != "" && channel != m.links["channel"] {
			continue
		}
		if action := slackActed(m.fields["blocks"], args); action != nil {
			return "block_action.performed", slackBy(args, object{
				"channel": object{"id": m.links["channel"]}, "message": clone(m.fields), "actions": []any{action}, "state": object{"values": object{}},
			}), nil
		}
	}
	for _, v := range slackNewest(a, "views") {
		if action := slackActed(v.fields["blocks"], args); action != nil && args["ts"] == nil {
			return "block_action.performed", slackBy(args, object{"view": clone(v.fields), "actions": []any{action}}), nil
		}
	}
	return "", nil, fmt.Errorf("%w: no message and no view has an element with %s", errNoScreen, encode(args))
}

func slackNewest(a *app, resource string) []*record {
	all := a.store.all(resource, nil)
	slices.Reverse(all)
	return all
}

// slackBy adds who does it.
func slackBy(args, data object) object {
	if user := text(args["user"]); user != "" {
		data["user"] = object{"id": user}
	}
	return data
}

// slackActed finds the element that is meant, and writes what acting on it sends.
func slackActed(blocks any, args object) object {
	all, _ := blocks.([]any)
	for _, b := range all {
		block, _ := b.(object)
		for _, element := range slackElements(block) {
			action := object{"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}
			if id := text(args["action_id"]); id != "" && id != element["action_id"] {
				continue
			}
			value := text(args["value"])
			options, isMenu := element["options"].([]any)
			switch {
			case isMenu:
				for _, o := range options {
					if lookup(o, "value") == value {
						action["selected_option"] = clone(o)
						return action
					}
				}
			case element["type"] == "button":
				if value != "" && value != element["value"] && value != lookup(element, "text.text") {
					continue
				}
				for _, name := range []string{"value", "text", "style", "url"} {
					if element[name] != nil {
						action[name] = clone(element[name])
					}
				}
				return action
			case text(args["action_id"]) != "":
				action["value"] = args["value"]
				return action
			}
		}
	}
	return nil
}

// slackSubmit sends or closes the modal on top. args: values (by block and
// action: a text, or what the element gives), view, user.
func slackSubmit(trigger string) gesture {
	return func(a *app, args object) (string, object, error) {
		for _, v := range slackNewest(a, "views") {
			if id := text(args["view"]); v.fields["type"] != "modal" || id != "" && id != v.id {
				continue
			}
			if trigger == "view.closed" && v.fields["notify_on_close"] != true {
				return "", nil, fmt.Errorf("the view %s is closed without notice, since it has no notify_on_close", v.id)
			}
			view, _ := clone(v.fields).(object)
			given, _ := args["values"].(object)
			view["state"] = object{"values": slackState(view["blocks"], given)}
			a.store.remove("views", v)
			return trigger, slackBy(args, object{"view": view}), nil
		}
		return "", nil, fmt.Errorf("%w: no modal is open", errNoScreen)
	}
}

// slackState writes what was entered as the vendor does: by block and action,
// each with the type of its element.
func slackState(blocks any, given object) object {
	values := object{}
	all, _ := blocks.([]any)
	for _, b := range all {
		block, _ := b.(object)
		for _, element := range slackElements(block) {
			name, action := text(block["block_id"]), text(element["action_id"])
			inBlock, _ := given[name].(object)
			state, isWhole := clone(inBlock[action]).(object)
			if !isWhole {
				state = object{"value": inBlock[action]}
			}
			state["type"] = element["type"]
			shown, _ := values[name].(object)
			values[name] = slackMerged(shown, object{action: state})
		}
	}
	return values
}

// slackTyped sends a slash command. args: command ("/deploy production"), or
// command and text; channel, user.
func slackTyped(_ *app, args object) (string, object, error) {
	command, rest, _ := strings.Cut(strings.TrimSpace(text(args["command"])), " ")
	if !strings.HasPrefix(command, "/") {
		return "", nil, fmt.Errorf(`command %q: expected one such as "/deploy production"`, command)
	}
	data := object{"command": command, "text": strings.TrimSpace(rest + " " + text(args["text"]))}
	for name, field := range map[string]string{"channel": "channel_id", "user": "user_id"} {
		if v := text(args[name]); v != "" {
			data[field] = v
		}
	}
	return "slash_command.invoked", data, nil
}

// slackShortcut uses a shortcut, of a message where one is named. args:
// callback_id, ts, user.
func slackShortcut(a *app, args object) (string, object, error) {
	data := slackBy(args, object{"callback_id": args["callback_id"]})
	if text(args["callback_id"]) == "" {
		return "", nil, fmt.Errorf("expected the callback_id of the shortcut")
	}
	ts := text(args["ts"])
	if ts == "" {
		return "shortcut.used", data, nil
	}
	message := a.store.get("messages", ts)
	if message == nil {
		return "", nil, fmt.Errorf("%w: no message has the ts %q", errNoScreen, ts)
	}
	data["message"], data["channel"] = clone(message.fields), object{"id": message.links["channel"]}
	return "message_shortcut.used", data, nil
}
