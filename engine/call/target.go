package call

import "strings"

// Target is where calls go: to a host of an app. Without a host it is the app.
type Target struct {
	App  string // empty for the http library
	Host string // in lower case, with the port where the address has one
}

// String returns "app at host", the app, or for the http library the host.
func (t Target) String() string {
	if t.App == "" || t.Host == "" {
		return t.App + t.Host
	}
	return t.App + " at " + t.Host
}

// HostOf returns the host of a URL as a Target has it.
func HostOf(url string) string {
	_, host, _ := strings.Cut(url, "://")
	if end := strings.IndexAny(host, "/?#"); end >= 0 {
		host = host[:end]
	}
	return strings.ToLower(host)
}
