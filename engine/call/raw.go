package call

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/file"
)

// rawName is the name of an endpoint without an entry, in errors and logs.
const rawName = "request"

// name is rawName with the edition before it.
func (r RawRequest) name() string {
	if r.Catalogue == nil {
		return rawName
	}
	return r.Catalogue.Qualify(rawName)
}

// Raw calls an endpoint that has no entry in the catalogue, on the
// connection's own host and with its authorisation. All methods but GET and
// HEAD count as changing something.
func (c *Client) Raw(ctx context.Context, r RawRequest) (Answer, error) {
	conn, err := c.connection(r.App, r.name(), r.Connection)
	if err != nil {
		return Answer{}, err
	}
	answer, err := c.raw(ctx, r, conn)
	return answer, redactor{conn, r.Secrets}.redactError(c.checkRefusal(ctx, conn, err))
}

func (c *Client) raw(ctx context.Context, r RawRequest, conn *connection.Connection) (Answer, error) {
	op, w, err := r.wire(conn.BaseURL(), c.config.Files)
	if err != nil {
		return Answer{}, &bindings.Error{Kind: bindings.Invalid, App: r.App.Name, Operation: r.name(), Connection: conn.Name(),
			Message: err.Error() + "\n" + r.App.Name + "." + r.name() + " { path: string, method?: string, query?: table, headers?: table, body?: any }"}
	}
	if e := connectionProblem(conn, op); e != nil {
		return Answer{}, e
	}
	again, err := readSentRecord(r.Again)
	if err != nil {
		return Answer{}, err
	}
	if e := checkReachable(r.App, op, conn); e != nil {
		return Answer{}, notAllowedError(e, again, safetyOf(op, nil))
	}
	if e := checkAllowed(r.App, op, conn); e != nil {
		return Answer{}, notAllowedError(e, again, safetyOf(op, nil))
	}
	withKey := r.Key != "" && r.App.KeyHeader != "" && !op.ReadOnly()
	if withKey {
		w.header.Set(r.App.KeyHeader, r.Key)
	}
	if again.complete() {
		if err := again.restore(w, conn.BaseURL(), r.App.KeyHeader); err != nil {
			return Answer{}, err
		}
	}
	secrets := redactor{conn, r.Secrets}
	j := c.appJob(r.App, op, secrets, w, r.Timeout, r.BegunRecorder)
	j.caller = r.Caller
	if j.asFile = r.AsFile; r.AsFile && r.Timeout == 0 && conn.Timeout() == 0 {
		j.timeout = fileTimeout
	}
	j.safety = safetyOf(op, nil)
	j.setKeyTTL(w, r.App, withKey)
	if j.safety != readOnly {
		first := w.snapshot(conn.BaseURL(), r.App.KeyHeader, plainHeaders, secrets, len(r.Secrets) > 0)
		first.To = sentToOf(conn)
		j.setRecord(first, again, c.config.Clock.Now())
	}
	return c.send(ctx, j)
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// wire makes the request, and an operation with its method and name.
func (r RawRequest) wire(base string, files *file.Store) (*bindings.Operation, *wire, error) {
	method := strings.ToUpper(r.Method)
	if method == "" {
		method = http.MethodGet
	}
	if !slices.Contains(methods, method) {
		return nil, nil, fmt.Errorf("argument %q: expected one of %s, found %q", "method", strings.Join(methods, ", "), r.Method)
	}
	path, err := rawPath(base, r.Path)
	if err != nil {
		return nil, nil, err
	}
	op := &bindings.Operation{Name: r.name(), Method: method, Path: "(raw)"}
	w := &wire{method: method, url: base + path, header: http.Header{}}
	w.header.Set("Accept", "application/json, */*;q=0.5")
	w.header.Set("User-Agent", userAgent)
	catalogue := r.Catalogue
	if catalogue == nil {
		catalogue = r.App.Catalogue
	}
	for name, value := range fixedHeaders(catalogue, path) {
		w.header.Set(name, value)
	}
	if err := setHeaders(w.header, r.Headers); err != nil {
		return nil, nil, err
	}
	query, err := queryOf(r.Query)
	if err != nil {
		return nil, nil, err
	}
	if query != "" {
		w.url += "?" + query
	}
	if isSet(r.Body) {
		err = r.encode(w, files)
		w.setJSONType(r.App)
	}
	return op, w, err
}

// encode sets the body: JSON, or a file as it is.
func (r RawRequest) encode(w *wire, files *file.Store) (err error) {
	if v := gjson.ParseBytes(r.Body); hasFileField(v) {
		return binary(w, &bindings.Body{}, []located{{inBody, "body", nil, v}})
	}
	w.header.Set("Content-Type", contentJSON)
	if w.body = r.Body; bytes.Contains(r.Body, []byte(`"file":`)) {
		w.body, err = appendInlined(nil, gjson.ParseBytes(r.Body), files)
	}
	return err
}

// rawPath checks that a path stays below the base address.
func rawPath(base, path string) (string, error) {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return "", fmt.Errorf(`argument "path": expected a path below %s that begins with "/", found %q`, base, path)
	}
	if strings.ContainsAny(path, "?#") {
		return "", fmt.Errorf(`argument "path": %q has a "?" or "#"; put what follows into query`, path)
	}
	u, err := url.Parse(base + path)
	if err != nil || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
		return "", fmt.Errorf(`argument "path": %q is not a path`, path)
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == ".." || segment == "." {
			return "", fmt.Errorf(`argument "path": %q leads elsewhere; leave out "." and ".."`, path)
		}
	}
	return (&url.URL{Path: path}).EscapedPath(), nil
}

