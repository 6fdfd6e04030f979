// Package callback receives the browser that comes back from a vendor's consent
// page: it listens on one address of this machine, for one login. It does not
// exchange the code that the browser brings for a token.
package callback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Server listens for the browser. Close ends it.
type Server struct {
	listeners []net.Listener
	path      string
}

// Listen listens on the host and port of a redirect address, which is on this
// machine. Under the name localhost it listens for both versions of IP, since
// browsers choose.
func Listen(redirect string) (*Server, error) {
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "http" || u.Hostname() == "" {
		return nil, fmt.Errorf("the redirect address %q is not one that can be listened on; expected http://localhost:PORT/PATH", redirect)
	}
	hosts := []string{u.Hostname()}
	switch host := u.Hostname(); {
	case host == "localhost":
		hosts = []string{"127.0.0.1", "::1"}
	case !net.ParseIP(host).IsLoopback():
		return nil, fmt.Errorf("the redirect address %q is not on this machine", redirect)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	s := &Server{path: u.EscapedPath()}
	if s.path == "" {
		s.path = "/"
	}
	for i, host := range hosts {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
		switch {
		case err == nil:
			s.listeners = append(s.listeners, listener)
		case i == 0: // the second address is optional: not all machines have IPv6
			return nil, fmt.Errorf("listen for the browser: %w; --redirect names another address, --manual needs none", err)
		}
	}
	return s, nil
}

// Close ends a server on which nobody waits.
func (s *Server) Close() {
	for _, l := range s.listeners {
		l.Close()
	}
}

// Page is what the person in the browser reads.
type Page struct {
	Title string
	Text  string
}

// Wait serves the browser until a request is accepted, passes its answer to
// handle, and shows the page that handle returns. It returns the error of
// handle, or the context's.
func (s *Server) Wait(ctx context.Context, accept func(url.Values) bool, handle func(context.Context, url.Values) (Page, error)) error {
	type end struct{ err error }
	ended := make(chan end, 1)
	first := make(chan struct{}, 1)
	first <- struct{}{}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer := r.URL.Query()
		if r.Method != http.MethodGet || r.URL.EscapedPath() != s.path || !accept(answer) {
			show(w, http.StatusNotFound, Page{"Not here", "This page waits for somebody who comes back from a login that Tidewire began. Nothing was changed."})
			return
		}
		select {
		case <-first: // one answer is handled
		default:
			show(w, http.StatusConflict, Page{"Once is enough", "This login was taken already."})
			return
		}
		page, err := handle(ctx, answer)
		if err != nil {
			page = Page{"Not connected", err.Error()}
		}
		show(w, http.StatusOK, page)
		ended <- end{err}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	served := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		go func() { served <- server.Serve(l) }()
	}
	var err error
	select {
	case <-ctx.Done():
		err = context.Cause(ctx)
	case done := <-ended:
		err = done.err
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if server.Shutdown(bound) != nil { // the page is written; a client that does not read it is disconnected
		err = errors.Join(err, server.Close())
	}
	for range s.listeners {
		<-served
	}
	return err
}

var view = template.Must(template.New("callback").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
<style>
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}
</style>
<main><h1>{{.Title}}</h1><p>{{.Text}}</p></main></html>
`))

func show(w http.ResponseWriter, status int, a Page) {
	var page bytes.Buffer
	if err := view.Execute(&page, a); err != nil {
		http.Error(w, a.Title, http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address holds the code
	w.WriteHeader(status)
	w.Write(page.Bytes())
}
