// Package scripts embeds the templates in its folder, so that the binary can list
// and install them without further files.
package scripts

import "embed"

// Templates has one folder for each template.
//
//go:embed */*.lua */template.yaml */README.md
var Templates embed.FS
