package vm

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// rule is how one field of a mapping's result is made. Exactly one of its parts
// is set. required may be set too.
type rule struct {
	path     *mapPath
	function *lua.LFunction
	constant lua.LValue
	fields   []fieldRule // a nested mapping
	items    []*rule     // a list with a rule for each item
	when     []condition // with then and otherwise
	decide   *lua.LFunction
	then     *rule
	other    *rule
	required bool

	depth    int
	userData *lua.LUserData // the rule as scripts get it
}

// register makes the user data of a rule. A rule can be part of several others,
// so its depth is bounded here, and its memory is counted once.
func (m *mapper) register(r *rule) *rule {
	r.depth = 1
	for _, inner := range r.inner() {
		r.depth = max(r.depth, inner.depth+1)
	}
	if r.depth > maxMapDepth {
		m.fail("rules within rules more than %d deep", maxMapDepth)
	}
	m.charge(5, ruleBytes)
	r.userData = &lua.LUserData{Value: r, Metatable: lua.LNil}
	return r
}

// inner returns the rules that are parts of a rule.
func (r *rule) inner() []*rule {
	all := append([]*rule{}, r.items...)
	for _, f := range r.fields {
		all = append(all, f.rule)
	}
	if r.then != nil {
		all = append(all, r.then)
	}
	if r.other != nil {
		all = append(all, r.other)
	}
	return all
}

// fieldRule is a rule with the name of its field.
type fieldRule struct {
	name string
	rule *rule
}

// condition is met if the value at path is one of those wanted.
type condition struct {
	path   mapPath
	wanted []lua.LValue
}

// Sizes in bytes, without what they refer to.
const (
	ruleBytes      = 208 // with its user data
	pathBytes      = 48
	conditionBytes = 128 // append doubles the capacity
)

// size implements sizer.
func (r *rule) size() (int64, []lua.LValue) {
	bytes, references := int64(ruleBytes), []lua.LValue{}
	if r.path != nil {
		bytes += pathBytes + r.path.size()
		references = append(references, lua.LString(r.path.text))
	}
	for _, f := range []*lua.LFunction{r.function, r.decide} {
		if f != nil {
			references = append(references, f)
		}
	}
	if r.constant != nil {
		references = append(references, r.constant)
	}
	for _, f := range r.fields {
		bytes += textBytes(len(f.name)) + slotBytes
	}
	bytes += int64(cap(r.items)) * 8
	for _, c := range r.when {
		bytes += conditionBytes + c.path.size() + int64(cap(c.wanted))*slotBytes
		references = append(append(references, c.wanted...), lua.LString(c.path.text))
	}
	for _, inner := range r.inner() {
		references = append(references, inner.userData)
	}
	return bytes, references
}

func (r *rule) describe() string { return "a rule of map" }

// maxMapDepth bounds mappings within mappings.
const maxMapDepth = 32

// mapFunction is map { field = rule, … }: a function that makes a plain table
// from a source.
func mapFunction(L *lua.LState) int {
	spec, ok := L.Get(1).(*lua.LTable)
	if !ok || L.GetTop() != 1 {
		raise(L, "map takes one table: map { field = \"path\", … }; found %s", describe(L.Get(1)))
	}
	m, release := newMapper(L)
	defer release()
	r := m.parse(spec)
	if r.items != nil {
		raise(L, "map: the fields need names: map { field = \"path\", … }")
	}
	f := function(func(L *lua.LState) int {
		source := L.Get(1)
		if _, ok := source.(*lua.LTable); !ok {
			raise(L, "map: the source must be a table, found %s", describe(source))
		}
		m, release := newMapper(L)
		defer release()
		m.source = source
		L.Push(m.make(r))
		return 1
	})
	f.Upvalues = []*lua.Upvalue{upvalue(r.userData)}
	L.Push(f)
	return 1
}

// ruleOf returns the rule of a function that map made, nil for other functions.
func ruleOf(f *lua.LFunction) *rule {
	if f.IsG && len(f.Upvalues) == 1 {
		if u, ok := f.Upvalues[0].Value().(*lua.LUserData); ok {
			r, _ := u.Value.(*rule)
			return r
		}
	}
	return nil
}

// requiredFunction is required(path or function): an absent value is an error.
func requiredFunction(L *lua.LState) int {
	m, release := newMapper(L)
	defer release()
	inner := *m.rule(L.Get(1), "required")
	inner.required = true
	L.Push(m.register(&inner).userData)
	return 1
}

