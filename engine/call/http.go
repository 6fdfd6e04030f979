package call

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/charset"
)

// Duration is a number of seconds, or text such as "5s" or "2m".
type Duration time.Duration

// UnmarshalJSON reads either form.
func (d *Duration) UnmarshalJSON(text []byte) error {
	word := string(text)
	if unquoted, err := strconv.Unquote(word); err == nil {
		word = unquoted
	} else {
		word += "s"
	}
	read, err := time.ParseDuration(word)
	if err != nil || read < 0 {
		return fmt.Errorf("timeout: expected seconds or text such as %q, found %s", "5s", text)
	}
	*d = Duration(read)
	return nil
}

// HTTP sends a request to any address that is allowed. It returns every complete
// answer whatever its status, except one after which an unsafe request may have
// been done: that is an error of kind uncertain, and 429 after waits of MaxWait
// one of kind rate_limited. An answer whose text cannot be decoded is an error of
// kind invalid.
func (c *Client) HTTP(ctx context.Context, r HTTPRequest) (HTTPAnswer, error) {
	j, err := c.httpJob(r)
	if err != nil {
		return HTTPAnswer{}, redactor{secrets: r.Secrets}.redactError(&bindings.Error{
			Kind: bindings.Invalid, Operation: httpName(r.Method), Message: err.Error()})
	}
	var answer HTTPAnswer
	var unread *bindings.Error
	j.read = func(status int, header http.Header, body []byte) ([]byte, *bindings.Error) {
		stored := json.RawMessage(nil)
		if j.asFile && status < 300 {
			stored, body = body, nil
		}
		var err error
		unread = nil
		if answer, err = readHTTP(status, header, body, r.Charset); err != nil {
			unread = j.unreadable(status, err)
		}
		answer.File = stored
		answer.redact(redactor{secrets: r.secrets()})
		if status != http.StatusTooManyRequests && status < 500 {
			return nil, unread
		}
		e := j.errorf(kindOfStatus(status), status != http.StatusNotImplemented, "it answered %d %s", status, http.StatusText(status))
		text := bytes.ToValidUTF8(body, []byte("?"))
		if answer.Body != "" {
			text = []byte(answer.Body)
		}
		e.Status, e.Body = status, errorBody(text, json.Valid(text))
		return nil, e
	}
	sent, err := c.send(ctx, j)
	var e *bindings.Error
	if errors.As(err, &e) {
		if answer.Status >= 500 && e.Kind == bindings.Unavailable && sent.Refused == nil {
			e, err = unread, nil // it reads, or is not implemented: the script gets the status
		}
		if e != nil {
			named := *e
			named.Message = j.operation + " " + j.path + ": " + e.Message
			err = &named
		}
	}
	answer.Sendings = sent.Sendings
	if err != nil {
		return HTTPAnswer{Sendings: sent.Sendings, RetryAfter: sent.RetryAfter, Refused: sent.Refused}, redactor{secrets: r.secrets()}.redactError(err)
	}
	return answer, nil
}

func (r HTTPRequest) secrets() []string {
	if r.Auth == nil {
		return r.Secrets
	}
	return append(slices.Clone(r.Secrets), r.Auth.Bearer, r.Auth.Password)
}

func httpName(method string) string {
	if method == "" {
		return "http.get"
	}
	return "http." + strings.ToLower(method)
}

func (c *Client) httpJob(r HTTPRequest) (*job, error) {
	w, host, err := r.wire()
	if err != nil {
		return nil, err
	}
	j := &job{
		operation: httpName(w.method), path: host, wire: w, safety: unsafeRepeat, recorder: r.BegunRecorder, caller: r.Caller, sender: c.web, timeout: c.config.Timeout,
	}
	if slices.Contains(readMethods, w.method) {
		j.safety = readOnly
	}
	again, err := readSentRecord(r.Again)
	if err != nil {
		return nil, err
	}
	if again.complete() {
		if err := again.restore(w, "", ""); err != nil {
			return nil, err
		}
	}
	if j.safety != readOnly {
		j.setRecord(w.snapshot("", "", plainHeaders, redactor{secrets: r.secrets()}, len(r.Secrets) > 0), again, c.config.Clock.Now())
	}
	return j, r.options(j)
}

// wire makes the request. Its path in errors and logs is the host: the rest of
// the address may be secret.
func (r HTTPRequest) wire() (_ *wire, host string, err error) {
	method := strings.ToUpper(r.Method)
	if method == "" {
		method = http.MethodGet
	}
	if !slices.Contains(methods, method) {
		return nil, "", fmt.Errorf("expected one of the methods %s, found %q", strings.Join(methods, ", "), r.Method)
	}
	u, err := r.address()
	if err != nil {
		return nil, "", err
	}
	w := &wire{method: method, url: u.String(), header: http.Header{}}
	w.header.Set("User-Agent", userAgent)
	if err := r.encode(w); err != nil {
		return nil, "", err
	}
	return w, u.Host, setHeaders(w.header, r.Headers)
}

