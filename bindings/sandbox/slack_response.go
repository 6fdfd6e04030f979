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
func slackRespond(a *App, h *http.Request, raw []byte, path string) (Reply, bool) {
	id, found := strings.CutPrefix(path, slackResponsePath)
	if !found || h.Method != http.MethodPost {
		return Reply{}, false
	}
	known := a.Get("responses", id)
	if known == nil {
		return slackSay(http.StatusNotFound, Object{"ok": false, "error": "no_such_url"}), true
	}
	left, _ := strconv.Atoi(Text(known.Fields["left"]))
	now := a.Time()
	if left == 0 || now.Sub(time.UnixMilli(known.At)) > slackResponseAge {
		return slackSay(http.StatusNotFound, Object{"ok": false, "error": "used_url"}), true
	}
	v, err := Decode(raw)
	given, isObject := v.(Object)
	if err != nil || !isObject {
		return slackSay(http.StatusBadRequest, Object{"ok": false, "error": "invalid_payload"}), true
	}
	known.Fields["left"] = Count(left - 1)
	channel, acted := Text(known.Fields["channel"]), a.Get("messages", Text(known.Fields["message"]))
	message := Object{}
	for _, name := range []string{"text", "blocks", "attachments", "thread_ts"} {
		if given[name] != nil {
			message[name] = Clone(given[name])
		}
	}
	switch {
	case given["delete_original"] == true:
		if acted != nil {
			a.Remove("messages", acted)
		}
	case given["replace_original"] == true && acted != nil:
		a.Alter("messages", acted, slackMerged(Object{"text": "", "blocks": nil, "attachments": nil}, message))
	case Empty(message["text"]) && Empty(message["blocks"]) && Empty(message["attachments"]):
		return slackSay(http.StatusBadRequest, Object{"ok": false, "error": "no_text"}), true
	default:
		message["type"], message["user"], message["bot_id"] = "message", slackBot, "B0SANDBOT01"
		if given["response_type"] != "in_channel" {
			message["is_ephemeral"] = true
		}
		a.Make("messages", "", message, map[string]string{"channel": channel})
	}
	return slackSay(http.StatusOK, Object{"ok": true}), true
}

func slackSay(status int, body Object) Reply {
	return Reply{Status: status, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, Body: Encode(body)}
}
