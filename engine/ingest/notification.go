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

// notification is a part of a webhook's body that describes one event. A batch
// has several.
type notification struct {
	// content is a JSON object, whatever the format of the body. It contains the
	// headers that the app has as fields.
	content json.RawMessage
	// hashed are the bytes from which the id is made if there is no other.
	hashed []byte
	form   *bindings.FormBody // nil for a body of JSON
}

// vendorType returns the type of the event in the vendor's words.
func (n notification) vendorType(hook *bindings.Webhook) vendorType {
	if n.form != nil {
		if n.form.Type == "" {
			return vendorType{n.form.Name, n.form.Name}
		}
		return vendorType{n.form.Name, jsonpath.Text(n.content, n.form.Type)}
	}
	vendor := jsonpath.Text(n.content, hook.Type)
	if vendor == "" && hook.BareType != "" {
		vendor = jsonpath.Text(n.content, hook.BareType)
	}
	if hook.AnyCase {
		vendor = strings.ToLower(vendor)
	}
	return vendorType{"", vendor}
}

// checksAddress reports whether the vendor only tests the address.
func (n notification) checksAddress(hook *bindings.Webhook) bool {
	if n.form != nil {
		return n.form.AddressCheck
	}
	c := hook.Challenge
	return c != nil && jsonpath.Text(n.content, c.TypePath) == c.Type
}

// id returns the id of the event: the vendor's, or else a hash of the content.
func (n notification) id(hook *bindings.Webhook) string {
	paths := []string{hook.ID}
	if n.form != nil {
		paths = n.form.ID
	}
	for _, path := range paths {
		if id := jsonpath.Text(n.content, path); id != "" {
			return id
		}
	}
	if slices.Contains(hook.NoDedup, n.vendorType(hook).name) {
		return uuid.NewString()
	}
	if len(hook.DedupPaths) == 0 || n.form != nil {
		return hashID(n.hashed)
	}
	var all []byte
	for _, path := range hook.DedupPaths {
		value, _ := jsonpath.Lookup(n.content, path)
		all = append(strconv.AppendInt(all, int64(len(value)), 10), ':')
		all = append(all, value...)
	}
	return hashID(all)
}

// at returns when the event happened, zero if the notification has no time.
func (n notification) at(hook *bindings.Webhook) time.Time {
	paths := []string{hook.At}
	if n.form != nil {
		paths = n.form.At
	}
	for _, path := range paths {
		if at := parseTime(jsonpath.Text(n.content, path)); !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// data returns the data of the event, without the fields that registered.addFields
// adds.
func (n notification) data(hook *bindings.Webhook) json.RawMessage {
	if data, found := jsonpath.Lookup(n.content, hook.Data); found && n.form == nil {
		return data
	}
	return n.content
}

// maxNotifications bounds the notifications of one body.
const maxNotifications = 10_000

// read returns the notifications in a request: a body of JSON, or a form where
// the vendor sends those. A body that cannot be read has none. The caller answers
// with the refusal only after it has verified the sender.
func read(hook *bindings.Webhook, m *message) ([]notification, *refusal) {
	kind, _, _ := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if len(hook.Forms) > 0 && kind == "application/x-www-form-urlencoded" {
		return readForm(hook, m)
	}
	body, refused := m.text()
	if refused != nil {
		return nil, refused
	}
	if len(hook.Headers) > 0 && len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	if !isObject(body) {
		return nil, unreadable("json", "the body is not a JSON object")
	}
	contents, refused := splitBatch(hook, body)
	notifications := make([]notification, len(contents))
	for i, one := range contents {
		one = withFields(one, headerFields(hook.Headers, m.Header))
		notifications[i] = notification{content: one, hashed: one}
	}
	return notifications, refused
}

func readForm(hook *bindings.Webhook, m *message) ([]notification, *refusal) {
	fields, refused := m.form()
	if refused != nil {
		return nil, refused
	}
	form, err := hook.ReadForm(fields)
	switch {
	case err != nil:
		return nil, unreadable("form", "the body is a form that cannot be read: "+err.Error())
	case !isObject(form.JSON):
		return nil, unreadable("form", "the body is not a JSON object")
	}
	return []notification{{content: form.JSON, hashed: m.body, form: &form}}, nil
}

func isObject(body []byte) bool {
	return journal.ValidJSON(body) && bytes.TrimLeft(body, " \t\r\n")[0] == '{'
}

func unreadable(reason, text string) *refusal {
	return &refusal{status: http.StatusBadRequest, reason: reason, text: text}
}

// splitBatch splits a batch into its notifications. Vendors send an empty batch to
// check that the address still answers.
func splitBatch(hook *bindings.Webhook, body json.RawMessage) (all []json.RawMessage, refused *refusal) {
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
		if !item.IsObject() || len(all) == maxNotifications {
			return nil, unreadable("batch", fmt.Sprintf("expected at most %d objects in the list at %q", maxNotifications, hook.Batch))
		}
		all = append(all, json.RawMessage(item.Raw))
	}
	return all, nil
}

// headerFields returns the headers that the app has as fields of the body.
func headerFields(names map[string]string, headers http.Header) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	for name, header := range names {
		if value := headers.Get(header); value != "" {
			fields[name], _ = json.Marshal(value) // a text always encodes
		}
	}
	return fields
}

// withFields adds fields to an object. Where a name occurs twice, the added one
// is last and is the one that is read.
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

// withoutSecrets returns a notification without what must not be stored with its
// event: the secret by which it was verified, and tokens in it and in its data.
func withoutSecrets(hook *bindings.Webhook, content json.RawMessage) json.RawMessage {
	names := hook.Secret
	if hook.Token != nil && hook.Token.Path != "" {
		names = append(slices.Clone(names), hook.Token.Path)
	}
	if len(names) == 0 {
		return content
	}
	return withoutFields(content, names, hook.Data)
}

// withoutFields returns an object without some of its fields, and without those of
// an object in it.
func withoutFields(object json.RawMessage, names []string, inner string) json.RawMessage {
	out := append(make([]byte, 0, len(object)), '{')
	gjson.ParseBytes(object).ForEach(func(key, value gjson.Result) bool {
		if slices.Contains(names, key.Str) {
			return true
		}
		raw := json.RawMessage(value.Raw)
		if key.Str == inner && value.IsObject() {
			raw = withoutFields(raw, names, "")
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, key.Raw...), ':'), raw...)
		return true
	})
	return append(out, '}')
}

// hashID returns the id of an event that has none from the vendor.
func hashID(bytes []byte) string {
	sum := sha256.Sum256(bytes)
	return "sha256-" + hex.EncodeToString(sum[:16])
}
