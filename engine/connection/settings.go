package connection

import (
	"strings"

	"github.com/tidewire/tidewire/engine/config"
)

// Settings are what the configuration, or the vault, has of one connection.
type Settings = config.Connection

func joinOrNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
