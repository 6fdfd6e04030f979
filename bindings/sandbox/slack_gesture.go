package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// slackGestures are what people do in Slack's own windows.
func slackGestures() map[string]Gesture {
	return map[string]Gesture{
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
func slackClick(a *App, args Object) (string, Object, error) {
	for _, m := range slackNewest(a, "messages") {
		if ts := Text(args["ts"]); ts != "" && ts != m.ID {
			continue
		}
		if channel := Text(args["channel"]); channel != "" && channel != m.Links["channel"] {
			continue
		}
		if action := slackActed(m.Fields["blocks"], args); action != nil {
			return "block_action.performed", slackBy(args, Object{
				"channel": Object{"id": m.Links["channel"]}, "message": Clone(m.Fields), "actions": []any{action}, "state": Object{"values": Object{}},
			}), nil
		}
	}
	for _, v := range slackNewest(a, "views") {
		if action := slackActed(v.Fields["blocks"], args); action != nil && args["ts"] == nil {
			return "block_action.performed", slackBy(args, Object{"view": Clone(v.Fields), "actions": []any{action}}), nil
		}
	}
	return "", nil, fmt.Errorf("%w: no message and no view has an element with %s", errNoScreen, Encode(args))
}

func slackNewest(a *App, resource string) []*Record {
	all := a.All(resource, nil)
	slices.Reverse(all)
	return all
}

// slackBy adds who does it.
func slackBy(args, data Object) Object {
	if user := Text(args["user"]); user != "" {
		data["user"] = Object{"id": user}
	}
	return data
}

// slackActed finds the element that is meant, and writes what acting on it sends.
func slackActed(blocks any, args Object) Object {
	all, _ := blocks.([]any)
	for _, b := range all {
		block, _ := b.(Object)
		for _, element := range slackElements(block) {
			action := Object{"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}
			if id := Text(args["action_id"]); id != "" && id != element["action_id"] {
				continue
			}
			value := Text(args["value"])
			options, isMenu := element["options"].([]any)
			switch {
			case isMenu:
				for _, o := range options {
					if Lookup(o, "value") == value {
						action["selected_option"] = Clone(o)
						return action
					}
				}
			case element["type"] == "button":
				if value != "" && value != element["value"] && value != Lookup(element, "text.text") {
					continue
				}
				for _, name := range []string{"value", "text", "style", "url"} {
					if element[name] != nil {
						action[name] = Clone(element[name])
					}
				}
				return action
			case Text(args["action_id"]) != "":
				action["value"] = args["value"]
				return action
			}
		}
	}
	return nil
}

// slackSubmit sends or closes the modal on top. args: values (by block and
// action: a text, or what the element gives), view, user.
func slackSubmit(trigger string) Gesture {
	return func(a *App, args Object) (string, Object, error) {
		for _, v := range slackNewest(a, "views") {
			if id := Text(args["view"]); v.Fields["type"] != "modal" || id != "" && id != v.ID {
				continue
			}
			if trigger == "view.closed" && v.Fields["notify_on_close"] != true {
				return "", nil, fmt.Errorf("the view %s is closed without notice, since it has no notify_on_close", v.ID)
			}
			view, _ := Clone(v.Fields).(Object)
			given, _ := args["values"].(Object)
			view["state"] = Object{"values": slackState(view["blocks"], given)}
			a.Remove("views", v)
			return trigger, slackBy(args, Object{"view": view}), nil
		}
		return "", nil, fmt.Errorf("%w: no modal is open", errNoScreen)
	}
}

// slackState writes what was entered as the vendor does: by block and action,
// each with the type of its element.
func slackState(blocks any, given Object) Object {
	values := Object{}
	all, _ := blocks.([]any)
	for _, b := range all {
		block, _ := b.(Object)
		for _, element := range slackElements(block) {
			name, action := Text(block["block_id"]), Text(element["action_id"])
			inBlock, _ := given[name].(Object)
			state, isWhole := Clone(inBlock[action]).(Object)
			if !isWhole {
				state = Object{"value": inBlock[action]}
			}
			state["type"] = element["type"]
			shown, _ := values[name].(Object)
			values[name] = slackMerged(shown, Object{action: state})
		}
	}
	return values
}

// slackTyped sends a slash command. args: command ("/deploy production"), or
// command and text; channel, user.
func slackTyped(_ *App, args Object) (string, Object, error) {
	command, rest, _ := strings.Cut(strings.TrimSpace(Text(args["command"])), " ")
	if !strings.HasPrefix(command, "/") {
		return "", nil, fmt.Errorf(`command %q: expected one such as "/deploy production"`, command)
	}
	data := Object{"command": command, "text": strings.TrimSpace(rest + " " + Text(args["text"]))}
	for name, field := range map[string]string{"channel": "channel_id", "user": "user_id"} {
		if v := Text(args[name]); v != "" {
			data[field] = v
		}
	}
	return "slash_command.invoked", data, nil
}

// slackShortcut uses a shortcut, of a message where one is named. args:
// callback_id, ts, user.
func slackShortcut(a *App, args Object) (string, Object, error) {
	data := slackBy(args, Object{"callback_id": args["callback_id"]})
	if Text(args["callback_id"]) == "" {
		return "", nil, fmt.Errorf("expected the callback_id of the shortcut")
	}
	ts := Text(args["ts"])
	if ts == "" {
		return "shortcut.used", data, nil
	}
	message := a.Get("messages", ts)
	if message == nil {
		return "", nil, fmt.Errorf("%w: no message has the ts %q", errNoScreen, ts)
	}
	data["message"], data["channel"] = Clone(message.Fields), Object{"id": message.Links["channel"]}
	return "message_shortcut.used", data, nil
}

var errNoScreen = errors.New("there is nothing like that on the screen")
