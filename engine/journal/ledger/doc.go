// Package ledger decides what a journal does: which events make runs, how runs
// of one lane meet, what wakes a run, what a step may write. A store holds the
// rows and makes no decision.
//
// Callers wait in a queue. One goroutine commits everything that waits as one
// batch, in four phases: it collects the keys of the rows that the batch may
// need, loads these rows, decides in memory, and writes all changes at once.
// Where a decision finds that it needs further rows they are loaded too and the
// batch is decided again from its beginning. Memory changes after COMMIT only:
// what a batch means for the dispatcher, for counters and for the store's own
// memory is a list that is applied then, and dropped if the batch fails.
//
// Only stores import this package.
package ledger
