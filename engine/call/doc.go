// Package call is the only way out over HTTP. It checks a call's arguments
// against the catalogue, then scope, read-only and rate limit, authorises,
// sends through resty, sends again where the contract allows, and turns what
// comes back into an answer or a structured error.
package call