// constFunction is const(value): the same value for every source.
func constFunction(L *lua.LState) int {
	v := L.Get(1)
	if v == lua.LNil {
		raise(L, "const needs a value; to leave a field out, leave it out of the map")
	}
	m, release := newMapper(L)
	defer release()
	L.Push(m.register(&rule{constant: v}).userData)
	return 1
}

// whenFunction is when(condition, rule [, otherwise]). The condition is a table
// of paths and the values wanted there, or a function of the source.
func whenFunction(L *lua.LState) int {
	m, release := newMapper(L)
	defer release()
	r := &rule{then: m.rule(L.Get(2), "when")}
	if L.Get(3) != lua.LNil {
		r.other = m.rule(L.Get(3), "when")
	}
	switch v := L.Get(1).(type) {
	case *lua.LFunction:
		r.decide = v
	case *lua.LTable:
		for key, wanted := v.Next(lua.LNil); key != lua.LNil; key, wanted = v.Next(key) {
			name, ok := key.(lua.LString)
			if !ok {
				raise(L, "when: a condition is written { path = value }, found the item %s", describe(key))
			}
			path, err := parseMapPath(string(name))
			if err != nil {
				raise(L, "when: %v", err)
			}
			m.charge(5, conditionBytes+path.size())
			r.when = append(r.when, condition{path, m.wanted(string(name), wanted)})
		}
	}
	if r.decide == nil && r.when == nil {
		raise(L, "when: the condition must be a table such as { kind = \"company\" } or a function, found %s", describe(L.Get(1)))
	}
	L.Push(m.register(r).userData)
	return 1
}

// mapper parses rules, and makes the result of one source.
type mapper struct {
	L      *lua.LState
	a      *activation
	source lua.LValue
	charge func(work, bytes int64)
	target []string // the path to the current field
	depth  int
}

// newMapper makes a mapper whose charge is reserved until release is called.
func newMapper(L *lua.LState) (m *mapper, release func()) {
	m = &mapper{L: L, a: activationOf(L)}
	m.charge, release = m.a.reserve(L)
	return m, release
}

func (m *mapper) fail(format string, args ...any) {
	at := "map: "
	if len(m.target) > 0 {
		at += strings.Join(m.target, ".") + ": "
	}
	raise(m.L, "%s"+format, append([]any{at}, args...)...)
}

func (m *mapper) wanted(name string, v lua.LValue) []lua.LValue {
	list, ok := v.(*lua.LTable)
	if !ok {
		return []lua.LValue{m.scalar(name, v)}
	}
	var all []lua.LValue
	for i := 1; i <= list.MaxN(); i++ {
		m.charge(1, 16)
		all = append(all, m.scalar(name, list.RawGetInt(i)))
	}
	if all == nil {
		raise(m.L, "when: %s needs a value or a list of values", name)
	}
	return all
}

func (m *mapper) scalar(name string, v lua.LValue) lua.LValue {
	switch v.(type) {
	case lua.LString, lua.LNumber, lua.LBool:
		return v
	}
	if !isNull(v) {
		raise(m.L, "when: %s can be compared with texts, numbers, true and false, found %s", name, describe(v))
	}
	return v
}

// rule reads the rule of a field. verb is the function that needs it, for
// errors.
func (m *mapper) rule(v lua.LValue, verb string) *rule {
	switch v := v.(type) {
	case lua.LString:
		path, err := parseMapPath(string(v))
		if err != nil {
			m.fail("%v", err)
		}
		m.charge(1, pathBytes+path.size())
		return m.register(&rule{path: &path})
	case *lua.LFunction:
		if r := ruleOf(v); r != nil {
			return r
		}
		return m.register(&rule{function: v})
	case *lua.LTable:
		return m.parse(v)
	case *lua.LUserData:
		if r, ok := v.Value.(*rule); ok {
			return r
		}
	case lua.LNumber, lua.LBool:
		m.fail("write const(%s) for a value that is always the same", v.String())
	}
	m.fail("%s takes a path, a function, const, required, when or a table; found %s", verb, describe(v))
	return nil
}

