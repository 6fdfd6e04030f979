// Package sandbox serves the HTTP interfaces of the apps from memory: each app
// is simulated from its catalogue, with tokens, pages, rate headers, signed
// webhooks, and faults on demand. The demo, script tests, benchmarks and
// `tidewire sandbox` use it.
//
// Routes, checks and the shape of answers come from the operations and types
// of the catalogue: model.go derives from each path what an operation does to
// which records. What paths and types do not define (which fields make an upsert
// find its record, which event a change sends, which records exist at the start)
// is in the app's Rules, in the app's own folder. An app without rules works too.
//
// The editions of an app have the same records. A request is for the edition
// whose fixed headers it has, and the answer is written as that edition declares.
//
// The package stores nothing on disk and calls no vendor. It imports the
// standard library and bindings only.
package sandbox
