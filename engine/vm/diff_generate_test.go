package vm

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// kind is what the value of a generated expression is, unless it is one of
// the few that are wrong on purpose.
type kind int

const (
	numberKind kind = iota
	str
	booleanKind
	array  // a list of numbers without holes
	record // fields a, b and c with numbers, s with a text
	call   // a function of numbers that returns one to three numbers
	object // has arithmetic, calls and methods by its metatable
	anything
	kinds
)

// variable is a name that a generated program can use.
type scopeVariable struct {
	nameNode string
	kind     kind
	global   bool
	fixed    bool // a counter: assigning to it might never end
}

// generator makes programs. Equal seeds give equal programs.
type generator struct {
	*rand.Rand
	without map[string]bool // groups of features that are left out
	scope   []scopeVariable
	names   int
	left    int // statements that may still be made
	nesting int
	levels  []level // functions, innermost last
}

// level is what the generator holds of the function that it writes.
type level struct {
	varargs bool
	locals  int
	targets []string // labels that goto may name; "" is a loop that break leaves
}

// groups are the features that can be left out of programs.
var groups = []string{
	"assign",   // a multiple assignment to a local
	"caught",   // errors that are caught
	"octal",    // 010, "010"
	"field",    // a call as value of a named last field
	"constant", // a constant inside and, or, not
	"forin",    // a generic for over anything but a plain call
	"goto",
	"closure", // closures that capture what others assign to
	"big",     // functions with many locals, lists with many values
	"text",    // numbers in texts
	"own",     // local f = function … f … end
	"meta",    // metatables
	"concat",  // __concat with a number
}

// generate makes the program of a seed.
func generate(seed uint64, without map[string]bool) *node {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), without: without, left: 2 + int(seed%6)*2}
	g.levels = []level{{}}
	body := block()
	for _, global := range []scopeVariable{{"G1", numberKind, true, false}, {"G2", str, true, false}, {"G3", anything, true, false}} {
		body.add(stmt(global.nameNode, " = ", g.expr(global.kind, 1)))
		g.scope = append(g.scope, global)
	}
	if g.with("big") && g.one(25) {
		body.add(g.manyLocals())
		g.levels[0].locals += 150
	}
	for g.left > 0 {
		body.add(g.statement())
	}
	body.add(g.observe())
	return stmt(`on("in:/diff", `, &node{kind: functionNode, parts: []any{"function() ", body, "\nend"}}, ")")
}

func (g *generator) with(group string) bool { return !g.without[group] }
func (g *generator) one(in int) bool        { return g.IntN(in) == 0 }
func (g *generator) level() *level          { return &g.levels[len(g.levels)-1] }

func (g *generator) choose(all ...string) string { return all[g.IntN(len(all))] }

