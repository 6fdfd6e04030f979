package googlecalendar

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

// listToken is the content of a page or sync token: the version of the records
// when the first page was read, and the last record of the last page.
type listToken struct {
	version int64
	since   int64 // only changes after this version; -1: all records
	after   string
}

func (t listToken) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "google %d %d %s", t.version, t.since, t.after))
}

func readToken(text string) (t listToken, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return t, false
	}
	_, err = fmt.Sscanf(string(raw)+" .", "google %d %d %s", &t.version, &t.since, &t.after)
	t.after = strings.TrimSuffix(t.after, ".")
	return t, err == nil
}

// notWithToken are parameters that are refused together with a sync token.
var notWithToken = []string{
	"iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin", "minAccessRole",
}

// listOf returns a list in pages, or its changes since a sync token.
func listOf(filter func(*sandbox.Call) func(*sandbox.Record) bool) func(*sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	return func(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
		token, failed := tokenOf(r)
		if failed != nil {
			return sandbox.Result{}, failed
		}
		items := r.All(r.Resource, r.Links())
		gone := token.since >= 0 || r.Query["showDeleted"] == true
		var fits func(*sandbox.Record) bool
		if filter != nil {
			fits = filter(r)
		}
		items = slices.DeleteFunc(items, func(rec *sandbox.Record) bool {
			return rec.Version <= token.since || !gone && isDeleted(rec) || fits != nil && !fits(rec)
		})
		order(r, items)
		return pageFrom(r, items, token), nil
	}
}

// tokenOf reads the tokens of a request.
func tokenOf(r *sandbox.Call) (listToken, *sandbox.Failure) {
	token := listToken{version: r.Version(), since: -1}
	if given := sandbox.Text(r.Query["syncToken"]); given != "" {
		for _, name := range notWithToken {
			if !sandbox.Empty(r.Query[name]) {
				return token, refuse(http.StatusBadRequest, "invalid", "Sync token cannot be used with "+name)
			}
		}
		sync, ok := readToken(given)
		if !ok || !r.SyncTokenValid(sync.version) {
			return token, refuse(http.StatusGone, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
		}
		token.since = sync.version
	}
	if given := sandbox.Text(r.Query["pageToken"]); given != "" {
		page, ok := readToken(given)
		if !ok || page.after == "" {
			return token, refuse(http.StatusBadRequest, "invalid", "Invalid page token")
		}
		token = page
	}
	return token, nil
}

func order(r *sandbox.Call, items []*sandbox.Record) {
	switch sandbox.Text(r.Query["orderBy"]) {
	case "startTime":
		slices.SortStableFunc(items, func(a, b *sandbox.Record) int { return int(timeOf(a.Fields["start"]) - timeOf(b.Fields["start"])) })
	case "updated":
		slices.SortStableFunc(items, func(a, b *sandbox.Record) int { return int(a.Version - b.Version) })
	}
}

// pageFrom returns a page. The last one has the token for later changes.
func pageFrom(r *sandbox.Call, items []*sandbox.Record, token listToken) sandbox.Result {
	out := sandbox.Page{Total: len(items), Size: r.PageSize()}
	if n := r.PositiveArg("maxResults"); n > 0 {
		out.Size = min(n, 2500)
	}
	if token.after != "" {
		out.Start = slices.IndexFunc(items, func(rec *sandbox.Record) bool { return rec.ID == token.after }) + 1
	}
	end := min(out.Start+out.Size, len(items))
	out.Items, out.More = items[out.Start:end], end < len(items)
	fields := sandbox.Object{"kind": strings.TrimSuffix(kindOfResource[r.Resource], "Entry") + "s", "etag": `"` + sandbox.Text(sandbox.Number(r.Version())) + `"`}
	if calendar := r.Get("calendars", r.Params["calendarId"]); calendar != nil && r.Resource == resourceEvents {
		fields["summary"], fields["timeZone"] = calendar.Fields["summary"], calendar.Fields["timeZone"]
		fields["updated"], fields["accessRole"] = sandbox.FormatTime(r.Now), "owner"
	}
	if out.More {
		token.after = out.Items[len(out.Items)-1].ID
		fields["nextPageToken"] = token.String()
	} else {
		fields["nextSyncToken"] = listToken{version: token.version}.String()
	}
	return sandbox.Result{Listed: true, Page: sandbox.Page{Items: out.Items, Size: out.Size, Total: out.Total}, Fields: fields}
}

func roleFilter(r *sandbox.Call) func(*sandbox.Record) bool {
	roles := []string{"freeBusyReader", "reader", "writer", "owner"}
	least := slices.Index(roles, sandbox.Text(r.Query["minAccessRole"]))
	return func(rec *sandbox.Record) bool {
		return slices.Index(roles, sandbox.Text(rec.Fields["accessRole"])) >= least && (rec.Fields["hidden"] != true || r.Query["showHidden"] == true)
	}
}

// eventFilter selects the events that match the query.
func eventFilter(r *sandbox.Call) func(*sandbox.Record) bool {
	q, uid := strings.ToLower(sandbox.Text(r.Query["q"])), sandbox.Text(r.Query["iCalUID"])
	from, to, updated := sandbox.Text(r.Query["timeMin"]), sandbox.Text(r.Query["timeMax"]), sandbox.Text(r.Query["updatedMin"])
	types, _ := r.Query["eventTypes"].([]any)
	return func(rec *sandbox.Record) bool {
		switch f := rec.Fields; {
		case q != "" && !sandbox.Contains(f, q), uid != "" && sandbox.Text(f["iCalUID"]) != uid:
			return false
		case from != "" && f["recurrence"] == nil && timeOf(f["end"]) <= sandbox.UnixMilli(from):
			return false
		case to != "" && timeOf(f["start"]) >= sandbox.UnixMilli(to):
			return false
		case updated != "" && sandbox.UnixMilli(f["updated"]) < sandbox.UnixMilli(updated):
			return false
		case len(types) > 0 && !sandbox.Matches(f["eventType"], types):
			return false
		}
		return hasProperty(rec, "private", r.Query["privateExtendedProperty"]) && hasProperty(rec, "shared", r.Query["sharedExtendedProperty"])
	}
}

// hasProperty reports whether an event has all of name=value among its own
// properties.
func hasProperty(rec *sandbox.Record, kind string, want any) bool {
	all, _ := want.([]any)
	for _, v := range all {
		name, value, _ := strings.Cut(sandbox.Text(v), "=")
		if sandbox.Text(sandbox.Lookup(rec.Fields, "extendedProperties."+kind+"."+name)) != value {
			return false
		}
	}
	return true
}
