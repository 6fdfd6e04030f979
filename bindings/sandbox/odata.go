package sandbox

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// The parameters of OData that a list may have, and those that are in the
// addresses of next pages only.
const (
	odataFilter = "$filter"
	odataOrder  = "$orderby"
	odataSelect = "$select"
	odataSkip   = "$skiptoken"
	odataDelta  = "$deltatoken"
	deltaLink   = "@odata.deltaLink"
)

// odata applies $filter and $orderby of the request.
func (r *Call) odata(items []*Record) ([]*Record, *Failure) {
	if text := Text(r.Query[odataFilter]); text != "" {
		test, good := odataTest(text)
		if !good {
			return nil, &Failure{Status: http.StatusBadRequest, Kind: bindings.Invalid, Message: "Invalid filter clause: " + text}
		}
		items = slices.DeleteFunc(items, func(item *Record) bool { return !test(item) })
	}
	if order := Text(r.Query[odataOrder]); order != "" {
		path, direction, _ := strings.Cut(strings.TrimSpace(order), " ")
		slices.SortStableFunc(items, func(a, b *Record) int {
			order := odataCompare(odataAt(a, path), Text(odataAt(b, path)))
			if direction == "desc" {
				return -order
			}
			return order
		})
	}
	return items, nil
}

// selected returns an answer with the named fields only: of its items, or of the
// record that it is.
func (r *Call) selected(body any, names string) any {
	only := func(v any) any {
		at, isObject := v.(Object)
		if !isObject {
			return v
		}
		out := Object{}
		for name := range strings.SplitSeq(names, ",") {
			if value, found := at[strings.TrimSpace(name)]; found {
				out[strings.TrimSpace(name)] = value
			}
		}
		return out
	}
	if !r.declares(odataSelect) {
		return body
	}
	pages := r.plan.op.Pages
	if pages == nil {
		return only(body)
	}
	items, _ := Lookup(body, pages.Items).([]any)
	for i := range items {
		items[i] = only(items[i])
	}
	return body
}

// declares reports whether the operation has a parameter in the query.
func (r *Call) declares(name string) bool {
	return slices.ContainsFunc(r.plan.op.Query, func(f bindings.Field) bool { return f.Name == name })
}

// odataTest reads comparisons joined by "and": lastModifiedDateTime gt
// 2026-01-01T00:00:00Z and startswith(displayName,'A').
func odataTest(clause string) (func(*Record) bool, bool) {
	var tests []func(*Record) bool
	for part := range strings.SplitSeq(clause, " and ") {
		test := odataTerm(strings.TrimSpace(part))
		if test == nil {
			return nil, false
		}
		tests = append(tests, test)
	}
	return func(item *Record) bool {
		return !slices.ContainsFunc(tests, func(test func(*Record) bool) bool { return !test(item) })
	}, true
}

var odataOperators = map[string]func(order int) bool{
	"eq": func(order int) bool { return order == 0 }, "ne": func(order int) bool { return order != 0 },
	"gt": func(order int) bool { return order > 0 }, "ge": func(order int) bool { return order >= 0 },
	"lt": func(order int) bool { return order < 0 }, "le": func(order int) bool { return order <= 0 },
}

func odataTerm(term string) func(*Record) bool {
	if inner, found := strings.CutPrefix(term, "startswith("); found {
		path, literal, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ",")
		want, good := odataLiteral(literal)
		if !good {
			return nil
		}
		return func(item *Record) bool {
			return strings.HasPrefix(strings.ToLower(Text(odataAt(item, path))), strings.ToLower(want))
		}
	}
	words := strings.SplitN(term, " ", 3)
	if len(words) != 3 || odataOperators[words[1]] == nil {
		return nil
	}
	want, good := odataLiteral(words[2])
	if !good {
		return nil
	}
	return func(item *Record) bool {
		have := odataAt(item, words[0])
		return have != nil && odataOperators[words[1]](odataCompare(have, want))
	}
}

// odataLiteral reads a text in quotes, or a number, a time, true or false.
func odataLiteral(literal string) (string, bool) {
	literal = strings.TrimSpace(literal)
	if inner, found := strings.CutPrefix(literal, "'"); found {
		inner, found = strings.CutSuffix(inner, "'")
		return strings.ReplaceAll(inner, "''", "'"), found
	}
	return literal, literal != "" && !strings.ContainsAny(literal, " '()")
}

func odataAt(item *Record, path string) any {
	return Lookup(item.Fields, strings.ReplaceAll(strings.TrimSpace(path), "/", "."))
}

// odataCompare compares as times, else as numbers, else as texts.
func odataCompare(have any, want string) int {
	a, errA := time.Parse(time.RFC3339, Text(have))
	b, errB := time.Parse(time.RFC3339, want)
	if errA == nil && errB == nil {
		return a.Compare(b)
	}
	m, errM := strconv.ParseFloat(Text(have), 64)
	n, errN := strconv.ParseFloat(want, 64)
	switch {
	case errM != nil || errN != nil:
		return strings.Compare(strings.ToLower(Text(have)), strings.ToLower(want))
	case m < n:
		return -1
	case m > n:
		return 1
	}
	return 0
}

// skipTokenStart is the position after the item that the $skiptoken of the request
// names.
func (r *Call) skipTokenStart(items []*Record) int {
	token := r.HTTP.URL.Query().Get(odataSkip)
	if token == "" {
		return 0
	}
	id, err := base64.RawURLEncoding.DecodeString(token)
	i := slices.IndexFunc(items, func(item *Record) bool { return err == nil && item.ID == string(id) })
	if i < 0 {
		return len(items)
	}
	return i + 1
}

// writeNextURL writes the whole address of the next page, or, for a list that
// reports changes, the address of later changes.
func (r *Call) writeNextURL(out Object, p Page) {
	query := r.HTTP.URL.Query()
	switch {
	case p.More:
		query.Set(odataSkip, base64.RawURLEncoding.EncodeToString([]byte(p.Items[len(p.Items)-1].ID)))
		out[r.plan.op.Pages.URL] = r.address(query)
	case fieldOf(r.plan.types.answerDefinition(r.plan.op), deltaLink) != nil:
		out[deltaLink] = r.address(url.Values{odataDelta: {strconv.FormatInt(r.App.store.changes, 10)}})
	}
}

// address is that of this request with another query.
func (r *Call) address(query url.Values) string {
	scheme := "http"
	if r.HTTP.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.HTTP.Host + r.HTTP.URL.EscapedPath() + "?" + query.Encode()
}

// changedSince returns the records that changed since the deltaLink whose address
// the request has; without one, all of them.
func (r *Call) changedSince(items []*Record) []*Record {
	since, err := strconv.ParseInt(r.HTTP.URL.Query().Get(odataDelta), 10, 64)
	if err != nil {
		return items
	}
	return slices.DeleteFunc(items, func(item *Record) bool { return item.changed <= since })
}
