package googlecalendar

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

const (
	// defaultLifetime is the lifetime of a channel whose request names none.
	defaultLifetime = 7 * 24 * time.Hour
	// maxLifetime is the longest lifetime of a channel.
	maxLifetime = 30 * 24 * time.Hour
)

// watch creates a channel for a list. The sandbox sends its messages as
// App.Subscriptions describe.
func watch(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	id := sandbox.Text(r.Fields["id"])
	switch kind := sandbox.Text(r.Fields["type"]); {
	case id == "" || len(id) > 64:
		return sandbox.Result{}, refuse(http.StatusBadRequest, "required", "entity.id")
	case kind != "web_hook" && kind != "webhook":
		return sandbox.Result{}, refuse(http.StatusBadRequest, "unknownChannelType", "Unknown channel type")
	case r.Get(resourceChannels, id) != nil:
		return sandbox.Result{}, refuse(http.StatusBadRequest, "channelIdNotUnique", "Channel id "+id+" not unique")
	}
	ends := r.Now.Add(defaultLifetime)
	if ms, err := strconv.ParseInt(sandbox.Text(r.Fields["expiration"]), 10, 64); err == nil {
		ends = time.UnixMilli(ms)
		if limit := r.Now.Add(maxLifetime); ends.After(limit) {
			ends = limit
		}
	}
	r.Fields["expiration"] = strconv.FormatInt(ends.UnixMilli(), 10)
	path := strings.TrimSuffix(strings.TrimPrefix(r.HTTP.URL.Path, "/"+r.Def.Name), "/watch")
	return sandbox.Result{Record: r.Make(r.Resource, id, sandbox.Object{
		"kind": "api#channel", "resourceId": sandbox.Letters(r.Random, 27, sandbox.MixedAlphabet), "resourceUri": r.Def.BaseURL + path + "?alt=json",
		"token": r.Fields["token"], "expiration": r.Fields["expiration"],
	}, nil)}, nil
}

func stop(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	id := sandbox.Text(r.Fields["id"])
	found := r.Get(resourceChannels, id)
	if found == nil || sandbox.Text(found.Fields["resourceId"]) != sandbox.Text(r.Fields["resourceId"]) {
		return sandbox.Result{}, r.NotFound("channel", id)
	}
	r.Remove(resourceChannels, found)
	return sandbox.Result{Record: found}, nil
}

// completeDelivery adds the channel of a message, and the message's number in it.
func completeDelivery(sub *sandbox.Subscription, message sandbox.Object) {
	channel := sub.App.Get(resourceChannels, sub.Record)
	if channel == nil {
		return
	}
	n, _ := strconv.Atoi(channel.Links["messages"])
	channel.Links["messages"] = strconv.Itoa(n + 1)
	message["message"], message["channel"] = channel.Links["messages"], channel.ID
	message["resource"], message["uri"] = channel.Fields["resourceId"], channel.Fields["resourceUri"]
	if ms, err := strconv.ParseInt(sandbox.Text(channel.Fields["expiration"]), 10, 64); err == nil {
		message["expires"] = time.UnixMilli(ms).UTC().Format(http.TimeFormat)
	}
}
