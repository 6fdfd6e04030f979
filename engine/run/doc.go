// Package run turns kept events into finished runs. It hands each activation
// that the journal gives out to the vm, and is the host that the vm asks: it
// numbers the steps, sends the calls, records every result and says in the log
// what happened.
//
// It knows no HTTP route, no file and no vendor; it accepts events from
// whoever brings them.
package run