func (m *mapper) parse(spec *lua.LTable) *rule {
	if m.depth++; m.depth > maxMapDepth {
		m.fail("tables within tables more than %d deep", maxMapDepth)
	}
	defer func() { m.depth-- }()
	r := &rule{}
	for key, v := spec.Next(lua.LNil); key != lua.LNil; key, v = spec.Next(key) {
		name := textOf(key)
		m.target = append(m.target, name)
		inner := m.rule(v, "a field")
		m.target = m.target[:len(m.target)-1]
		if _, ok := key.(lua.LString); ok {
			m.charge(1, textBytes(len(name))+2*slotBytes)
			r.fields = append(r.fields, fieldRule{strings.Clone(name), inner})
		} else {
			r.items = append(r.items, inner)
		}
	}
	if r.fields != nil && r.items != nil {
		m.fail("a table has either fields or items, found both")
	}
	if r.fields == nil && r.items == nil {
		m.fail("the table is empty; set at least one field")
	}
	return m.register(r)
}

// value makes the value of a rule; nil means that the field is left out.
func (m *mapper) value(r *rule) lua.LValue {
	m.charge(5, 0)
	v := m.unchecked(r)
	if v == lua.LNil && r.required {
		if r.path != nil {
			m.fail("%q is required and absent in the source", r.path.text)
		}
		m.fail("a value is required, and the rule returned nil")
	}
	return v
}

func (m *mapper) unchecked(r *rule) lua.LValue {
	switch {
	case r.path != nil:
		v, err := r.path.find(m.source)
		if err != nil {
			m.fail("%v", err)
		}
		return v
	case r.function != nil:
		return m.call(r.function)
	case r.constant != nil:
		return m.copy(r.constant, 0)
	case r.then != nil:
		switch {
		case m.conditionMet(r):
			return m.value(r.then)
		case r.other != nil:
			return m.value(r.other)
		}
		return lua.LNil
	}
	return m.make(r)
}

func (m *mapper) make(r *rule) lua.LValue {
	m.charge(5, tableBytes+fieldsBytes(len(r.fields))+slotBytes*int64(len(r.items)))
	result := newTable(len(r.items), len(r.fields))
	for _, f := range r.fields {
		m.target = append(m.target, f.name)
		if v := m.value(f.rule); v != lua.LNil {
			result.RawSetString(f.name, v)
		}
		m.target = m.target[:len(m.target)-1]
	}
	if r.items == nil {
		return result
	}
	for _, item := range r.items {
		result.Append(m.value(item))
	}
	return asList(result)
}

func (m *mapper) conditionMet(r *rule) bool {
	if r.decide != nil {
		return lua.LVAsBool(m.call(r.decide))
	}
	for _, c := range r.when {
		v, err := c.path.find(m.source)
		if err != nil {
			m.fail("when: %v", err)
		}
		met := false
		for _, w := range c.wanted {
			met = met || v == w || isNull(v) && isNull(w)
		}
		m.charge(int64(len(c.wanted)), 0)
		if !met {
			return false
		}
	}
	return true
}

// call calls a function of the script. An error that is a text gets the path of
// the field before its message; other errors are raised unchanged.
func (m *mapper) call(f *lua.LFunction) lua.LValue {
	L := m.L
	L.Push(f)
	L.Push(m.source)
	if raised := m.a.protect(L, 1, 1); raised != nil {
		text, ok := raised.value.(lua.LString)
		if !ok {
			raiseValue(L, raised.value)
		}
		at, message, found := m.a.program.cutPosition(string(text))
		if !found {
			at, message = m.a.position(L), string(text)
		}
		raiseValue(L, lua.LString(at+": map: "+strings.Join(m.target, ".")+": "+message))
	}
	v := L.Get(-1)
	L.Pop(1)
	return v
}

// copy copies the tables of a constant, so that a change of one result does not
// change the next one.
func (m *mapper) copy(v lua.LValue, depth int) lua.LValue {
	t, ok := v.(*lua.LTable)
	if !ok {
		return v
	}
	if depth > maxMapDepth {
		m.fail("const: tables within tables more than %d deep", maxMapDepth)
	}
	n, fields := t.MaxN(), len(tableOf(t).keys)
	m.charge(5+int64(n+fields), tableBytes+slotBytes*int64(n)+fieldsBytes(fields))
	c := newTable(n, fields)
	c.Metatable = t.Metatable
	for key, inner := t.Next(lua.LNil); key != lua.LNil; key, inner = t.Next(key) {
		c.RawSet(key, m.copy(inner, depth+1))
	}
	return c
}
