// Package sandbox speaks the apps' real HTTP from memory: a stand-in for each
// app, made from its catalogue, with tokens, paging, webhooks, rate headers and
// faults on demand. The demo, script tests, benchmarks and `tidewire sandbox`
// use it.
//
// Routes, checks and the shape of answers come from the operations and types
// of the catalogue; what paths and types cannot tell (which fields make an
// upsert find its record, which event a change sends) stands in one table an
// app. It keeps nothing on disk, calls no vendor, and knows nothing of
// scripts, runs and connections.
package sandbox
