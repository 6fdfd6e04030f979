// Package call sends the HTTP requests of scripts and of the engine. It checks a
// call's arguments against the catalogue, then scope, read-only and rate limit,
// authorises the request, sends it through resty, sends it again where that is
// safe, and returns an answer or a structured error.
//
// It decides what is known of a request: done, not done, or uncertain. It does
// not record steps and does not park runs: package run does.
package call
