// Package bindings has the types that describe an app: its operations, fields,
// triggers, signatures, pages, limits and errors.
//
// It has data and a few pure functions that read it. It opens no file and no
// connection, has no state and imports the standard library only. The packages
// of the engine use these descriptions; the folders below contain the
// description of one app each.
package bindings
