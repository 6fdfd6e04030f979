// Package poll looks at the lists of apps from time to time and makes events
// of what changed there: where a vendor sends no webhook, for connections that
// get none, and, to reconcile, for what webhooks lost. What is polled, and how,
// is data of the app (bindings.Poll).
//
// A list is compared, page by page, with what is known of its records. What is
// known, how far a look has come and the events are kept in one commit, so that
// a crash neither loses nor doubles a change; webhooks of the same records are
// known by the same commit that keeps their events. All of it belongs to
// connection and poll: scripts that come and go do not reset it.
//
// The package decides nothing about hooks: what is told goes to Accept.
package poll
