package script

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"slices"

	"github.com/tidewire/tidewire/engine/vm"
)

// versionHash returns the hash of a script with all its files and params.
func versionHash(main string, sources map[string]string, params json.RawMessage) string {
	h := sha256.New()
	fmt.Fprintf(h, "tidewire %d\n", vm.ReplayFormat)
	writeText(h, main)
	writeText(h, string(params))
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		writeText(h, name)
		writeText(h, sources[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// writeText writes the length of a text before it, so that different lists of
// texts have different bytes.
func writeText(h hash.Hash, text string) { fmt.Fprintf(h, "%d:%s\n", len(text), text) }
