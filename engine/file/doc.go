// Package file stores files beside the journal. Equal files are stored once,
// named by the hash of their content. A file under its own name is complete: it
// is written under a temporary name, made durable, and then renamed. The package
// does not track which files are still needed; Prune asks its caller.
package file
