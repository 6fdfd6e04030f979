package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// googleToken is what stands in a page or sync token: which version of the
// store a walk began with, and the record that its last page ended with.
type googleToken struct {
	version int64
	since   int64 // only what changed after this version; -1: everything
	after   string
}

func (t googleToken) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "google %d %d %s", t.version, t.since, t.after))
}

func readGoogleToken(text string) (t googleToken, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return t, false
	}
	_, err = fmt.Sscanf(string(raw)+" .", "google %d %d %s", &t.version, &t.since, &t.after)
	t.after = strings.TrimSuffix(t.after, ".")
	return t, err == nil
}

// googleUnsynced are parameters that may not stand beside a sync token.
var googleUnsynced = []string{
	"iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin", "minAccessRole",
}

// googleLists gives a list in pages, or what changed in it since a sync token.
func googleLists(filter func(*Call) func(*Record) bool) func(*Call) (Result, *Failure) {
	return func(r *Call) (Result, *Failure) {
		token, failed := r.googleToken()
		if failed != nil {
			return Result{}, failed
		}
		items := r.All(r.Resource, r.Links())
		gone := token.since >= 0 || r.Query["showDeleted"] == true
		var fits func(*Record) bool
		if filter != nil {
			fits = filter(r)
		}
		items = slices.DeleteFunc(items, func(rec *Record) bool {
			return rec.Version <= token.since || !gone && googleGone(rec) || fits != nil && !fits(rec)
		})
		r.googleOrder(items)
		return r.googlePage(items, token), nil
	}
}

// googleToken reads the tokens of a request.
func (r *Call) googleToken() (googleToken, *Failure) {
	token := googleToken{version: r.Version(), since: -1}
	if given := Text(r.Query["syncToken"]); given != "" {
		for _, name := range googleUnsynced {
			if !Empty(r.Query[name]) {
				return token, googleError(http.StatusBadRequest, "invalid", "Sync token cannot be used with "+name)
			}
		}
		sync, ok := readGoogleToken(given)
		if !ok || !r.Known(sync.version) {
			return token, googleError(http.StatusGone, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
		}
		token.since = sync.version
	}
	if given := Text(r.Query["pageToken"]); given != "" {
		page, ok := readGoogleToken(given)
		if !ok || page.after == "" {
			return token, googleError(http.StatusBadRequest, "invalid", "Invalid page token")
		}
		token = page
	}
	return token, nil
}

func (r *Call) googleOrder(items []*Record) {
	switch Text(r.Query["orderBy"]) {
	case "startTime":
		slices.SortStableFunc(items, func(a, b *Record) int { return int(googleTime(a.Fields["start"]) - googleTime(b.Fields["start"])) })
	case "updated":
		slices.SortStableFunc(items, func(a, b *Record) int { return int(a.Version - b.Version) })
	}
}

// googlePage cuts a page. The last one has the token for what changes later.
func (r *Call) googlePage(items []*Record, token googleToken) Result {
	out := Page{Total: len(items), Size: r.PageSize()}
	if n := r.Positive("maxResults"); n > 0 {
		out.Size = min(n, 2500)
	}
	if token.after != "" {
		out.Start = slices.IndexFunc(items, func(rec *Record) bool { return rec.ID == token.after }) + 1
	}
	end := min(out.Start+out.Size, len(items))
	out.Items, out.More = items[out.Start:end], end < len(items)
	fields := Object{"kind": strings.TrimSuffix(googleKinds[r.Resource], "Entry") + "s", "etag": `"` + Text(Number(r.Version())) + `"`}
	if calendar := r.Get("calendars", r.Params["calendarId"]); calendar != nil && r.Resource == googleEvents {
		fields["summary"], fields["timeZone"] = calendar.Fields["summary"], calendar.Fields["timeZone"]
		fields["updated"], fields["accessRole"] = Stamp(r.Now), "owner"
	}
	if out.More {
		token.after = out.Items[len(out.Items)-1].ID
		fields["nextPageToken"] = token.String()
	} else {
		fields["nextSyncToken"] = googleToken{version: token.version}.String()
	}
	return Result{Listed: true, Page: Page{Items: out.Items, Size: out.Size, Total: out.Total}, Fields: fields}
}

func googleRoleFilter(r *Call) func(*Record) bool {
	roles := []string{"freeBusyReader", "reader", "writer", "owner"}
	least := slices.Index(roles, Text(r.Query["minAccessRole"]))
	return func(rec *Record) bool {
		return slices.Index(roles, Text(rec.Fields["accessRole"])) >= least && (rec.Fields["hidden"] != true || r.Query["showHidden"] == true)
	}
}

// googleEventFilter keeps the events that fit the query.
func googleEventFilter(r *Call) func(*Record) bool {
	q, uid := strings.ToLower(Text(r.Query["q"])), Text(r.Query["iCalUID"])
	from, to, updated := Text(r.Query["timeMin"]), Text(r.Query["timeMax"]), Text(r.Query["updatedMin"])
	types, _ := r.Query["eventTypes"].([]any)
	return func(rec *Record) bool {
		switch f := rec.Fields; {
		case q != "" && !Contains(f, q), uid != "" && Text(f["iCalUID"]) != uid:
			return false
		case from != "" && f["recurrence"] == nil && googleTime(f["end"]) <= Instant(from):
			return false
		case to != "" && googleTime(f["start"]) >= Instant(to):
			return false
		case updated != "" && Instant(f["updated"]) < Instant(updated):
			return false
		case len(types) > 0 && !Fits(f["eventType"], types):
			return false
		}
		return googleHas(rec, "private", r.Query["privateExtendedProperty"]) && googleHas(rec, "shared", r.Query["sharedExtendedProperty"])
	}
}

// googleHas looks for name=value among an event's own properties.
func googleHas(rec *Record, kind string, want any) bool {
	all, _ := want.([]any)
	for _, v := range all {
		name, value, _ := strings.Cut(Text(v), "=")
		if Text(Lookup(rec.Fields, "extendedProperties."+kind+"."+name)) != value {
			return false
		}
	}
	return true
}
