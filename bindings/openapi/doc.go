// Package openapi makes an App of an OpenAPI document: version 2 (Swagger),
// 3.0 or 3.1, in JSON or YAML, with references into itself and into files
// beside it. What it cannot map it says, operation by operation, and goes on.
//
// Folder reads the documents of a vendor as the source of a catalogue that is
// embedded in an app's folder; Read makes the whole app of one document, for
// `tidewire app add`.
//
// What documents do not say (accounts, pages, limits, errors, webhooks, polls)
// stands in a file beside the catalogue, NAME.app.yaml, in the words of the
// vocabulary; see Load.
package openapi
