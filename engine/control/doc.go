// Package control is how commands talk to a running engine: a small HTTP API
// on a unix socket in the data folder, open to the user who started it, and
// the client for it. It reads the journal and hands in events; it decides
// nothing.
package control
