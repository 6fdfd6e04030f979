package call

import "strings"

// Target is where calls go: to a host of an app. Without a host it is the app.
type Target struct {
	App  string // empty for the http library
	Host string // in lower case, with the port where the address has one
	// Lookup is set for the reads of look-ups. They have a circuit of their own: calls
	// that fail at one address of a host do not stop those that read at another.
	Lookup bool
}

// String returns "app at host", the app, or for the http library the host; before it
// "look-ups of" where that is so.
func (t Target) String() string {
	text := t.App + t.Host
	if t.App != "" && t.Host != "" {
		text = t.App + " at " + t.Host
	}
	if t.Lookup {
		return "look-ups of " + text
	}
	return text
}

// HostOf returns the host of a URL as a Target has it.
func HostOf(url string) string {
	_, host, _ := strings.Cut(url, "://")
	if end := strings.IndexAny(host, "/?#"); end >= 0 {
		host = host[:end]
	}
	return strings.ToLower(host)
}
