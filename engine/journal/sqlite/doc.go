// Package sqlite stores the journal in one SQLite file. It is the store of an
// engine that is the only owner of its data. What an event, a step or a command
// changes is decided in package ledger.
//
// One goroutine writes. It commits all waiting tasks as one transaction, so that
// many callers share one sync of the disk. The runs that may execute next are in
// memory, in the order of their places; they are read from the file when a store
// is opened. One connection writes, other connections read at the same time.
//
// A lock file in the folder of the journal prevents a second engine from opening
// it. Each opening increments the owner's epoch, which every commit checks.
package sqlite
