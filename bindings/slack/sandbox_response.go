package slack

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

const (
	responsePath     = "/response/"
	maxResponses     = 5
	responseLifetime = 30 * time.Minute
)

// respond does what a post to a response_url asks for: it sends an answer to one
// person or the channel, or changes or deletes the message that was used.
func respond(a *sandbox.App, h *http.Request, raw []byte, path string) (sandbox.Reply, bool) {
	id, found := strings.CutPrefix(path, responsePath)
	if !found || h.Method != http.MethodPost {
		return sandbox.Reply{}, false
	}
	known := a.Get("responses", id)
	if known == nil {
		return jsonReply(http.StatusNotFound, sandbox.Object{"ok": false, "error": "no_such_url"}), true
	}
	left, _ := strconv.Atoi(sandbox.Text(known.Fields["left"]))
	now := a.Time()
	if left == 0 || now.Sub(time.UnixMilli(known.At)) > responseLifetime {
		return jsonReply(http.StatusNotFound, sandbox.Object{"ok": false, "error": "used_url"}), true
	}
	v, err := sandbox.Decode(raw)
	given, isObject := v.(sandbox.Object)
	if err != nil || !isObject {
		return jsonReply(http.StatusBadRequest, sandbox.Object{"ok": false, "error": "invalid_payload"}), true
	}
	known.Fields["left"] = sandbox.Count(left - 1)
	channel, acted := sandbox.Text(known.Fields["channel"]), a.Get("messages", sandbox.Text(known.Fields["message"]))
	message := sandbox.Object{}
	for _, name := range []string{"text", "blocks", "attachments", "thread_ts"} {
		if given[name] != nil {
			message[name] = sandbox.Clone(given[name])
		}
	}
	switch {
	case given["delete_original"] == true:
		if acted != nil {
			a.Remove("messages", acted)
		}
	case given["replace_original"] == true && acted != nil:
		a.Update("messages", acted, merge(sandbox.Object{"text": "", "blocks": nil, "attachments": nil}, message))
	case sandbox.Empty(message["text"]) && sandbox.Empty(message["blocks"]) && sandbox.Empty(message["attachments"]):
		return jsonReply(http.StatusBadRequest, sandbox.Object{"ok": false, "error": "no_text"}), true
	default:
		message["type"], message["user"], message["bot_id"] = "message", botID, "B0SANDBOT01"
		if given["response_type"] != "in_channel" {
			message["is_ephemeral"] = true
		}
		a.Make("messages", "", message, map[string]string{"channel": channel})
	}
	return jsonReply(http.StatusOK, sandbox.Object{"ok": true}), true
}

func jsonReply(status int, body sandbox.Object) sandbox.Reply {
	return sandbox.Reply{Status: status, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, Body: sandbox.Encode(body)}
}
