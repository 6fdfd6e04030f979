// Package sandbox serves the apps' real HTTP from memory: for each app a
// stand-in made from its catalogue, with tokens, pages, rate headers, signed
// webhooks, and faults on demand. The demo, script tests, benchmarks and
// `tidewire sandbox` use it.
//
// Routes, checks and the shape of answers come from the operations and types
// of the catalogue: model.go derives from each path what it does to which
// records. What paths and types do not say (which fields make an upsert find
// its record, which event a change sends, what is there from the start) is in
// the app's Rules, in the app's own folder. An app without rules works too.
//
// The editions of an app reach the same records. A request means the one whose
// fixed headers it has, and is answered as that one writes it.
//
// The package keeps nothing on disk and calls no vendor. It imports the
// standard library and bindings only.
package sandbox
