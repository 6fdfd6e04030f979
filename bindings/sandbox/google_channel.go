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
func googleWatch(r *request) (result, *failure) {
	id := text(r.fields["id"])
	switch kind := text(r.fields["type"]); {
	case id == "" || len(id) > 64:
		return result{}, googleError(http.StatusBadRequest, "required", "entity.id")
	case kind != "web_hook" && kind != "webhook":
		return result{}, googleError(http.StatusBadRequest, "unknownChannelType", "Unknown channel type")
	case r.app.store.get(googleChannels, id) != nil:
		return result{}, googleError(http.StatusBadRequest, "channelIdNotUnique", "Channel id "+id+" not unique")
	}
	ends := r.now.Add(googleWeek)
	if ms, err := strconv.ParseInt(text(r.fields["expiration"]), 10, 64); err == nil {
		ends = time.UnixMilli(ms)
		if limit := r.now.Add(googleMonth); ends.After(limit) {
			ends = limit
		}
	}
	r.fields["expiration"] = strconv.FormatInt(ends.UnixMilli(), 10)
	path := strings.TrimSuffix(strings.TrimPrefix(r.http.URL.Path, r.app.base), "/watch")
	return result{record: r.app.make(r.plan.resource, id, object{
		"kind": "api#channel", "resourceId": letters(r.app.random, 27, mixedAlphabet), "resourceUri": r.app.def.BaseURL + path + "?alt=json",
		"token": r.fields["token"], "expiration": r.fields["expiration"],
	}, nil, nil)}, nil
}

func googleStop(r *request) (result, *failure) {
	id := text(r.fields["id"])
	found := r.app.store.get(googleChannels, id)
	if found == nil || text(found.fields["resourceId"]) != text(r.fields["resourceId"]) {
		return result{}, r.app.notFound("channel", id)
	}
	r.app.store.remove(googleChannels, found)
	return result{record: found}, nil
}

// googleNotify says which channel a message came over, and its number there.
func googleNotify(sub *subscription, said object) {
	channel := sub.app.store.get(googleChannels, sub.record)
	if channel == nil {
		return
	}
	n, _ := strconv.Atoi(channel.links["messages"])
	channel.links["messages"] = strconv.Itoa(n + 1)
	said["message"], said["channel"] = channel.links["messages"], channel.id
	said["resource"], said["uri"] = channel.fields["resourceId"], channel.fields["resourceUri"]
	if ms, err := strconv.ParseInt(text(channel.fields["expiration"]), 10, 64); err == nil {
		said["expires"] = time.UnixMilli(ms).UTC().Format(http.TimeFormat)
	}
}
