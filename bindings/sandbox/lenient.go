package sandbox

import (
	"net/http"
	"net/url"
	"strings"
)

// lenient returns a request as the operation declares it, for Rules.Lenient: the
// arguments of a GET and of the query are in the form of a POST, and the token is
// in its header.
func (a *App) lenient(h *http.Request, raw []byte, path string) (*http.Request, []byte) {
	isForm := strings.HasPrefix(h.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	form, query := url.Values{}, h.URL.Query()
	if isForm {
		var err error
		if form, err = url.ParseQuery(string(raw)); err != nil {
			return h, raw
		}
	}
	_, hasToken := form["token"]
	moves := h.Method == http.MethodGet && a.hasOnly(http.MethodPost, path) || isForm && len(query) > 0 || query.Has("token")
	if !moves && !hasToken {
		return h, raw
	}
	out := h.Clone(h.Context())
	if moves && (isForm || h.Method == http.MethodGet) {
		for name, values := range query {
			form[name] = append(form[name], values...)
		}
		out.Method, out.URL.RawQuery = http.MethodPost, ""
		out.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		isForm = true
	}
	if token := form.Get("token"); token != "" && out.Header.Get("Authorization") == "" {
		out.Header.Set("Authorization", "Bearer "+token)
	}
	form.Del("token")
	if isForm {
		raw = []byte(form.Encode())
	}
	return out, raw
}

// hasOnly reports whether a path has operations of this method and of no other.
func (a *App) hasOnly(method, path string) bool {
	found, _ := a.model.router.find(method, path)
	_, methods := a.model.router.find("", path)
	return len(found) > 0 && len(methods) == 1
}
