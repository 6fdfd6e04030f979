package difftest

import "slices"

// local makes a local statement, sometimes with more or fewer values than
// names.
func (g *generator) local() *node {
	n := []int{1, 1, 1, 1, 2, 2, 3, 4}[g.IntN(8)]
	kinds := []kind{}
	for range n {
		k := kind(g.IntN(int(kindCount)))
		if k == anything && !g.oneIn(3) {
			k = number
		}
		kinds = append(kinds, k)
	}
	given := n
	if g.oneIn(6) {
		given = g.IntN(n + 2)
	}
	values := list()
	for i := range given {
		switch {
		case i >= n:
			values.add(g.several(2))
		case i == given-1 && given < n && g.oneIn(2):
			values.add(g.several(2))
			kinds[i] = number
		default:
			values.add(g.expr(kinds[i], 2))
		}
	}
	names := list()
	for i, k := range kinds {
		if i >= given {
			k = anything
		}
		names.add(name(g.declare(k)))
	}
	if given == 0 {
		return stmt("local ", names)
	}
	return stmt("local ", names, " = ", values)
}

// assignment makes an assignment to one or more places, sometimes with more or
// fewer values.
func (g *generator) assignment() *node {
	n := []int{1, 1, 2, 2, 3, 4}[g.IntN(6)]
	if !g.with("assign") {
		n = 1
	}
	given := n
	if g.with("assign") && g.oneIn(7) {
		given = 1 + g.IntN(n+1)
	}
	places, values := list(), list()
	kinds := []kind{}
	for i := range n {
		k := kind(g.IntN(int(kindCount)))
		if g.oneIn(2) {
			k = number
		}
		if i >= given {
			k = anything
		}
		places.add(g.placeBeside(places, k))
		kinds = append(kinds, k)
	}
	for i := range given {
		var value *node
		if i >= n || i == given-1 && kinds[i] == number && (given < n || g.oneIn(4)) {
			value = g.several(2)
		} else {
			value = g.assigned(kinds[i])
		}
		if !g.with("single") && i < n && places.parts[i].(*node).isName() {
			value = expr(precPrefix, "({ ", value, " })[1]")
		}
		values.add(value)
	}
	return stmt(places, " = ", values)
}

// assigned makes a value for an assignment. Its size is mostly bounded, because
// the assignment may be in a loop and the value may be made from the variable
// itself.
func (g *generator) assigned(k kind) *node {
	switch {
	case k == str && g.oneIn(2):
		return expr(precPrefix, operand{g.expr(str, 2), precPrefix}, ":sub(1, 20)")
	case k == number && g.oneIn(2):
		return expr(precMultiply, operand{g.expr(number, 2), precMultiply}, " % 1009")
	}
	return g.expr(k, 2)
}

// placeBeside makes a place that is not one of the variables among others: Lua
// does not define the order in which places are assigned to.
func (g *generator) placeBeside(others *node, k kind) *node {
	p := g.place(k)
	for _, other := range others.parts {
		if p.isName() && slices.Equal(other.(*node).parts, p.parts) {
			return expr(precPrefix, `({}).x`)
		}
	}
	return p
}

// place makes what can be assigned to: a variable or a field.
func (g *generator) place(k kind) *node {
	if k == number && g.oneIn(3) || k == anything && g.oneIn(4) {
		if r := g.pick(record, false); r != nil && g.oneIn(2) {
			return g.fieldOf(r.name)
		}
		if a := g.pick(array, false); a != nil && g.oneIn(2) {
			if g.oneIn(2) {
				return expr(precPrefix, a.name, "[#", a.name, " + 1]")
			}
			return expr(precPrefix, a.name, "[", g.choose("1", "1", "#"+a.name+" + 1"), "]")
		}
	}
	if v := g.pick(k, true); v != nil {
		if v.global && g.oneIn(6) {
			return expr(precPrefix, "_G.", v.name)
		}
		return name(v.name)
	}
	return name("G3")
}

func (g *generator) fieldOf(table string) *node {
	switch g.IntN(5) {
	case 0:
		return expr(precPrefix, operand{g.expr(record, 1), precPrefix}, "[", g.computedKey(), "]")
	case 1:
		return expr(precPrefix, table, `["`+g.choose("a", "b", "c")+`"]`)
	}
	return expr(precPrefix, table, "."+g.choose("a", "b", "c"))
}

// computedKey makes a key of a record that is not a constant.
func (g *generator) computedKey() *node {
	return expr(precOr, operand{g.condition(2), precAnd + 1}, ` and "a" or "b"`)
}
