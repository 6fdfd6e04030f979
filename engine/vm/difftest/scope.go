package difftest

// kind is the kind of an expression's value. A few expressions have a value of
// another kind, so that some programs raise errors.
type kind int

const (
	number kind = iota
	str
	boolean
	array    // a list of numbers without holes
	record   // a table with numbers in the fields a, b and sometimes c, and a string in s
	callable // a function of numbers that returns one to three numbers
	object   // a table whose metatable has arithmetic, calls and methods
	anything
	kindCount
)

// variable is a name that the program can use.
type variable struct {
	name   string
	kind   kind
	global bool
	fixed  bool // never assigned to: a counter that ends a loop
}

// declare adds a local to the scope, sometimes with the name of another one of
// its kind.
func (g *generator) declare(k kind) string {
	n := g.newName("v")
	if same := g.pick(k, false); same != nil && !same.fixed && !same.global && g.oneIn(12) {
		n = same.name
	}
	g.declareAs(n, k)
	return n
}

func (g *generator) declareAs(n string, k kind) {
	g.current().locals++
	g.scope = append(g.scope, variable{name: n, kind: k})
}

// pick returns a random variable of a kind from the scope, nil if there is
// none. If assign is set, the variable may be assigned to.
func (g *generator) pick(k kind, assign bool) *variable {
	var chosen *variable
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

// parameters declares n parameters and returns their names.
func (g *generator) parameters(n int) *node {
	names := list()
	for range n {
		names.add(name(g.declare(number)))
	}
	return names
}

// inFunction calls write with a new function as the current one, whose locals
// are in scope until write returns.
func (g *generator) inFunction(varargs bool, write func()) {
	scope := len(g.scope)
	g.functions = append(g.functions, &functionState{varargs: varargs})
	write()
	g.functions = g.functions[:len(g.functions)-1]
	g.scope = g.scope[:scope]
}

// around calls write with one more target of jumps: a label, or "" for a loop.
func (g *generator) around(label string, write func()) {
	f := g.current()
	f.jumps = append(f.jumps, label)
	write()
	f.jumps = f.jumps[:len(f.jumps)-1]
}

// inBlock makes a block of about n statements with a scope of its own. The
// functions in last add its last statements; without them it may end with a jump.
func (g *generator) inBlock(n int, last ...func(b *node)) *node {
	scope, locals := len(g.scope), g.current().locals
	g.nesting++
	b := block()
	for range n {
		if g.statementsLeft >= 0 || len(b.parts) == 0 {
			b.add(g.statement())
		}
	}
	if g.oneIn(6) {
		b.add(g.observe())
	}
	for _, add := range last {
		add(b)
	}
	if len(last) == 0 {
		g.maybeJump(b)
	}
	g.nesting--
	g.scope = g.scope[:scope]
	g.current().locals = locals
	return b
}
