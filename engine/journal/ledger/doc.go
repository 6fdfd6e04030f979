// Package ledger decides what a journal does: which events make runs, how the
// runs of one lane overlap, what wakes a run, what a step may write. A store has
// the rows and makes no decision.
//
// Callers wait in a queue. One goroutine commits all waiting tasks as one batch,
// in four phases: it collects the keys of the rows that the batch may need, loads
// these rows, decides in memory, and writes all changes at once. If a decision
// needs further rows, these are loaded too and the batch is decided again from
// its beginning. Memory changes after COMMIT only: the changes of the dispatcher,
// the counters and the store's memory are a list that is applied then, and
// dropped if the batch fails.
//
// Only stores import this package.
package ledger
