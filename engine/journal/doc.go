// Package journal defines what the engine stores: events, the runs they cause,
// the steps of those runs, the versions of the scripts, and the interface of
// the Store. sqlite stores them in one file; journaltest tests the behaviour
// that every store must have.
//
// The package decides nothing about Lua or HTTP. It evaluates hooks as data
// (trigger, where, lane) because that must happen inside Accept.
package journal
