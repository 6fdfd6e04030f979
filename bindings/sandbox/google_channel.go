package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// googleWeek is what a channel lives where it asks for nothing.
	googleWeek = 7 * 24 * time.Hour
	// googleMonth is the longest that it gets.
	googleMonth = 30 * 24 * time.Hour
)

// googleWatch makes a channel for a list. That messages go over it is for the
// app's Subscriptions to tell.
func googleWatch(r *Call) (Result, *Failure) {
	id := Text(r.Fields["id"])
	switch kind := Text(r.Fields["type"]); {
	case id == "" || len(id) > 64:
		return Result{}, googleError(http.StatusBadRequest, "required", "entity.id")
	case kind != "web_hook" && kind != "webhook":
		return Result{}, googleError(http.StatusBadRequest, "unknownChannelType", "Unknown channel type")
	case r.Get(googleChannels, id) != nil:
		return Result{}, googleError(http.StatusBadRequest, "channelIdNotUnique", "Channel id "+id+" not unique")
	}
	ends := r.Now.Add(googleWeek)
	if ms, err := strconv.ParseInt(Text(r.Fields["expiration"]), 10, 64); err == nil {
		ends = time.UnixMilli(ms)
		if limit := r.Now.Add(googleMonth); ends.After(limit) {
			ends = limit
		}
	}
	r.Fields["expiration"] = strconv.FormatInt(ends.UnixMilli(), 10)
	path := strings.TrimSuffix(strings.TrimPrefix(r.HTTP.URL.Path, "/"+r.Def.Name), "/watch")
	return Result{Record: r.Make(r.Resource, id, Object{
		"kind": "api#channel", "resourceId": Letters(r.Random, 27, MixedAlphabet), "resourceUri": r.Def.BaseURL + path + "?alt=json",
		"token": r.Fields["token"], "expiration": r.Fields["expiration"],
	}, nil)}, nil
}

func googleStop(r *Call) (Result, *Failure) {
	id := Text(r.Fields["id"])
	found := r.Get(googleChannels, id)
	if found == nil || Text(found.Fields["resourceId"]) != Text(r.Fields["resourceId"]) {
		return Result{}, r.NotFound("channel", id)
	}
	r.Remove(googleChannels, found)
	return Result{Record: found}, nil
}

// googleNotify says which channel a message came over, and its number there.
func googleNotify(sub *Subscription, said Object) {
	channel := sub.App.Get(googleChannels, sub.Record)
	if channel == nil {
		return
	}
	n, _ := strconv.Atoi(channel.Links["messages"])
	channel.Links["messages"] = strconv.Itoa(n + 1)
	said["message"], said["channel"] = channel.Links["messages"], channel.ID
	said["resource"], said["uri"] = channel.Fields["resourceId"], channel.Fields["resourceUri"]
	if ms, err := strconv.ParseInt(Text(channel.Fields["expiration"]), 10, 64); err == nil {
		said["expires"] = time.UnixMilli(ms).UTC().Format(http.TimeFormat)
	}
}
