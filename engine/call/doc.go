// Package call is the only way out over HTTP. It checks a call's arguments
// against the catalogue, then scope, read-only and rate limit, authorises,
// sends through resty, sends again where that is safe, and turns what comes
// back into an answer or a structured error.
//
// It decides what is known of a request: done, not done, or uncertain. It does
// not record steps and does not park runs: package run does.
package call