// fixedHeaders are those of the operation whose path has the longest common
// beginning: raw requests need a vendor's version header too.
func fixedHeaders(catalogue *bindings.Catalogue, path string) map[string]string {
	if catalogue == nil {
		return nil
	}
	var fixed map[string]string
	longest := -1
	for _, name := range catalogue.Operations() {
		op, _ := catalogue.Operation(name)
		if length := commonPrefix(op.Path, path); length > longest && len(op.Fixed) > 0 {
			fixed, longest = op.Fixed, length
		}
	}
	return fixed
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// setHeaders sets the headers of a script, and refuses those that would break
// the request. The authorisation of a connection is set after them.
func setHeaders(header http.Header, given map[string]string) error {
	for name, value := range given {
		switch canonical := http.CanonicalHeaderKey(name); {
		case !validHeader(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			return fmt.Errorf("header %q: its name or value cannot be sent", name)
		case slices.Contains([]string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade"}, canonical):
			return fmt.Errorf("header %q cannot be set", name)
		default:
			header.Set(name, value)
		}
	}
	return nil
}

func validHeader(name string) bool {
	for i := range len(name) {
		b := name[i]
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0) {
			return false
		}
	}
	return name != ""
}

// queryOf writes an object as a query: lists once for each item, tables as
// bracket names.
func queryOf(query json.RawMessage) (string, error) { return tableText("query", query) }

// tableText writes the names and values of an argument as in a query. A table in it makes
// names with brackets, a list repeats its name.
func tableText(argument string, table json.RawMessage) (string, error) {
	if len(table) == 0 || string(table) == "null" || string(table) == "[]" {
		return "", nil
	}
	if !json.Valid(table) || !gjson.ParseBytes(table).IsObject() {
		return "", fmt.Errorf("argument %q: expected a table of names and values", argument)
	}
	var b strings.Builder
	addTable(&b, "", gjson.ParseBytes(table))
	return b.String(), nil
}

func addTable(b *strings.Builder, prefix string, table gjson.Result) {
	table.ForEach(func(key, value gjson.Result) bool {
		name := key.String()
		if prefix != "" {
			name = prefix + "[" + name + "]"
		}
		if value.IsObject() {
			addTable(b, name, value)
		} else {
			addQuery(b, located{name: name, value: value})
		}
		return true
	})
}
