package poll

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// contentHash is the same for two values of event.data that have the same
// content at the paths in same or, if there are none, everywhere but at the
// ignored paths.
func contentHash(data []byte, same, ignore []string) uint64 {
	var b strings.Builder
	if len(same) == 0 {
		write(&b, gjson.ParseBytes(data), "", ignore)
		return hashText(b.String())
	}
	for _, path := range same {
		value, found := jsonpath.Lookup(data, path)
		parsed := gjson.ParseBytes(value)
		if !found || isEmpty(parsed) {
			continue
		}
		b.WriteString(strconv.Quote(path))
		b.WriteByte(':')
		write(&b, parsed, path, ignore)
		b.WriteByte(',')
	}
	return hashText(b.String())
}

func hashText(text string) uint64 {
	sum := sha256.Sum256([]byte(text))
	return binary.BigEndian.Uint64(sum[:])
}

// write writes a value in a canonical form: without the spelling of numbers and
// times, without order, and without fields that are null or empty.
func write(b *strings.Builder, v gjson.Result, at string, ignore []string) {
	switch {
	case v.IsObject():
		fields := map[string]string{}
		v.ForEach(func(key, value gjson.Result) bool {
			path := key.String()
			if at != "" {
				path = at + "." + path
			}
			delete(fields, key.String()) // of a repeated field the last counts
			if !isEmpty(value) && !slices.Contains(ignore, path) {
				var inner strings.Builder
				write(&inner, value, path, ignore)
				fields[key.String()] = inner.String()
			}
			return true
		})
		b.WriteByte('{')
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			b.WriteString(strconv.Quote(name) + ":" + fields[name] + ",")
		}
		b.WriteByte('}')
	case v.IsArray():
		var all []string
		v.ForEach(func(_, value gjson.Result) bool {
			var inner strings.Builder
			write(&inner, value, at, ignore)
			all = append(all, inner.String())
			return true
		})
		slices.Sort(all)
		b.WriteString("[" + strings.Join(all, ",") + "]")
	case v.Type == gjson.Number:
		b.WriteString(number(v.Raw))
	case v.Type == gjson.String:
		if at, err := time.Parse(time.RFC3339Nano, v.Str); err == nil {
			b.WriteString("t" + strconv.FormatInt(at.UnixMilli(), 10))
			return
		}
		b.WriteString(strconv.Quote(v.Str))
	default:
		b.WriteString(v.Raw)
	}
}

// number returns an integer by its digits, because a float64 cannot represent
// all large ones, and any other number as a float64.
func number(raw string) string {
	if !strings.ContainsAny(raw, ".eE") {
		return raw
	}
	n, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		return raw
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}