func (g *generator) fresh(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

// declare puts a local into scope, now and then under a name that another one
// of its kind has.
func (g *generator) declare(k kind) string {
	n := g.fresh("v")
	if same := g.pick(k, false); same != nil && !same.fixed && !same.global && g.one(12) {
		n = same.nameNode
	}
	g.declareAs(n, k)
	return n
}

func (g *generator) declareAs(n string, k kind) {
	g.level().locals++
	g.scope = append(g.scope, scopeVariable{nameNode: n, kind: k})
}

// pick chooses a visible variable of a kind, nil if there is none.
func (g *generator) pick(k kind, assign bool) *scopeVariable {
	var chosen *scopeVariable
	found := 0
	for i := range g.scope {
		v := &g.scope[i]
		if (k == anything || v.kind == k) && !(assign && v.fixed) {
			if found++; g.IntN(found) < 2 { // the innermost more often
				chosen = v
			}
		}
	}
	return chosen
}

// inBlock makes statements in a scope of their own.
func (g *generator) inBlock(n int, after ...func(b *node)) *node {
	scope, locals := len(g.scope), g.level().locals
	g.nesting++
	b := block()
	for range n {
		if g.left >= 0 || len(b.parts) == 0 {
			b.add(g.statement())
		}
	}
	if g.one(6) {
		b.add(g.observe())
	}
	for _, f := range after {
		f(b)
	}
	if len(after) == 0 {
		g.leave(b)
	}
	g.nesting--
	g.scope = g.scope[:scope]
	g.level().locals = locals
	return b
}

// leave may end a block with a jump.
func (g *generator) leave(b *node) {
	targets := g.level().targets
	if len(targets) == 0 || !g.one(6) {
		return
	}
	b.add(stmt("do ", block(g.jumpTo(targets)), " end")) // break must be the last statement of a block
}

func (g *generator) jumpTo(targets []string) *node {
	i := len(targets) - 1 - min(g.IntN(len(targets)), g.IntN(len(targets)))
	if targets[i] != "" {
		return &node{kind: gotoNode, label: targets[i]}
	}
	for j := i; j < len(targets); j++ {
		if targets[j] == "" {
			i = j
		}
	}
	return &node{kind: breakNode}
}

// observe writes all variables in sight.
func (g *generator) observe() *node {
	all := list()
	for range 5 {
		if v := g.pick(anything, false); v != nil {
			all.add(nameNode(v.nameNode))
		}
	}
	return stmt("out(", all, ")")
}

// statement makes one statement, with those within it.
func (g *generator) statement() *node {
	g.left--
	if g.nesting > 4 || g.left < 0 {
		return g.simple()
	}
	if g.level().locals > 185 {
		return stmt("do ", g.inBlock(2), "\nend")
	}
	switch g.IntN(34) {
	case 0, 1, 2, 3:
		return g.local()
	case 4, 5, 6:
		return g.assignment()
	case 7, 8:
		return g.conditional()
	case 9:
		return g.while()
	case 10:
		return g.repeat()
	case 11, 12:
		return g.numericFor()
	case 13, 14, 15:
		return g.genericFor()
	case 16, 17, 18:
		return g.functionStatement()
	case 19:
		return stmt("do ", g.inBlock(1+g.IntN(3)), "\nend")
	case 20, 21:
		return g.protected()
	case 22:
		if g.with("meta") {
			return g.metatable()
		}
	case 23, 24:
		if g.with("goto") {
			return g.labelled()
		}
	case 25, 26:
		if g.with("closure") {
			return g.closures()
		}
	case 27:
		return g.recursion()
	case 28:
		if targets := g.level().targets; len(targets) > 0 {
			return stmt("if ", g.condition(2), " then ", block(g.jumpTo(targets)), "\nend")
		}
	case 29:
		return g.library()
	}
	return g.simple()
}

// simple makes a statement without others in it.
func (g *generator) simple() *node {
	switch g.IntN(5) {
	case 0:
		if g.level().locals < 185 {
			return g.local()
		}
	case 1:
		return g.assignment()
	case 2:
		if f := g.pick(call, false); f != nil {
			return stmt(expr(precPrefix, f.nameNode, "(", g.values(numberKind, 2+g.IntN(3), 1), ")"))
		}
	case 3:
		return g.library()
	}
	return stmt("out(", g.values(anything, 1+g.IntN(2), 2), ")")
}

// values makes a list of expressions; the last one may be a call or "...".
func (g *generator) values(k kind, n, depth int) *node {
	all := list()
	for i := range n {
		want := k
		if want == anything {
			want = kind(g.IntN(int(kinds)))
		}
		if i == n-1 && g.one(4) {
			all.add(g.several(depth))
			break
		}
		all.add(g.expr(want, depth))
	}
	return all
}

func (g *generator) local() *node {
	n := []int{1, 1, 1, 1, 2, 2, 3, 4}[g.IntN(8)]
	names, values, wanted := list(), list(), []kind{}
	for range n {
		k := kind(g.IntN(int(kinds)))
		if k == anything && !g.one(3) {
			k = numberKind
		}
		wanted = append(wanted, k)
	}
	given := n
	if g.one(6) {
		given = g.IntN(n + 2)
	}
	for i := range given {
		switch {
		case i >= n:
			values.add(g.several(2))
		case i == given-1 && given < n && g.one(2):
			values.add(g.several(2))
			wanted[i] = numberKind
		default:
			values.add(g.expr(wanted[i], 2))
		}
	}
	for j := given; j < n; j++ {
		wanted[j] = anything
	}
	for _, k := range wanted {
		names.add(nameNode(g.declare(k)))
	}
	if given == 0 {
		return stmt("local ", names)
	}
	return stmt("local ", names, " = ", values)
}

// target makes what can stand on the left of an assignment.
func (g *generator) target(k kind) *node {
	if k == numberKind && g.one(3) || k == anything && g.one(4) {
		if r := g.pick(record, false); r != nil && g.one(2) {
			switch g.IntN(5) {
			case 0:
				return expr(precPrefix, operandPart{g.expr(record, 1), precPrefix}, "[", g.keyExpr(), "]")
			case 1:
				return expr(precPrefix, r.nameNode, `["`+g.choose("a", "b", "c")+`"]`)
			}
			return expr(precPrefix, r.nameNode, "."+g.choose("a", "b", "c"))
		}
		if a := g.pick(array, false); a != nil && g.one(2) {
			if g.one(2) {
				return expr(precPrefix, a.nameNode, "[#", a.nameNode, " + 1]")
			}
			return expr(precPrefix, a.nameNode, "[", g.choose("1", "1", "#"+a.nameNode+" + 1"), "]")
		}
	}
	if v := g.pick(k, true); v != nil {
		if v.global && g.one(6) {
			return expr(precPrefix, "_G.", v.nameNode)
		}
		return nameNode(v.nameNode)
	}
	return nameNode("G3")
}

// keyExpr makes a key of a record that is computed.
func (g *generator) keyExpr() *node {
	return expr(precOr, operandPart{g.condition(2), precAnd + 1}, ` and "a" or "b"`)
}

func (g *generator) assignment() *node {
	n := []int{1, 1, 2, 2, 3, 4}[g.IntN(6)]
	if !g.with("assign") {
		n = 1
	}
	given := n
	if g.with("assign") && g.one(7) {
		given = 1 + g.IntN(n+1)
	}
	targets, values := list(), list()
	wanted := []kind{}
	for i := range n {
		k := kind(g.IntN(int(kinds)))
		if g.one(2) {
			k = numberKind
		}
		if i >= given {
			k = anything
		}
		target := g.target(k)
		for _, other := range targets.parts { // in which order targets are assigned is undefined
			if plainName(target) && slices.Equal(other.(*node).parts, target.parts) {
				target = expr(precPrefix, `({}).x`)
			}
		}
		targets.add(target)
		wanted = append(wanted, k)
	}
	for i := range given {
		var value *node
		switch {
		case i >= n || i == given-1 && wanted[i] == numberKind && (given < n || g.one(4)):
			value = g.several(2)
		case wanted[i] == str && g.one(2):
			value = expr(precPrefix, operandPart{g.expr(str, 2), precPrefix}, ":sub(1, 20)")
		case wanted[i] == numberKind && g.one(2):
			value = expr(precMultiply, operandPart{g.expr(numberKind, 2), precMultiply}, " % 1009")
		default:
			value = g.expr(wanted[i], 2)
		}
		if !g.with("single") && i < n && plainName(targets.parts[i].(*node)) {
			value = expr(precPrefix, "({ ", value, " })[1]")
		}
		values.add(value)
	}
	return stmt(targets, " = ", values)
}

func (g *generator) conditional() *node {
	s := stmt("if ", g.condition(2), " then ", g.inBlock(1+g.IntN(2)))
	for g.one(3) {
		s.parts = append(s.parts, "\nelseif ", g.condition(2), " then ", g.inBlock(1+g.IntN(2)))
	}
	if g.one(2) {
		s.parts = append(s.parts, "\nelse ", g.inBlock(1+g.IntN(2)))
	}
	s.parts = append(s.parts, "\nend")
	return s
}

// inLoop makes the block of a loop; it may have a label to go on at.
func (g *generator) inLoop(n int, first string) *node {
	g.level().targets = append(g.level().targets, "")
	defer func() { g.level().targets = g.level().targets[:len(g.level().targets)-1] }()
	var b *node
	if g.with("goto") && g.one(4) {
		label := g.fresh("l")
		g.level().targets = append(g.level().targets, label)
		inner := &node{kind: bareNode, label: label, parts: []any{g.inBlock(n)}}
		g.level().targets = g.level().targets[:len(g.level().targets)-1]
		b = block(inner)
	} else {
		b = g.inBlock(n)
	}
	if first != "" {
		b.parts = append([]any{stmt(first)}, b.parts...)
	}
	return b
}

// counted makes a loop that a counter ends whatever else its condition says.
func (g *generator) counted(make func(counter string) *node) *node {
	counter := g.fresh("n")
	scope := len(g.scope)
	g.scope = append(g.scope, scopeVariable{nameNode: counter, kind: numberKind, fixed: true})
	g.level().locals++
	inner := make(counter)
	g.scope = g.scope[:scope]
	g.level().locals--
	return stmt("do local ", counter, " = 0\n", block(inner), "\nend")
}

func (g *generator) while() *node {
	return g.counted(func(n string) *node {
		bound := fmt.Sprintf("%s < %d", n, 1+g.IntN(4))
		var c *node
		switch g.IntN(5) {
		case 0:
			c = expr(precUnary, "not (", fmt.Sprintf("%s >= %d", n, 1+g.IntN(4)), " or ", operandPart{g.condition(2), precAnd}, ")")
		case 1:
			c = expr(precAnd, operandPart{g.condition(2), precCompare}, " and ", bound)
		case 2:
			c = expr(precAnd, bound)
		case 3:
			c = expr(precAnd, bound, " and (", g.condition(2), ")")
		default:
			c = expr(precAnd, bound, " and ", operandPart{g.condition(2), precCompare})
		}
		return loop("while ", c, " do ", g.inLoop(1+g.IntN(3), n+" = "+n+" + 1"), "\nend")
	})
}

func (g *generator) repeat() *node {
	return g.counted(func(n string) *node {
		g.level().targets = append(g.level().targets, "")
		var c *node
		b := g.inBlock(1+g.IntN(3), func(b *node) {
			bound := fmt.Sprintf("%s >= %d", n, 1+g.IntN(4))
			switch g.IntN(4) {
			case 0:
				c = expr(precOr, bound)
			case 1:
				c = expr(precUnary, "not (", fmt.Sprintf("%s < %d", n, 1+g.IntN(4)), " and ", operandPart{g.condition(2), precCompare}, ")")
			default:
				c = expr(precOr, bound, " or ", operandPart{g.condition(2), precAnd})
			}
		})
		g.level().targets = g.level().targets[:len(g.level().targets)-1]
		b.parts = append([]any{stmt(n + " = " + n + " + 1")}, b.parts...)
		return loop("repeat ", b, "\nuntil ", c)
	})
}

func (g *generator) numericFor() *node {
	bounds := g.choose("1, 3", "3, 1, -1", "1, 2, 0.5", "2, 2", "3, 1", "0, -2, -1", "1, 4, 2", "-1, 1")
	head := any(bounds)
	if g.one(3) {
		head = list(expr(precMultiply, operandPart{g.expr(numberKind, 2), precMultiply}, " % 3"), expr(precMultiply, operandPart{g.expr(numberKind, 2), precMultiply}, " % 5"))
	}
	scope := len(g.scope)
	v := g.fresh("i")
	g.declareAs(v, numberKind)
	s := loop("for "+v+" = ", head, " do ", g.inLoop(1+g.IntN(3), ""), "\nend")
	g.scope = g.scope[:scope]
	g.level().locals--
	return s
}

// genericFor goes over a list, an iterator of the program's own, or a text.
func (g *generator) genericFor() *node {
	k, v := g.fresh("k"), g.fresh("w")
	source, kinds := g.iterator()
	scope := len(g.scope)
	names := list(nameNode(k), nameNode(v))
	g.declareAs(k, kinds[0])
	g.declareAs(v, kinds[1])
	if g.one(5) {
		names = list(nameNode(k))
		g.scope[len(g.scope)-1].kind = anything
		g.scope = g.scope[:len(g.scope)-1]
	} else if g.one(6) {
		third := g.fresh("x")
		names.add(nameNode(third))
		g.declareAs(third, anything)
	}
	s := loop("for ", names, " in ", source, " do ", g.inLoop(1+g.IntN(3), ""), "\nend")
	g.level().locals -= len(g.scope) - scope
	g.scope = g.scope[:scope]
	return s
}

// iterator makes the expressions of a generic for, and says what it gives.
func (g *generator) iterator() (*node, [2]kind) {
	fresh := func() *node {
		return expr(precLiteral, "{ ", list(g.expr(numberKind, 1), g.expr(numberKind, 1), text("7")), " }")
	}
	form := g.IntN(4)
	if g.with("forin") {
		form = g.IntN(14)
	}
	both, first := [2]kind{numberKind, numberKind}, [2]kind{numberKind, anything}
	switch form {
	case 0, 1:
		return list(expr(precPrefix, "ipairs(", g.expr(array, 2), ")")), both
	case 2:
		return list(expr(precPrefix, "pairs(", fresh(), ")")), both
	case 4:
		return list(nameNode("next"), fresh()), both
	case 3:
		return list(expr(precPrefix, operandPart{g.expr(str, 1), precPrefix}, ":gmatch(", g.choose(`"%a"`, `"(%w)(%w)"`, `"()."`), ")")), [2]kind{anything, anything}
	case 5:
		return list(expr(precPrefix, "(", operandPart{g.condition(2), precCompare}, " and pairs or ipairs)(", fresh(), ")")), both
	case 6: // a stateless iterator of the program's own
		return list(expr(precLiteral, &node{kind: functionNode, parts: []any{"function(s, c) if c < s then ", block(stmt("return c + 1, ", g.expr(numberKind, 2))), "\nend end"}}), text("3"), text("0")), both
	case 7: // a closure with a state
		n := g.fresh("n")
		return list(expr(precPrefix, "(", &node{kind: functionNode, parts: []any{"function(", n, ") return function() if ", n, " > 0 then ", block(stmt(n, " = ", n, " - 1"), stmt("return ", n, ", ", g.expr(numberKind, 2))), "\nend end end"}}, ")(3)")), both
	case 8:
		return list(expr(precPrefix, "(", operandPart{g.expr(str, 1), precConcat + 1}, " .. \"ab\"):gsub(\"b\", \"c\"):gmatch(\".\")")), [2]kind{str, anything}
	case 9: // an object that can be called
		n := g.fresh("n")
		return list(expr(precPrefix, "setmetatable({ ", n, " = 2 }, { __call = function(self) if self.", n, " > 0 then self.", n, " = self.", n, " - 1 return self.", n, " end end })")), first
	case 10:
		return list(expr(precPrefix, "next"), fresh(), text("nil")), both
	case 11:
		return list(expr(precOr, operandPart{g.condition(2), precCompare}, " and next or ", "next"), fresh()), both
	case 12:
		return list(expr(precPrefix, "(ipairs({ 5 }))"), g.expr(array, 2), text("0")), both // lua5.1 has a fault of its own with more than three
	}
	return list(expr(precPrefix, "unpack({ ipairs(", g.expr(array, 2), ") })")), both
}

// parameters declares those of a function and gives their names.
func (g *generator) parameters(n int) *node {
	names := list()
	for range n {
		names.add(nameNode(g.declare(numberKind)))
	}
	return names
}

// function makes a function of kind call.
func (g *generator) function() *node {
	scope := len(g.scope)
	varargs := g.one(3)
	g.levels = append(g.levels, level{varargs: varargs})
	names := g.parameters(g.IntN(3))
	if varargs {
		names.add(text("..."))
	}
	b := g.inBlock(1+g.IntN(3), func(b *node) { b.add(stmt("return ", g.values(numberKind, 1+g.IntN(3), 2))) })
	g.levels = g.levels[:len(g.levels)-1]
	g.scope = g.scope[:scope]
	return &node{kind: functionNode, prec: precLiteral, parts: []any{"function(", names, ") ", b, "\nend"}}
}

func (g *generator) functionStatement() *node {
	f := g.function()
	body := f.parts[1:]
	switch g.IntN(6) {
	case 0:
		n := g.fresh("F")
		f.parts = append([]any{"function " + n + "("}, body...)
		g.scope = append(g.scope, scopeVariable{nameNode: n, kind: call, global: true})
		return stmt(f)
	case 1:
		if r := g.pick(record, false); r != nil {
			f.parts = append([]any{"function " + r.nameNode + ".f("}, body...)
			n := g.declare(call)
			return stmt(f, " local ", n, " = ", r.nameNode, ".f")
		}
	case 2:
		if v := g.pick(call, true); v != nil {
			return stmt(v.nameNode, " = ", f)
		}
	case 3:
		if g.with("own") {
			return stmt("local ", g.declare(call), " = ", f)
		}
	}
	n := g.fresh("f")
	f.parts = append([]any{"local function " + n + "("}, body...)
	g.declareAs(n, call)
	return stmt(f)
}

// recursion makes a function that calls itself, to a depth that is given.
func (g *generator) recursion() *node {
	n, depth := g.fresh("r"), g.fresh("d")
	scope := len(g.scope)
	g.levels = append(g.levels, level{})
	g.scope = append(g.scope, scopeVariable{nameNode: depth, kind: numberKind, fixed: true})
	g.declareAs(depth, numberKind)
	g.scope[len(g.scope)-1].fixed = true
	other := g.declare(numberKind)
	first := block(stmt("return ", g.values(numberKind, 1+g.IntN(2), 2)))
	b := g.inBlock(1+g.IntN(2), func(b *node) {
		self := expr(precPrefix, n, "(", depth, " - 1, ", g.values(numberKind, 1, 2), ")")
		b.add([]*node{
			stmt("return ", self),
			stmt("return ", list(expr(precAdd, operandPart{self, precAdd}, " + ", operandPart{g.expr(numberKind, 1), precMultiply}), g.expr(numberKind, 2))),
			stmt("return ", list(g.expr(numberKind, 2), self)),
			stmt("return ", list(expr(precPrefix, "(", self, ")"))),
		}[g.IntN(4)])
	})
	g.levels = g.levels[:len(g.levels)-1]
	g.scope = g.scope[:scope]
	return stmt(&node{kind: functionNode, parts: []any{"local function ", n, "(", depth, ", ", other, ") if ", depth, " <= 0 then ", first, "\nend ", b, "\nend"}},
		" out(", list(expr(precPrefix, n, fmt.Sprintf("(%d, ", 1+g.IntN(4)), g.expr(numberKind, 1), ")")), ")")
}

// closures makes functions in a loop that capture its variables, and calls them.
func (g *generator) closures() *node {
	fs := g.fresh("fs")
	scope, locals := len(g.scope), g.level().locals
	shared, first := g.fresh("v"), g.expr(numberKind, 1)
	g.declareAs(shared, numberKind)
	s := loop()
	g.level().targets = append(g.level().targets, "")
	capture := func(b *node) {
		inner := g.function()
		b.add(stmt(fs, "[#", fs, " + 1] = ", inner))
		if v := g.pick(numberKind, true); v != nil && g.one(2) {
			b.add(stmt(v.nameNode, " = ", v.nameNode, " + 1"))
		}
		if g.one(4) {
			b.add(g.protected())
		}
		g.leave(b)
	}
	counter := g.fresh("i")
	switch g.IntN(3) {
	case 0:
		g.declareAs(counter, numberKind)
		s.parts = []any{"for " + counter + " = 1, 3 do ", g.inBlock(1, capture), "\nend"}
	case 1:
		g.declareAs(counter, numberKind)
		s.parts = []any{"for _, " + counter + " in ipairs({ 4, 5 }) do ", g.inBlock(1, capture), "\nend"}
	case 2:
		g.scope = append(g.scope, scopeVariable{nameNode: counter, kind: numberKind, fixed: true})
		b := g.inBlock(1, capture)
		b.parts = append([]any{stmt(counter + " = " + counter + " + 1")}, b.parts...)
		s.parts = []any{"repeat ", b, "\nuntil " + counter + " >= 3"}
	}
	g.level().targets = g.level().targets[:len(g.level().targets)-1]
	all := block(
		stmt("local ", fs, ", ", counter, " = {}, 0"),
		stmt("local ", shared, " = ", first),
		s,
		stmt("for _ = 1, 2 do for j = 1, #", fs, " do out(j, ", fs, "[j](j, 2)) end end out(", shared, ")"),
	)
	g.scope = g.scope[:scope]
	g.level().locals = locals
	return stmt("do ", all, "\nend")
}

// labelled makes a block that goto leaves, or begins again.
func (g *generator) labelled() *node {
	label := g.fresh("l")
	level := g.level()
	if g.one(2) {
		level.targets = append(level.targets, label)
		b := g.inBlock(2 + g.IntN(3))
		g.level().targets = g.level().targets[:len(g.level().targets)-1]
		return &node{kind: forwardNode, label: label, parts: []any{b}}
	}
	return g.counted(func(n string) *node {
		b := g.inBlock(1+g.IntN(3), func(b *node) {
			b.add(stmt(n, " = ", n, " + 1"))
			again := block(&node{kind: gotoNode, label: label})
			b.add(stmt("if ", n, fmt.Sprintf(" < %d and ", 1+g.IntN(3)), operandPart{g.condition(2), precCompare}, " then ", again, "\nend"))
		})
		return &node{kind: backNode, label: label, parts: []any{b}}
	})
}

// manyLocals makes nearly as many locals as a function can have.
func (g *generator) manyLocals() *node {
	s := stmt("local big0 = 0")
	for i := range 15 {
		names, values := list(), list()
		for j := range 10 {
			n := fmt.Sprintf("big%d_%d", i, j)
			names.add(nameNode(n))
			values.add(text(fmt.Sprint(i*10 + j)))
			g.scope = append(g.scope, scopeVariable{nameNode: n, kind: numberKind})
		}
		s.parts = append(s.parts, " local ", names, " = ", values)
	}
	return s
}
