package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
)

// inboundMethods are those that a hook can take.
var inboundMethods = []string{"DELETE", "GET", "PATCH", "POST", "PUT"}

func (b *hookBuilder) readMethods(raw json.RawMessage) error {
	names, err := readTexts(raw)
	if err != nil {
		return fmt.Errorf(`expected a list of methods such as { "GET", "POST" }, found %s`, describe(raw))
	}
	for _, name := range names {
		if !contains(inboundMethods, name) {
			return fmt.Errorf("unknown method %q; methods are %s", name, strings.Join(inboundMethods, ", "))
		}
	}
	slices.Sort(names)
	b.inbound.Methods = slices.Compact(names)
	return nil
}

func (b *hookBuilder) readRaw(raw json.RawMessage) error {
	if json.Unmarshal(raw, &b.inbound.Raw) != nil {
		return fmt.Errorf("expected true (event.body has the body as it was sent) or false, found %s", describe(raw))
	}
	return nil
}

func (b *hookBuilder) readID(raw json.RawMessage) error {
	if path, err := readText(raw); err == nil {
		b.inbound.ID = EventID{Path: path}
		return nil
	}
	table, err := readTable(raw)
	if err != nil || len(table) != 1 {
		return errIDPlace
	}
	for place, value := range table {
		name, err := readText(value)
		if err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
		switch place {
		case "header":
			b.inbound.ID = EventID{Header: textproto.CanonicalMIMEHeaderKey(name)}
		case "query":
			b.inbound.ID = EventID{Query: name}
		default:
			return errIDPlace
		}
	}
	return nil
}

var errIDPlace = errors.New(`expected a path in the body such as "order.id", { header = "X-Delivery" } or { query = "id" }`)
