package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// maxLaneKey bounds a lane key, in bytes; a longer one is replaced by its hash.
const maxLaneKey = 200

// Rule returns a text that describes how the lane's keys are made. Lanes with
// the same rule have the same keys.
func (l Lane) Rule() string {
	switch l.Kind {
	case LanePaths:
		return string(l.Kind) + " " + strings.Join(l.Paths, " ")
	case LaneRecord, LaneHook:
		return string(l.Kind)
	}
	return string(LaneNone)
}

// LaneKey returns the key of the lane of an event's run, among the runs of the
// hook; it is empty for a run without a lane. Events without a record share one
// lane of their account, except those that scripts emit: they have a lane only
// if emit was called with a record.
func (h *Hook) LaneKey(e *Event) string {
	var b strings.Builder
	switch h.Lane.Kind {
	case LaneRecord:
		if e.Record == "" && strings.HasPrefix(e.Type, "emit:") {
			return ""
		}
		b.WriteString("record:")
		writeKeyPart(&b, e.Account)
		b.WriteByte('/')
		writeKeyPart(&b, h.RecordOf(e))
	case LanePaths:
		b.WriteString("path:")
		for i, path := range h.Lane.Paths {
			if i > 0 {
				b.WriteByte('/')
			}
			writeKeyPart(&b, jsonpath.Get(e.Data, path).String())
		}
	case LaneHook:
		return "hook"
	default:
		return ""
	}
	if b.Len() <= maxLaneKey {
		return b.String()
	}
	kind, rest, _ := strings.Cut(b.String(), ":")
	sum := sha256.Sum256([]byte(rest))
	return kind + ":sha256:" + hex.EncodeToString(sum[:])
}

// RecordOf returns the id of the record that an event is about, for the hook.
func (h *Hook) RecordOf(e *Event) string {
	if h.Record == "" || !strings.HasPrefix(e.Type, "in:") {
		return e.Record
	}
	id := jsonpath.Text(e.Data, h.Record)
	if len(id) <= maxLaneKey {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// writeKeyPart escapes slashes, so that those of a value differ from those
// between values.
func writeKeyPart(b *strings.Builder, s string) {
	for i := range len(s) {
		if s[i] == '/' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
}
