// Package poll reads the lists of apps at intervals and makes events of what
// changed there: where a vendor sends no webhooks, for connections that get
// none, and, to reconcile, for what webhooks lost. What is polled, and how, is
// data of the app (bindings.Poll).
//
// A scan is one execution of a poll: it walks the list of each item. A list is
// compared, page by page, with the sightings of its records. Sightings, cursors
// and events are stored in one commit, so that a crash neither loses nor repeats
// a change. The commit that stores an event of a webhook updates the sighting of
// its record too. This state belongs to connection and poll: scripts that are
// added or removed do not reset it.
//
// An Index lists what is polled; webhooks that report a change ask it for scans
// and for the state of a polled record. A Poller reads what the Index lists.
//
// The package decides nothing about hooks: all events go to Accept.
package poll
