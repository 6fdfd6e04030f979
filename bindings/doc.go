// Package bindings is the vocabulary in which an app is described: what its
// operations, fields, triggers, signatures, pages, limits and errors are.
//
// It is data and the few pure functions that read it. It opens no file and no
// connection, keeps no state and imports the standard library only; the rooms
// of the engine act on what is said here, and the folders below say it for one
// app each.
package bindings
