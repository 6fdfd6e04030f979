// Package openapi converts an OpenAPI document into an App: version 2 (Swagger),
// 3.0 or 3.1, in JSON or YAML, with references into itself and into files of
// the same folder. It reports each operation that it cannot convert, and
// converts the others.
//
// Folder reads the documents of a vendor as the source of a catalogue that is
// embedded in an app's folder; Read converts one document into a whole app, for
// `tidewire app add`.
//
// What is not in a document (accounts, pages, limits, errors, webhooks, polls)
// is in a file next to the catalogue, NAME.app.yaml, whose keys are the fields
// of package bindings; see Load.
package openapi
