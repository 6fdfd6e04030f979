package script

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"

	"github.com/tidewire/tidewire/engine/vm"
)

// versionHash names a script by all that it is made of.
func versionHash(main string, sources map[string]string, params json.RawMessage) string {
	h := sha256.New()
	fmt.Fprintf(h, "tidewire %d\n", vm.ReplayFormat)
	writeText(h, main)
	writeText(h, string(params))
	for _, name := range sortedKeys(sources) {
		writeText(h, name)
		writeText(h, sources[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// writeText writes a text behind its length, so that no two lists of texts are alike.
func writeText(h hash.Hash, text string) { fmt.Fprintf(h, "%d:%s\n", len(text), text) }
