package call

import (
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
	"unicode/utf8"

	"github.com/tidewire/tidewire/bindings"
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

// HTTP sends a request to any address that is allowed. Every complete answer
// is handed back whatever its status, except where it leaves open whether an
// unsafe request was done: that is an error of kind uncertain, and 429 beyond
// the client's patience one of kind rate_limited.
func (c *Client) HTTP(ctx context.Context, r HTTPRequest) (HTTPAnswer, error) {
	j, err := c.httpJob(r)
	if err != nil {
		return HTTPAnswer{}, hider{secrets: r.Secrets}.redact(&bindings.Error{
			Kind: bindings.Invalid, Operation: httpName(r.Method), Message: err.Error()})
	}
	var answer HTTPAnswer
	j.read = func(status int, header http.Header, body []byte) ([]byte, *bindings.Error) {
		answer = readHTTP(status, header, body)
		answer.hide(hider{secrets: r.secrets()})
		if status != http.StatusTooManyRequests && status < 500 {
			return nil, nil
		}
		e := j.fail(kindOfStatus(status), status != http.StatusNotImplemented, "it answered %d %s", status, http.StatusText(status))
		e.Status, e.Body = status, bodyOf(body, json.Valid(body))
		return nil, e
	}
	sent, err := c.send(ctx, j)
	var e *bindings.Error
	if errors.As(err, &e) {
		if answer.Status >= 500 && e.Kind == bindings.Unavailable {
			err = nil // it reads, or is not implemented: the script sees the status
		}
		e.Message = j.operation + " " + j.path + ": " + e.Message
	}
	answer.Attempts, answer.Took = sent.Attempts, sent.Took
	if err != nil {
		return HTTPAnswer{Attempts: sent.Attempts, Took: sent.Took}, hider{secrets: r.secrets()}.redact(err)
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
	method := strings.ToUpper(r.Method)
	if method == "" {
		method = http.MethodGet
	}
	if !slices.Contains(methods, method) {
		return nil, fmt.Errorf("expected one of the methods %s, found %q", strings.Join(methods, ", "), r.Method)
	}
	u, err := url.Parse(r.URL)
	switch {
	case err != nil || u.Host == "":
		return nil, fmt.Errorf("expected an address such as https://host/path")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("expected an address of https or http, found %q", u.Scheme)
	case u.User != nil:
		return nil, fmt.Errorf("expected no user in the address; say auth = { user = …, password = … }")
	}
	query, err := queryOf(r.Query)
	if err != nil {
		return nil, err
	}
	if query != "" {
		if u.RawQuery != "" {
			query = u.RawQuery + "&" + query
		}
		u.RawQuery = query
	}
	u.Fragment = ""
	w := &wire{method: method, url: u.String(), header: http.Header{}}
	w.header.Set("User-Agent", userAgent)
	if err := r.encode(w); err != nil {
		return nil, err
	}
	if err := setHeaders(w.header, r.Headers); err != nil {
		return nil, err
	}
	safe := method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
	j := &job{
		operation: httpName(method), path: u.Host, wire: w, safe: safe, marks: r.Marks,
		sender: c.web, timeout: c.Timeout, harmless: safe,
	}
	again, err := readSent(r.Again)
	if err != nil {
		return nil, err
	}
	if again.whole() {
		if err := again.restore(w, "", ""); err != nil {
			return nil, err
		}
	}
	if !safe {
		j.remember(w.keep("", "", plainHeaders, hider{secrets: r.secrets()}, len(r.Secrets) > 0), again, r.Again)
	}
	if r.Timeout > 0 {
		j.timeout = time.Duration(r.Timeout)
	}
	return j, nil
}

// encode sets body and authorisation.
func (r HTTPRequest) encode(w *wire) error {
	switch hasJSON := len(r.JSON) > 0 && string(r.JSON) != "null"; {
	case hasJSON && r.Body != nil:
		return fmt.Errorf("expected json or body, found both")
	case hasJSON:
		w.body = r.JSON
		w.header.Set("Content-Type", "application/json")
	case r.Body != nil:
		w.body = []byte(*r.Body)
		w.header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	if w.body != nil && (w.method == http.MethodGet || w.method == http.MethodHead) {
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

func (a *HTTPAnswer) hide(h hider) {
	a.Body = h.echo(a.Body)
	for name, value := range a.Headers {
		a.Headers[name] = h.echo(value)
	}
}

func readHTTP(status int, header http.Header, body []byte) HTTPAnswer {
	a := HTTPAnswer{Status: status, Headers: make(map[string]string, len(header))}
	for name, values := range header {
		a.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	if utf8.Valid(body) {
		a.Body = string(body)
	} else {
		a.Base64 = base64.StdEncoding.EncodeToString(body)
	}
	return a
}
