// Package sandbox speaks the apps' real HTTP from memory: a stand-in for each
// app, made from its catalogue, with tokens, pages, rate headers, signed
// webhooks and faults on demand. The demo, script tests, benchmarks and
// `tidewire sandbox` use it.
//
// Routes, checks and the shape of answers come from the operations and types
// of the catalogue: model.go derives from each path what it does to which
// records. What paths and types cannot tell (which fields make an upsert find
// its record, which event a change sends, what is there from the start) stands
// in one table an app: highlevel.go, qonto.go, slack.go. An app without a
// table works too.
//
// The editions of an app reach the same records. A request means the one whose
// fixed headers it has, and is answered as that one writes it.
//
// It keeps nothing on disk, calls no vendor, and knows nothing of scripts,
// runs and connections.
package sandbox
