// Package journal holds what the engine remembers: events, the runs they
// cause, the steps those runs take, the versions of the scripts, and the
// interface of the Store that keeps them. sqlite keeps them in one file;
// journaltest is the behaviour that every store must show.
//
// The package decides nothing about Lua or HTTP. It evaluates hooks as data
// (trigger, where, lane) because that must happen inside Accept.
package journal
