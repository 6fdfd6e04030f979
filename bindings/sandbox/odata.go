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

// The parameters of OData that a list may take, and those that stand in the
// addresses of next pages only.
const (
	odataFilter = "$filter"
	odataOrder  = "$orderby"
	odataSkip   = "$skiptoken"
	odataDelta  = "$deltatoken"
	deltaLink   = "@odata.deltaLink"
)

// odata keeps what $filter and $orderby of the request ask for.
func (r *request) odata(items []*record) ([]*record, *failure) {
	if text := text(r.query[odataFilter]); text != "" {
		test, good := odataTest(text)
		if !good {
			return nil, &failure{status: http.StatusBadRequest, kind: bindings.Invalid, message: "Invalid filter clause: " + text}
		}
		items = slices.DeleteFunc(items, func(item *record) bool { return !test(item) })
	}
	if order := text(r.query[odataOrder]); order != "" {
		path, direction, _ := strings.Cut(strings.TrimSpace(order), " ")
		slices.SortStableFunc(items, func(a, b *record) int {
			order := odataCompare(odataAt(a, path), text(odataAt(b, path)))
			if direction == "desc" {
				return -order
			}
			return order
		})
	}
	return items, nil
}

// odataTest reads comparisons joined by "and": lastModifiedDateTime gt
// 2026-01-01T00:00:00Z and startswith(displayName,'A').
func odataTest(clause string) (func(*record) bool, bool) {
	var tests []func(*record) bool
	for part := range strings.SplitSeq(clause, " and ") {
		test := odataTerm(strings.TrimSpace(part))
		if test == nil {
			return nil, false
		}
		tests = append(tests, test)
	}
	return func(item *record) bool {
		return !slices.ContainsFunc(tests, func(test func(*record) bool) bool { return !test(item) })
	}, true
}

var odataOperators = map[string]func(order int) bool{
	"eq": func(order int) bool { return order == 0 }, "ne": func(order int) bool { return order != 0 },
	"gt": func(order int) bool { return order > 0 }, "ge": func(order int) bool { return order >= 0 },
	"lt": func(order int) bool { return order < 0 }, "le": func(order int) bool { return order <= 0 },
}

func odataTerm(term string) func(*record) bool {
	if inner, found := strings.CutPrefix(term, "startswith("); found {
		path, literal, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ",")
		want, good := odataLiteral(literal)
		if !good {
			return nil
		}
		return func(item *record) bool {
			return strings.HasPrefix(strings.ToLower(text(odataAt(item, path))), strings.ToLower(want))
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
	return func(item *record) bool {
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

func odataAt(item *record, path string) any {
	return lookup(item.fields, strings.ReplaceAll(strings.TrimSpace(path), "/", "."))
}

// odataCompare compares as times, else as numbers, else as texts.
func odataCompare(have any, want string) int {
	a, errA := time.Parse(time.RFC3339, text(have))
	b, errB := time.Parse(time.RFC3339, want)
	if errA == nil && errB == nil {
		return a.Compare(b)
	}
	m, errM := strconv.ParseFloat(text(have), 64)
	n, errN := strconv.ParseFloat(want, 64)
	switch {
	case errM != nil || errN != nil:
		return strings.Compare(strings.ToLower(text(have)), strings.ToLower(want))
	case m < n:
		return -1
	case m > n:
		return 1
	}
	return 0
}

// skipped is the position behind the item that the address of a next page names.
func (r *request) skipped(items []*record) int {
	token := r.http.URL.Query().Get(odataSkip)
	if token == "" {
		return 0
	}
	id, err := base64.RawURLEncoding.DecodeString(token)
	i := slices.IndexFunc(items, func(item *record) bool { return err == nil && item.id == string(id) })
	if i < 0 {
		return len(items)
	}
	return i + 1
}

// linked writes the whole address of the next page, or, of a list that follows
// changes, that of the changes to come.
func (r *request) linked(out object, p page) {
	query := r.http.URL.Query()
	switch {
	case p.more:
		query.Set(odataSkip, base64.RawURLEncoding.EncodeToString([]byte(p.items[len(p.items)-1].id)))
		out[r.plan.op.Pages.URL] = r.address(query)
	case fieldOf(r.plan.types.answerDefinition(r.plan.op), deltaLink) != nil:
		out[deltaLink] = r.address(url.Values{odataDelta: {strconv.FormatInt(r.app.store.changes, 10)}})
	}
}

// address is that of this request with another query.
func (r *request) address(query url.Values) string {
	scheme := "http"
	if r.http.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.http.Host + r.http.URL.EscapedPath() + "?" + query.Encode()
}

// changed keeps the records that changed since the address that the request
// was given as deltaLink; without one, all of them.
func (r *request) changed(items []*record) []*record {
	since, err := strconv.ParseInt(r.http.URL.Query().Get(odataDelta), 10, 64)
	if err != nil {
		return items
	}
	return slices.DeleteFunc(items, func(item *record) bool { return item.changed <= since })
}
