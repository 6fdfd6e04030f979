package call

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
)

// wire is a request in the form in which it is sent; each sending has the same
// bytes.
type wire struct {
	method string
	url    string
	header http.Header
	body   []byte // nil: none
	stream stream // instead of body, where files are in it
}

// located is a value with its place in the request.
type located struct {
	place place
	name  string
	typ   *bindings.Type
	value gjson.Result
}

// userAgent is the User-Agent of all requests.
const userAgent = "tidewire"

// build puts the arguments where the operation wants them. They have passed
// Check, or the caller asked for no check: then names that are not declared go
// into the body, or without one into the query.
func (s *shape) build(base string, op *bindings.Operation, args json.RawMessage) (*wire, error) {
	table := gjson.ParseBytes(args)
	next, err := nextAddress(base, op.Pages, table)
	if err != nil {
		return nil, err
	}
	l := layout{path: op.Path, header: http.Header{}}
	l.header.Set("Accept", "application/json, */*;q=0.5")
	l.header.Set("User-Agent", userAgent)
	asText := op.Body != nil && (op.Body.Encoding == bindings.Form || op.Body.Encoding == bindings.Multipart)
	for _, v := range s.locate(op, table) {
		if (v.value.IsObject() || v.value.IsArray()) && (v.place != inBody || asText) { // it is written item by item, or as it is
			v.value = gjson.ParseBytes(s.appendValue(nil, v.value, v.typ))
		}
		if err := l.add(op, v); err != nil {
			return nil, err
		}
	}
	if start := strings.IndexByte(l.path, '{'); start >= 0 {
		name, _, _ := strings.Cut(l.path[start+1:], "}")
		return nil, fmt.Errorf("missing argument %q", name)
	}
	w := &wire{method: op.Method, url: next, header: l.header}
	if next == "" {
		w.url = l.address(base)
	}
	if body := bodyOfCall(op, l.body); body != nil {
		if err := s.encodeBody(w, body, l.body); err != nil {
			return nil, err
		}
	}
	for name, value := range op.Fixed {
		w.header.Set(name, value)
	}
	return w, nil
}

// layout is a request whose arguments are being put in their places.
type layout struct {
	path   string // with {name} for what is missing
	query  strings.Builder
	header http.Header
	body   []located
}

func (l *layout) add(op *bindings.Operation, v located) error {
	switch v.place {
	case inPath:
		text, err := pathText(v)
		if err != nil {
			return err
		}
		l.path = strings.ReplaceAll(l.path, "{"+v.name+"}", text)
	case inQuery:
		if between, found := op.Join[v.name]; found && v.value.IsArray() {
			v.value = joined(v.value, between)
		}
		addQuery(&l.query, v)
	case inHeader:
		text := plainText(v.value)
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return fmt.Errorf("argument %q holds a line break, which a header cannot", v.name)
		}
		l.header.Set(v.name, text)
	case inBody:
		l.body = append(l.body, v)
	}
	return nil
}

func (l *layout) address(base string) string {
	if l.query.Len() == 0 {
		return base + l.path
	}
	return base + l.path + "?" + l.query.String()
}

// bodyOfCall is the body as it is declared, else JSON for arguments that were
// not checked. It is nil where there is none.
func bodyOfCall(op *bindings.Operation, values []located) *bindings.Body {
	if op.Body == nil && len(values) > 0 {
		return &bindings.Body{Encoding: bindings.JSON}
	}
	return op.Body
}

// locate returns the place of each value of the table.
func (s *shape) locate(op *bindings.Operation, table gjson.Result) []located {
	var all []located
	other := inBody
	if op.Body == nil && !s.anyName {
		other = inQuery
	}
	table.ForEach(func(key, value gjson.Result) bool {
		name := key.String()
		if a := s.index[name]; a != nil {
			all = s.place(all, a, value, other, name)
		} else {
			all = append(all, located{other, name, s.anyType, value})
		}
		return true
	})
	return all
}

