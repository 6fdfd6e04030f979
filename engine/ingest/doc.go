// Package ingest receives events over HTTP: webhooks of apps at /hooks/<app> and
// /hooks/<app>/<name>, and those of scripts at /in/<path>. With
// ?subscription=KEY a webhook belongs to a subscription that we registered, and
// is checked with its secret. The server reads a bounded body, checks who sent
// it, and acknowledges with 2xx only what has been stored. It refuses everything
// else, with the status after which the vendor sends again or does not.
package ingest
