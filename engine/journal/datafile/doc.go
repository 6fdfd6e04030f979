// Package datafile examines the files of a SQLite database without SQLite:
// whether the paths still are those of the open files, and whether the
// write-ahead log lacks commits. SQLite itself notices neither: it writes to a
// file that was removed, and reads a log up to the first frame that is not valid
// as if there had never been more.
//
// Opened is for the process that has the database open, Examine for a database
// that no process has open. A Position, which Opened writes to the lock file
// after each commit, is what Examine compares the log with.
package datafile