func (s *shape) place(all []located, a *argument, value gjson.Result, other place, wireName string) []located {
	if len(a.members) > 0 && value.IsObject() {
		value.ForEach(func(key, inner gjson.Result) bool {
			name := wireName + "[" + key.String() + "]"
			if member := find(a.members, key.String()); member != nil {
				all = s.place(all, member, inner, other, name)
			} else {
				all = append(all, located{other, name, nil, inner})
			}
			return true
		})
		return all
	}
	for i := range a.params {
		at := &a.params[i]
		all = append(all, located{at.place, at.wire, &at.typ, value})
	}
	return all
}

// pathText is a value as one segment of a path: never empty, and never "." or
// "..".
func pathText(v located) (string, error) {
	text := plainText(v.value)
	switch {
	case v.value.Type == gjson.Null || text == "":
		return "", fmt.Errorf("argument %q is empty, and it is part of the path", v.name)
	case text == "." || text == "..":
		return "", fmt.Errorf("argument %q cannot be %q, since it is part of the path", v.name, text)
	}
	return url.PathEscape(text), nil
}

// addQuery writes one parameter, a list once for each item.
func addQuery(b *strings.Builder, v located) {
	switch {
	case v.value.Type == gjson.Null:
	case v.value.IsArray():
		v.value.ForEach(func(_, item gjson.Result) bool {
			addQuery(b, located{name: v.name, value: item})
			return true
		})
	default:
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(queryName(v.name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(plainText(v.value)))
	}
}

// joined writes a list as one text. Nulls are left out, and an empty list
// is null.
func joined(list gjson.Result, between string) gjson.Result {
	var parts []string
	for _, item := range list.Array() {
		if item.Type != gjson.Null {
			parts = append(parts, plainText(item))
		}
	}
	if len(parts) == 0 {
		return gjson.Result{}
	}
	return gjson.Result{Type: gjson.String, Str: strings.Join(parts, between)}
}

// queryName leaves brackets readable, as vendors write them.
func queryName(name string) string {
	return strings.NewReplacer("%5B", "[", "%5D", "]").Replace(url.QueryEscape(name))
}

// plainText is a scalar as text and anything else as JSON. Whole numbers have
// no point and no exponent.
func plainText(v gjson.Result) string {
	if v.Type == gjson.Number {
		return number(v)
	}
	if v.Type == gjson.String {
		return v.Str
	}
	return v.Raw
}

// fillAccount adds the connection's account, and that account's parent, where
// the operation takes them and the script passes none.
func fillAccount(s *shape, op *bindings.Operation, args json.RawMessage, account, parent string) json.RawMessage {
	if len(args) == 0 {
		args = json.RawMessage("{}")
	}
	table, added := gjson.ParseBytes(args), map[string]string{}
	add := func(name, value string) bool {
		lacks := name != "" && value != "" && !hasKey(table, name) && (s.index[name] != nil || s.anyName)
		if lacks {
			added[name] = value
		}
		return lacks
	}
	add(op.Parent, parent)
	if add(op.Account, account) {
		for name, value := range op.AccountWith {
			if !hasKey(table, name) {
				added[name] = value
			}
		}
	}
	if len(added) == 0 {
		return args
	}
	text, err := json.Marshal(added)
	if err != nil {
		return args // strings always encode
	}
	return prepend(args, text)
}

// prepend puts the members of one object before those of another, which may be
// an empty list: a Lua table with nothing in it.
func prepend(args, added json.RawMessage) json.RawMessage {
	inner := bytes.TrimSpace(args)
	if len(inner) < 2 || inner[0] != '{' && inner[0] != '[' {
		return args
	}
	list := inner[0] == '['
	inner = bytes.TrimSpace(inner[1 : len(inner)-1])
	switch {
	case len(inner) == 0:
		return added
	case list:
		return args
	}
	out := append([]byte{}, added[:len(added)-1]...)
	return append(append(append(out, ','), inner...), '}')
}
