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

// Forget makes an app refuse the tokens that it gave out for what was seen so
// far: Google's sync tokens, and those of Asana's feed.
func (s *Sandbox) Forget(app string) error {
	a := s.apps[app]
	if a == nil {
		return s.unknownApp(app)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.store.version++
	a.forgotten = a.store.version
	return nil
}

// googleUnsynced are parameters that may not stand beside a sync token.
var googleUnsynced = []string{
	"iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin", "minAccessRole",
}

// googleLists gives a list in pages, or what changed in it since a sync token.
func googleLists(filter func(*request) func(*record) bool) func(*request) (result, *failure) {
	return func(r *request) (result, *failure) {
		token, failed := r.googleToken()
		if failed != nil {
			return result{}, failed
		}
		items := r.app.store.all(r.plan.resource.name, r.links())
		gone := token.since >= 0 || r.query["showDeleted"] == true
		var fits func(*record) bool
		if filter != nil {
			fits = filter(r)
		}
		items = slices.DeleteFunc(items, func(rec *record) bool {
			return rec.version <= token.since || !gone && googleGone(rec) || fits != nil && !fits(rec)
		})
		r.googleOrder(items)
		return r.googlePage(items, token), nil
	}
}

// googleToken reads the tokens of a request.
func (r *request) googleToken() (googleToken, *failure) {
	token := googleToken{version: r.app.store.version, since: -1}
	if given := text(r.query["syncToken"]); given != "" {
		for _, name := range googleUnsynced {
			if !empty(r.query[name]) {
				return token, googleError(http.StatusBadRequest, "invalid", "Sync token cannot be used with "+name)
			}
		}
		sync, ok := readGoogleToken(given)
		if !ok || sync.version < r.app.forgotten || sync.version > r.app.store.version {
			return token, googleError(http.StatusGone, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
		}
		token.since = sync.version
	}
	if given := text(r.query["pageToken"]); given != "" {
		page, ok := readGoogleToken(given)
		if !ok || page.after == "" {
			return token, googleError(http.StatusBadRequest, "invalid", "Invalid page token")
		}
		token = page
	}
	return token, nil
}

func (r *request) googleOrder(items []*record) {
	switch text(r.query["orderBy"]) {
	case "startTime":
		slices.SortStableFunc(items, func(a, b *record) int { return int(googleTime(a.fields["start"]) - googleTime(b.fields["start"])) })
	case "updated":
		slices.SortStableFunc(items, func(a, b *record) int { return int(a.version - b.version) })
	}
}

// googlePage cuts a page. The last one has the token for what changes later.
func (r *request) googlePage(items []*record, token googleToken) result {
	out := page{total: len(items), size: r.app.rules.pageSize}
	if n := r.positive("maxResults"); n > 0 {
		out.size = min(n, 2500)
	}
	if token.after != "" {
		out.start = slices.IndexFunc(items, func(rec *record) bool { return rec.id == token.after }) + 1
	}
	end := min(out.start+out.size, len(items))
	out.items, out.more = items[out.start:end], end < len(items)
	fields := object{"kind": strings.TrimSuffix(googleKinds[r.plan.resource.name], "Entry") + "s", "etag": `"` + text(number(r.app.store.version)) + `"`}
	if calendar := r.app.store.get("calendars", r.params["calendarId"]); calendar != nil && r.plan.resource.name == googleEvents {
		fields["summary"], fields["timeZone"] = calendar.fields["summary"], calendar.fields["timeZone"]
		fields["updated"], fields["accessRole"] = stamp(r.now), "owner"
	}
	if out.more {
		token.after = out.items[len(out.items)-1].id
		fields["nextPageToken"] = token.String()
	} else {
		fields["nextSyncToken"] = googleToken{version: token.version}.String()
	}
	return result{listed: true, page: page{items: out.items, size: out.size, total: out.total}, fields: fields}
}

func googleRoleFilter(r *request) func(*record) bool {
	roles := []string{"freeBusyReader", "reader", "writer", "owner"}
	least := slices.Index(roles, text(r.query["minAccessRole"]))
	return func(rec *record) bool {
		return slices.Index(roles, text(rec.fields["accessRole"])) >= least && (rec.fields["hidden"] != true || r.query["showHidden"] == true)
	}
}

// googleEventFilter keeps the events that fit the query.
func googleEventFilter(r *request) func(*record) bool {
	q, uid := strings.ToLower(text(r.query["q"])), text(r.query["iCalUID"])
	from, to, updated := text(r.query["timeMin"]), text(r.query["timeMax"]), text(r.query["updatedMin"])
	types, _ := r.query["eventTypes"].([]any)
	return func(rec *record) bool {
		switch f := rec.fields; {
		case q != "" && !contains(f, q), uid != "" && text(f["iCalUID"]) != uid:
			return false
		case from != "" && f["recurrence"] == nil && googleTime(f["end"]) <= instant(from):
			return false
		case to != "" && googleTime(f["start"]) >= instant(to):
			return false
		case updated != "" && instant(f["updated"]) < instant(updated):
			return false
		case len(types) > 0 && !fits(f["eventType"], types):
			return false
		}
		return googleHas(rec, "private", r.query["privateExtendedProperty"]) && googleHas(rec, "shared", r.query["sharedExtendedProperty"])
	}
}

// googleHas looks for name=value among an event's own properties.
func googleHas(rec *record, kind string, want any) bool {
	all, _ := want.([]any)
	for _, v := range all {
		name, value, _ := strings.Cut(text(v), "=")
		if text(lookup(rec.fields, "extendedProperties."+kind+"."+name)) != value {
			return false
		}
	}
	return true
}
