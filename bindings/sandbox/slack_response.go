package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	slackResponsePath = "/response/"
	slackResponses    = 5
	slackResponseAge  = 30 * time.Minute
)

// slackRespond takes what is posted to a response_url: an answer for one
// person or for the channel, a replacement of the message that was acted on,
// or its end.
func slackRespond(a *app, h *http.Request, raw []byte, path string) (reply, bool) {
	id, found := strings.CutPrefix(path, slackResponsePath)
	if !found || h.Method != http.MethodPost {
		return reply{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.store.get("responses", id)
	if known == nil {
		return slackSay(http.StatusNotFound, object{"ok": false, "error": "no_such_url"}), true
	}
	left, _ := strconv.Atoi(text(known.fields["left"]))
	now := a.sandbox.now()
	if left == 0 || now.Sub(time.UnixMilli(known.at)) > slackResponseAge {
		return slackSay(http.StatusNotFound, object{"ok": false, "error": "used_url"}), true
	}
	v, err := decodeJSON(raw)
	given, isObject := v.(object)
	if err != nil || !isObject {
		return slackSay(http.StatusBadRequest, object{"ok": false, "error": "invalid_payload"}), true
	}
	known.fields["left"] = count(left - 1)
	channel, acted := text(known.fields["channel"]), a.store.get("messages", text(known.fields["message"]))
	message := object{}
	for _, name := range []string{"text", "blocks", "attachments", "thread_ts"} {
		if given[name] != nil {
			message[name] = clone(given[name])
		}
	}
	switch {
	case given["delete_original"] == true:
		if acted != nil {
			a.store.remove("messages", acted)
		}
	case given["replace_original"] == true && acted != nil:
		a.alter(a.model.resource("messages"), acted, slackMerged(object{"text": "", "blocks": nil, "attachments": nil}, message))
	case empty(message["text"]) && empty(message["blocks"]) && empty(message["attachments"]):
		return slackSay(http.StatusBadRequest, object{"ok": false, "error": "no_text"}), true
	default:
		message["type"], message["user"], message["bot_id"] = "message", slackBot, "B0SANDBOT01"
		if given["response_type"] != "in_channel" {
			message["is_ephemeral"] = true
		}
		a.make(a.model.resource("messages"), "", message, map[string]string{"channel": channel}, nil)
	}
	return slackSay(http.StatusOK, object{"ok": true}), true
}

func slackSay(status int, body object) reply {
	return reply{status: status, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body: encode(body)}
}
