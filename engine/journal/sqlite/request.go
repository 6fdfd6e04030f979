package sqlite

import (
	"encoding/json"

	"github.com/tidewire/tidewire/engine/journal"
)

// requestText returns the request of an event as it is stored, nil for none.
func requestText(r *journal.Request) []byte {
	if r == nil {
		return nil
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil
	}
	return text
}

// readRequest reads what requestText returned.
func readRequest(text []byte) *journal.Request {
	if len(text) == 0 {
		return nil
	}
	var r journal.Request
	if json.Unmarshal(text, &r) != nil {
		return nil
	}
	return &r
}
