// Package scripts embeds the templates beside it, so that a binary alone can
// show and install them.
package scripts

import "embed"

// Templates holds one folder a template.
//
//go:embed */*.lua */template.yaml */README.md
var Templates embed.FS