// address is the URL with the query.
func (r HTTPRequest) address() (*url.URL, error) {
	u, err := url.Parse(r.URL)
	switch {
	case err != nil || u.Host == "":
		return nil, fmt.Errorf("expected an address such as https://host/path")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("expected an address of https or http, found %q", u.Scheme)
	case u.User != nil:
		return nil, fmt.Errorf("expected no user in the address; write auth = { user = …, password = … }")
	}
	query, err := queryOf(r.Query)
	if err != nil {
		return nil, err
	}
	if query != "" && u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	if query != "" {
		u.RawQuery = query
	}
	u.Fragment = ""
	return u, nil
}

// options sets how the answer is read and how long it may take.
func (r HTTPRequest) options(j *job) error {
	if r.Charset != "" {
		if err := charset.Check(r.Charset); err != nil {
			return fmt.Errorf("charset: %w", err)
		}
	}
	if r.As != "" && r.As != "file" {
		return fmt.Errorf("as: expected %q, found %q", "file", r.As)
	}
	if j.asFile = r.As != ""; j.asFile {
		j.timeout = max(j.timeout, fileTimeout)
	}
	if r.Timeout > 0 {
		j.timeout = time.Duration(r.Timeout)
	}
	return nil
}

// encode sets body and authorisation.
func (r HTTPRequest) encode(w *wire) error {
	given := 0
	for _, has := range []bool{isSet(r.JSON), r.Body != nil, isSet(r.File), isSet(r.Form), isSet(r.Multipart)} {
		if has {
			given++
		}
	}
	switch {
	case given > 1:
		return fmt.Errorf("expected one of json, body, form and multipart, found more than one")
	case isSet(r.File):
		var c content
		if err := json.Unmarshal(r.File, &c); err != nil {
			return fmt.Errorf("body: %w", err)
		}
		if err := w.setFile(c); err != nil {
			return err
		}
	case isSet(r.Form):
		if err := w.setForm(r.Form); err != nil {
			return err
		}
	case isSet(r.Multipart):
		if err := multipartOf(w, r.Multipart); err != nil {
			return err
		}
	case isSet(r.JSON):
		w.body = r.JSON
		w.header.Set("Content-Type", contentJSON)
	case r.Body != nil:
		w.body = []byte(*r.Body)
		w.header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	if (w.body != nil || w.stream != nil) && (w.method == http.MethodGet || w.method == http.MethodHead) {
		return fmt.Errorf("a request of method %s takes no body", w.method)
	}
	if r.Auth == nil {
		return nil
	}
	value := "Bearer " + r.Auth.Bearer
	if r.Auth.Bearer == "" {
		value = "Basic " + base64.StdEncoding.EncodeToString([]byte(r.Auth.User+":"+r.Auth.Password))
	}
	return setHeaders(w.header, map[string]string{"Authorization": value})
}

// isSet reports whether a field was given.
func isSet(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// setForm makes an object of names and values the body, urlencoded.
func (w *wire) setForm(fields json.RawMessage) error {
	var file error
	gjson.ParseBytes(fields).ForEach(func(name, value gjson.Result) bool {
		if hasFileField(value) {
			file = fmt.Errorf("form: %q is a file; send it with multipart = { … }", name.String())
		}
		return file == nil
	})
	if file != nil {
		return file
	}
	text, err := tableText("form", fields)
	if err != nil {
		return err
	}
	w.body = []byte(text)
	w.header.Set("Content-Type", "application/x-www-form-urlencoded")
	return nil
}

// multipartOf writes an object of texts and files as a form.
func multipartOf(w *wire, fields json.RawMessage) error {
	var values []located
	gjson.ParseBytes(fields).ForEach(func(name, value gjson.Result) bool {
		values = append(values, located{inBody, name.String(), nil, value})
		return true
	})
	return (&shape{}).multipart(w, values)
}

func (a *HTTPAnswer) redact(secrets redactor) {
	a.Body = secrets.redactAnswer(a.Body)
	for name, value := range a.Headers {
		a.Headers[name] = secrets.redactAnswer(value)
	}
}

func readHTTP(status int, header http.Header, body []byte, override string) (HTTPAnswer, error) {
	a := HTTPAnswer{Status: status, Headers: make(map[string]string, len(header))}
	for name, values := range header {
		a.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	text, isText, err := answerText(header, body, override)
	switch {
	case err != nil:
	case isText:
		a.Body = string(text)
	default:
		a.Base64 = base64.StdEncoding.EncodeToString(body)
	}
	return a, err
}

// MarshalJSON writes the answer as scripts get it: with a body, empty or not,
// unless something is in its place.
func (a HTTPAnswer) MarshalJSON() ([]byte, error) {
	type answer HTTPAnswer
	if a.Body != "" || a.Base64 != "" || a.File != nil {
		return json.Marshal(answer(a))
	}
	return json.Marshal(struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	}{a.Status, a.Headers, ""})
}
