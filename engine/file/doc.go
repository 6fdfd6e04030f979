// Package file keeps files beside the journal, each once, named by the hash of
// its content. A file that is there is whole: it is written under another
// name, made durable, and then given its own. Who still needs one is for
// others to know; Sweep asks them.
package file
