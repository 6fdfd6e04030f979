package vm

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// shape is a declared type with its names resolved.
type shape struct {
	kind  bindings.Kind
	def   *bindings.Definition
	items *bindings.Type
	of    []bindings.Type
}

func shapeOf(c *bindings.Catalogue, t *bindings.Type) shape {
	if t == nil {
		return shape{}
	}
	if t.Kind != bindings.Named {
		return shape{kind: t.Kind, items: t.Items, of: t.OneOf}
	}
	if c == nil {
		return shape{}
	}
	resolved, def := c.Resolve(t)
	return shape{kind: resolved.Kind, items: resolved.Items, of: resolved.OneOf, def: def}
}

// fieldShape returns the type of a field. The fields of a document are mostly
// in the declared order, so the search begins at cursor, after the field that
// was found last.
func fieldShape(c *bindings.Catalogue, s shape, name string, cursor *int) shape {
	if s.kind == bindings.Map {
		return shapeOf(c, s.items)
	}
	if s.def == nil {
		return shape{}
	}
	fields := s.def.Fields
	for i := range fields {
		at := *cursor + i
		if at >= len(fields) {
			at -= len(fields)
		}
		if fields[at].Name == name {
			*cursor = (at + 1) % len(fields)
			return shapeOf(c, &fields[at].Type)
		}
	}
	return shape{}
}

// narrow returns the member of a union that a value belongs to. first is the
// first byte of the value in JSON, '0' for all numbers.
func (s shape) narrow(c *bindings.Catalogue, first byte) shape {
	for range 4 {
		if s.kind != bindings.Union {
			return s
		}
		next, found := shape{}, false
		for i := range s.of {
			member := shapeOf(c, &s.of[i])
			if member.kind == bindings.Union || !member.accepts(first) {
				if member.kind == bindings.Union && !found {
					next, found = member, true
				}
				continue
			}
			next, found = member, true
			break
		}
		s = next
	}
	return shape{}
}

func (s shape) accepts(first byte) bool {
	switch s.kind {
	case bindings.Object, bindings.Map:
		return first == '{'
	case bindings.List:
		return first == '['
	case bindings.Decimal, bindings.Int64, bindings.Number, bindings.Integer:
		return first == '0'
	}
	return first == '"'
}

// forTable returns the member of a union that a table belongs to. An empty
// table is an object if the union has one.
func (s shape) forTable(c *bindings.Catalogue, t *lua.LTable) shape {
	if !isList(t) && t.MaxN() == 0 {
		if object := s.narrow(c, '{'); object.kind != bindings.Any {
			return object
		}
	}
	return s.narrow(c, '[')
}
