package ingest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// notice is one notification of a webhook, of which a batch has many.
type notice struct {
	// said is what it says, however it was written: an object, with the headers
	// that count.
	said json.RawMessage
	// bytes are those that stand for it where it has no id.
	bytes []byte
	form  *bindings.FormBody // nil for a body of JSON
}

// told is what the vendor calls it.
func (n notice) told(hook *bindings.Webhook) told {
	if n.form != nil {
		if n.form.Type == "" {
			return told{n.form.Name, n.form.Name}
		}
		return told{n.form.Name, jsonpath.Text(n.said, n.form.Type)}
	}
	vendor := jsonpath.Text(n.said, hook.Type)
	if vendor == "" && hook.BareType != "" {
		vendor = jsonpath.Text(n.said, hook.BareType)
	}
	if hook.AnyCase {
		vendor = strings.ToLower(vendor)
	}
	return told{"", vendor}
}

// id is what tells the event of a notification from others: the vendor's id,
// or else a hash of what it says.
func (n notice) id(hook *bindings.Webhook) string {
	paths := []string{hook.ID}
	if n.form != nil {
		paths = n.form.ID
	}
	for _, path := range paths {
		if id := jsonpath.Text(n.said, path); id != "" {
			return id
		}
	}
	if slices.Contains(hook.NoDedup, n.told(hook).vendor) {
		return uuid.NewString()
	}
	if len(hook.DedupPaths) == 0 || n.form != nil {
		return hashed(n.bytes)
	}
	var all []byte
	for _, path := range hook.DedupPaths {
		value, _ := jsonpath.Lookup(n.said, path)
		all = append(strconv.AppendInt(all, int64(len(value)), 10), ':')
		all = append(all, value...)
	}
	return hashed(all)
}

// at is when it happened, zero if it does not say.
func (n notice) at(hook *bindings.Webhook) time.Time {
	paths := []string{hook.At}
	if n.form != nil {
		paths = n.form.At
	}
	for _, path := range paths {
		if at := moment(jsonpath.Text(n.said, path)); !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// data is what scripts get, before what the vendor leaves out is added.
func (n notice) data(hook *bindings.Webhook) json.RawMessage {
	if data, found := jsonpath.Lookup(n.said, hook.Data); found && n.form == nil {
		return data
	}
	return n.said
}

// maxNotices bounds what one body may tell.
const maxNotices = 10_000

// read finds the notifications in a request: a body of JSON, or a form where
// the vendor sends those. A body that cannot be read has none; the refusal is
// for when it is known who sent it.
func read(hook *bindings.Webhook, m *message) ([]notice, *refusal) {
	kind, _, _ := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if len(hook.Forms) > 0 && kind == "application/x-www-form-urlencoded" {
		return readForm(hook, m)
	}
	body, no := m.text()
	if no != nil {
		return nil, no
	}
	if len(hook.Headers) > 0 && len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	if !isObject(body) {
		return nil, unreadable("json", "the body is not a JSON object")
	}
	said, no := parts(hook, body)
	notices := make([]notice, len(said))
	for i, one := range said {
		one = withFields(one, headerFields(hook.Headers, m.Header))
		notices[i] = notice{said: one, bytes: one}
	}
	return notices, no
}

func readForm(hook *bindings.Webhook, m *message) ([]notice, *refusal) {
	fields, no := m.form()
	if no != nil {
		return nil, no
	}
	form, err := hook.ReadForm(fields)
	switch {
	case err != nil:
		return nil, unreadable("form", "the body is a form that cannot be read: "+err.Error())
	case !isObject(form.JSON):
		return nil, unreadable("form", "the body is not a JSON object")
	}
	return []notice{{said: form.JSON, bytes: m.body, form: &form}}, nil
}

func isObject(body []byte) bool {
	return journal.ValidJSON(body) && bytes.TrimLeft(body, " \t\r\n")[0] == '{'
}

func unreadable(reason, text string) *refusal {
	return &refusal{status: http.StatusBadRequest, reason: reason, text: text}
}

// parts cuts a batch to its notifications. Not even one is a body that only
// says that the address is alive.
func parts(hook *bindings.Webhook, body json.RawMessage) (all []json.RawMessage, no *refusal) {
	if hook.Batch == "" {
		return []json.RawMessage{body}, nil
	}
	list, found := jsonpath.Lookup(body, hook.Batch)
	if !found || string(list) == "null" {
		return nil, nil
	}
	items := gjson.ParseBytes(list)
	if !items.IsArray() {
		return nil, unreadable("batch", fmt.Sprintf("expected a list at %q in the body", hook.Batch))
	}
	for _, item := range items.Array() {
		if !item.IsObject() || len(all) == maxNotices {
			return nil, unreadable("batch", fmt.Sprintf("expected at most %d objects in the list at %q", maxNotices, hook.Batch))
		}
		all = append(all, json.RawMessage(item.Raw))
	}
	return all, nil
}

// headerFields are the headers that count as fields of the body.
func headerFields(names map[string]string, headers http.Header) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	for name, header := range names {
		if value := headers.Get(header); value != "" {
			fields[name], _ = json.Marshal(value) // a text always encodes
		}
	}
	return fields
}

// withFields adds fields to an object; they count over those that are there.
func withFields(object json.RawMessage, fields map[string]json.RawMessage) json.RawMessage {
	end := bytes.LastIndexByte(object, '}')
	if len(fields) == 0 || end < 0 {
		return object
	}
	whole := bytes.TrimRight(object[:end], " \t\r\n")
	out := append([]byte{}, whole...)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if out[len(out)-1] != '{' {
			out = append(out, ',')
		}
		key, _ := json.Marshal(name)
		out = append(append(append(out, key...), ':'), fields[name]...)
	}
	return append(out, '}')
}

// withoutField leaves a field of an object out.
func withoutField(object json.RawMessage, name string) json.RawMessage {
	out := []byte{'{'}
	gjson.ParseBytes(object).ForEach(func(key, value gjson.Result) bool {
		if key.Str == name {
			return true
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, key.Raw...), ':'), value.Raw...)
		return true
	})
	return append(out, '}')
}

// hashed stands for an id where the vendor gives none.
func hashed(bytes []byte) string {
	sum := sha256.Sum256(bytes)
	return "sha256-" + hex.EncodeToString(sum[:16])
}
