// Package control is the API through which commands use a running engine: HTTP
// on a unix socket in the data folder, open to the user who started the engine,
// and the client for it. It reads the journal and passes events and commands to
// the engine; it decides nothing.
package control
