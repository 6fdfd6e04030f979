package call

import (
	"encoding/json"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
)

// ownKey returns the key of ours that a call is sent with, in the form that the
// vendor needs; empty: it is sent with none. Args are with those that are filled
// in. A request that was sent before has the key that it had then.
func ownKey(r Request, conn *connection.Connection, args json.RawMessage, again *sentRecord) string {
	k := r.Operation.OwnKey
	switch {
	case again != nil:
		return again.OwnKey
	case k == nil, r.OwnKey == "", safetyOf(r.Operation, args) != unsafeRepeat:
		return ""
	}
	allowed := len(k.Auths) == 0
	for _, auth := range k.Auths {
		allowed = allowed || auth == conn.AuthName()
	}
	if !allowed {
		return ""
	}
	table := gjson.ParseBytes(args)
	for name := range k.Args {
		if valueOf(table, name).Exists() {
			return ""
		}
	}
	return formatKey(k.Format, r.OwnKey)
}

// formatKey writes 32 hexadecimal digits in a form.
func formatKey(f bindings.KeyFormat, digits string) string {
	if f != bindings.KeyUUID || len(digits) != 32 {
		return digits
	}
	return digits[:8] + "-" + digits[8:12] + "-8" + digits[13:16] + "-a" + digits[17:20] + "-" + digits[20:]
}

// addOwnKey adds the arguments with the key.
func addOwnKey(k *bindings.OwnKey, args json.RawMessage, key string) (json.RawMessage, error) {
	added, err := Arguments(k.Args, func(name string) (any, bool) { return key, name == "key" })
	if err != nil {
		return nil, err
	}
	return prepend(args, added), nil
}
