// Package sqlite keeps the journal in one SQLite file. It is the store of an
// engine that owns its data alone.
//
// One goroutine writes. It commits all that waits as one transaction, so that
// many callers share one sync of the disk. What may run next is kept in memory,
// in the order of the file; the file is the truth when a store is opened. One
// connection writes, others read beside it.
//
// A lock file in the folder of the journal keeps a second engine out; each
// opening raises the owner's epoch, which every commit checks.
package sqlite
