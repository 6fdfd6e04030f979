package vm

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// shape is a type with its names resolved.
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

// fieldShape finds the type of a field. Documents mostly keep the declared
// order, so the search goes on where it last ended.
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

// narrow picks the member of a union that a value of this look belongs to.
func (s shape) narrow(c *bindings.Catalogue, look byte) shape {
	for range 4 {
		if s.kind != bindings.Union {
			return s
		}
		next, found := shape{}, false
		for i := range s.of {
			member := shapeOf(c, &s.of[i])
			if member.kind == bindings.Union || !member.takes(look) {
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

func (s shape) takes(look byte) bool {
	switch s.kind {
	case bindings.Object, bindings.Map:
		return look == '{'
	case bindings.List:
		return look == '['
	case bindings.Decimal, bindings.Int64, bindings.Number, bindings.Integer:
		return look == '0'
	}
	return look == '"'
}

// forTable picks the member of a union that this table is. An empty one is an
// object where the union has one.
func (s shape) forTable(c *bindings.Catalogue, t *lua.LTable) shape {
	if !isList(t) && t.MaxN() == 0 {
		if object := s.narrow(c, '{'); object.kind != bindings.Any {
			return object
		}
	}
	return s.narrow(c, '[')
}
