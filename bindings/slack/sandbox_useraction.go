package slack

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// userActions are the actions of people on Slack's screens.
func userActions() map[string]sandbox.UserAction {
	return map[string]sandbox.UserAction{
		"click":    {Args: []string{"value", "action_id", "channel", "ts", "user"}, Do: click},
		"submit":   {Args: []string{"values", "view", "user"}, Do: submitView("view.submitted")},
		"close":    {Args: []string{"view", "user"}, Do: submitView("view.closed")},
		"command":  {Args: []string{"command", "channel", "user"}, Do: typeCommand},
		"shortcut": {Args: []string{"callback_id", "ts", "user"}, Do: useShortcut},
	}
}

// click uses an element of a message or a modal, the newest first: a
// button by its value, its action_id or its text, a menu by the value of an
// option. args: value, action_id, channel, ts, user.
func click(a *sandbox.App, args sandbox.Object) (string, sandbox.Object, error) {
	for _, m := range newest(a, "messages") {
		if ts := sandbox.Text(args["ts"]); ts != "" && ts != m.ID {
			continue
		}
		if channel := sandbox.Text(args["channel"]); channel != "" && channel != m.Links["channel"] {
			continue
		}
		if action := actionOn(m.Fields["blocks"], args); action != nil {
			return "block_action.performed", addUser(args, sandbox.Object{
				"channel": sandbox.Object{"id": m.Links["channel"]}, "message": sandbox.Clone(m.Fields), "actions": []any{action}, "state": sandbox.Object{"values": sandbox.Object{}},
			}), nil
		}
	}
	for _, v := range newest(a, "views") {
		if action := actionOn(v.Fields["blocks"], args); action != nil && args["ts"] == nil {
			return "block_action.performed", addUser(args, sandbox.Object{"view": sandbox.Clone(v.Fields), "actions": []any{action}}), nil
		}
	}
	return "", nil, fmt.Errorf("%w: no message and no view has an element with %s", errNoScreen, sandbox.Encode(args))
}

func newest(a *sandbox.App, resource string) []*sandbox.Record {
	all := a.All(resource, nil)
	slices.Reverse(all)
	return all
}

// addUser adds the person to data.
func addUser(args, data sandbox.Object) sandbox.Object {
	if user := sandbox.Text(args["user"]); user != "" {
		data["user"] = sandbox.Object{"id": user}
	}
	return data
}

// actionOn finds the element that args name, and returns the action that is sent
// when it is used.
func actionOn(blocks any, args sandbox.Object) sandbox.Object {
	all, _ := blocks.([]any)
	for _, b := range all {
		block, _ := b.(sandbox.Object)
		for _, element := range elementsOf(block) {
			if id := sandbox.Text(args["action_id"]); id != "" && id != element["action_id"] {
				continue
			}
			if given := elementValue(element, args); given != nil {
				return merge(sandbox.Object{"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}, given)
			}
		}
	}
	return nil
}

// elementValue returns the values that are sent when an element is used; nil if
// args are for another element.
func elementValue(element, args sandbox.Object) sandbox.Object {
	value := sandbox.Text(args["value"])
	if options, isMenu := element["options"].([]any); isMenu {
		i := slices.IndexFunc(options, func(o any) bool { return sandbox.Lookup(o, "value") == value })
		if i < 0 {
			return nil
		}
		return sandbox.Object{"selected_option": sandbox.Clone(options[i])}
	}
	if element["type"] != "button" {
		if sandbox.Text(args["action_id"]) == "" {
			return nil
		}
		return sandbox.Object{"value": args["value"]}
	}
	if value != "" && value != element["value"] && value != sandbox.Lookup(element, "text.text") {
		return nil
	}
	given := sandbox.Object{}
	for _, name := range []string{"value", "text", "style", "url"} {
		if element[name] != nil {
			given[name] = sandbox.Clone(element[name])
		}
	}
	return given
}

// submitView submits or closes the newest modal. args: values (by block and
// action: a text, or the values of the element), view, user.
func submitView(trigger string) func(*sandbox.App, sandbox.Object) (string, sandbox.Object, error) {
	return func(a *sandbox.App, args sandbox.Object) (string, sandbox.Object, error) {
		for _, v := range newest(a, "views") {
			if id := sandbox.Text(args["view"]); v.Fields["type"] != "modal" || id != "" && id != v.ID {
				continue
			}
			if trigger == "view.closed" && v.Fields["notify_on_close"] != true {
				return "", nil, fmt.Errorf("the view %s is closed without notice, since it has no notify_on_close", v.ID)
			}
			view, _ := sandbox.Clone(v.Fields).(sandbox.Object)
			given, _ := args["values"].(sandbox.Object)
			view["state"] = sandbox.Object{"values": stateOf(view["blocks"], given)}
			a.Remove("views", v)
			return trigger, addUser(args, sandbox.Object{"view": view}), nil
		}
		return "", nil, fmt.Errorf("%w: no modal is open", errNoScreen)
	}
}

// stateOf returns the values that were entered as the vendor writes them: by
// block and action, each with the type of its element.
func stateOf(blocks any, given sandbox.Object) sandbox.Object {
	values := sandbox.Object{}
	all, _ := blocks.([]any)
	for _, b := range all {
		block, _ := b.(sandbox.Object)
		for _, element := range elementsOf(block) {
			name, action := sandbox.Text(block["block_id"]), sandbox.Text(element["action_id"])
			inBlock, _ := given[name].(sandbox.Object)
			state, isWhole := sandbox.Clone(inBlock[action]).(sandbox.Object)
			if !isWhole {
				state = sandbox.Object{"value": inBlock[action]}
			}
			state["type"] = element["type"]
			actions, _ := values[name].(sandbox.Object)
			values[name] = merge(actions, sandbox.Object{action: state})
		}
	}
	return values
}

// typeCommand sends a slash command. args: command ("/deploy production"), or
// command and text; channel, user.
func typeCommand(_ *sandbox.App, args sandbox.Object) (string, sandbox.Object, error) {
	command, rest, _ := strings.Cut(strings.TrimSpace(sandbox.Text(args["command"])), " ")
	if !strings.HasPrefix(command, "/") {
		return "", nil, fmt.Errorf(`command %q: expected one such as "/deploy production"`, command)
	}
	data := sandbox.Object{"command": command, "text": strings.TrimSpace(rest + " " + sandbox.Text(args["text"]))}
	for name, field := range map[string]string{"channel": "channel_id", "user": "user_id"} {
		if v := sandbox.Text(args[name]); v != "" {
			data[field] = v
		}
	}
	return "slash_command.invoked", data, nil
}

// useShortcut uses a shortcut, that of a message if ts names one. args:
// callback_id, ts, user.
func useShortcut(a *sandbox.App, args sandbox.Object) (string, sandbox.Object, error) {
	data := addUser(args, sandbox.Object{"callback_id": args["callback_id"]})
	if sandbox.Text(args["callback_id"]) == "" {
		return "", nil, fmt.Errorf("expected the callback_id of the shortcut")
	}
	ts := sandbox.Text(args["ts"])
	if ts == "" {
		return "shortcut.used", data, nil
	}
	message := a.Get("messages", ts)
	if message == nil {
		return "", nil, fmt.Errorf("%w: no message has the ts %q", errNoScreen, ts)
	}
	data["message"], data["channel"] = sandbox.Clone(message.Fields), sandbox.Object{"id": message.Links["channel"]}
	return "message_shortcut.used", data, nil
}

var errNoScreen = errors.New("there is nothing like that on the screen")
