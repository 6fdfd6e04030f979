// Package ingest is the only way in over HTTP for events: webhooks of apps at
// /hooks/<app> and /hooks/<app>/<name>, and scripts' own at /in/<path>. With
// ?subscription=KEY a webhook comes by one that we registered, whose secret it
// is checked with. It reads a bounded body, checks who sent it, and
// acknowledges with 2xx only what has been kept; everything else it refuses in
// the way that the sender understands.
package ingest
