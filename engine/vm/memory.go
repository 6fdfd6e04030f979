package vm

import (
	"math/bits"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// allocating has the instructions that the meter charges for before they run.
var allocating = [64]bool{
	lua.OP_CONCAT: true, lua.OP_NEWTABLE: true, lua.OP_CLOSURE: true,
	lua.OP_SETTABLE: true, lua.OP_SETTABLEKS: true, lua.OP_SETLIST: true, lua.OP_SETGLOBAL: true,
	lua.OP_FORPREP: true,
}

// Sizes of what Go allocates for values, in bytes.
const (
	tableBytes   = 96
	slotBytes    = 16 // of the array part, of the list of keys, and of a register
	closureBytes = 96
	upvalueBytes = 64
	stringBytes  = 16
	numberBytes  = 16 // the VM makes numbers in blocks, of which one that is used retains all
	visitBytes   = 32 // of the set of values that a measurement has seen
	groupSlots   = 8  // a map has groups of so many entries, and a byte for each beside them
	mapBytes     = 48
	nameSlot     = 32                                    // of a map from texts to values, and from values to values
	numberSlot   = 24                                    // of the map from keys to their place in the list
	entryBytes   = (nameSlot+numberSlot+2)*2 + slotBytes // of the hash part, while its maps grow
)

// fieldsBytes returns the size of the maps and the list of keys of a table with n fields.
func fieldsBytes(n int) int64 {
	if n == 0 {
		return 0
	}
	return sizeOfMap(n, nameSlot) + sizeOfMap(n, numberSlot) + int64(n)*slotBytes
}

// sizeOfMap returns the size of a Go map that had n entries: maps do not become smaller.
// Seven eighths of its slots are used at most.
func sizeOfMap(n, slot int) int64 {
	slots := groupSlots
	if n > groupSlots {
		slots = 1 << bits.Len(uint((n*groupSlots-1)/(groupSlots-1)))
	}
	return mapBytes + int64(slots)*int64(slot+1)
}

// textBytes returns the size of a text of n bytes.
func textBytes(n int) int64 { return stringBytes + int64(n+7)&^7 }

// chargeInstruction charges for what an instruction is about to allocate.
func (m *meter) chargeInstruction(f *frameMirror, inst uint32) {
	base, a := f.LocalBase, int(inst>>18)&0xff
	b, c := int(inst&0x1ff), int(inst>>9)&0x1ff
	reg := m.state.reg
	switch int(inst >> 26) {
	case lua.OP_CONCAT:
		m.chargeConcat(f, b, c)
	case lua.OP_NEWTABLE:
		bytes := int64(tableBytes + b*slotBytes)
		m.charge(0, bytes+fieldsBytes(c))
	case lua.OP_CLOSURE:
		n := int64(f.Fn.Proto.FunctionPrototypes[inst&0x3ffff].NumUpvalues)
		m.charge(n/8, closureBytes+n*upvalueBytes)
	case lua.OP_SETTABLE:
		if t, ok := reg.array[base+a].(*lua.LTable); ok {
			m.activation.chargeField(t, m.rk(f, b))
		}
	case lua.OP_SETTABLEKS:
		if t, ok := reg.array[base+a].(*lua.LTable); ok {
			m.chargeName(tableOf(t))
		} else {
			m.charge(0, entryBytes)
		}
	case lua.OP_SETGLOBAL:
		m.charge(0, entryBytes)
	case lua.OP_SETLIST:
		n := int64(b)
		if b == 0 {
			n = int64(reg.top - (base + a) - 1)
		}
		m.charge(n/4, n*2*slotBytes)
	case lua.OP_FORPREP:
		m.forBounds(reg.array[base+a : base+a+3])
	}
}

func (m *meter) rk(f *frameMirror, i int) lua.LValue {
	if i&0x100 != 0 {
		return f.Fn.Proto.Constants[i&0xff]
	}
	return m.state.reg.array[f.LocalBase+i]
}

// chargeName charges for a field that has a text as its key. The VM makes the map of a
// table's first field for 32 fields, which are 2 kB; so it finds one here.
func (m *meter) chargeName(t *tableMirror) {
	if t.strdict != nil {
		m.charge(0, entryBytes)
		return
	}
	m.charge(0, fieldsBytes(1))
	t.strdict = map[string]lua.LValue{}
}

// chargeField charges for t[key] = value. If it charges too much, that is
// corrected when the memory is measured.
func (a *activation) chargeField(t *lua.LTable, key lua.LValue) {
	table := tableOf(t)
	switch n := key.(type) {
	case lua.LString:
		a.meter.chargeName(table)
		return
	case lua.LNumber:
		if n >= 1 && n < maxArrayIndex && n == lua.LNumber(int(n)) {
			if gap := int64(n) - int64(len(table.array)); gap > 0 {
				bytes := gap * slotBytes
				if int(n) > cap(table.array) { // both arrays are in use while one is copied to the other
					bytes += int64(cap(table.array)) * slotBytes * 5 / 4
				}
				a.meter.charge(gap/16, bytes)
			}
			return
		}
	}
	a.meter.charge(0, entryBytes)
}

// measure is called when all bytes that may be allocated are charged. It counts
// the bytes that the script can reach, so that garbage does not count, and ends
// the activation if they and the wanted bytes exceed the limit.
func (m *meter) measure(wanted int64) {
	a := m.activation
	live := m.reachable()
	if live+wanted > a.limits.Memory {
		a.end(a.overLimit("memory", bytesText(a.limits.Memory)+" of memory"))
	}
	// At least a sixteenth of the limit, so that a script near its limit does
	// not spend its time in measure.
	m.bytes = max(a.limits.Memory-live-wanted, a.limits.Memory/16)
}

// reachable counts the bytes of all values that the script can reach.
func (m *meter) reachable() int64 {
	a := m.activation
	w := memoryWalk{seen: map[unsafe.Pointer]struct{}{}, base: a.machine.base}
	w.bytes = a.reserved + int64(len(m.state.reg.array))*slotBytes
	w.values(m.state.reg.array[:m.state.reg.top])
	for f := m.state.currentFrame; f != nil; f = f.Parent {
		w.value(f.Fn)
	}
	for u := m.state.uvcache; u != nil; u = u.next {
		w.bytes += upvalueBytes
	}
	if a.env != nil {
		w.value(a.env)
	}
	for _, r := range a.registered {
		w.value(r.handler)
		for _, f := range r.functions {
			w.value(f)
		}
		w.bytes += int64(len(r.Options)) + 1<<10
	}
	for _, v := range a.loaded {
		w.value(v)
	}
	if a.params != nil {
		w.value(a.params)
	}
	if m.caught != nil {
		w.value(m.caught.value)
	}
	w.run()
	m.left -= int64(len(w.seen))
	return w.bytes
}

// memoryWalk counts the bytes of values, each value once, without recursion.
type memoryWalk struct {
	seen  map[unsafe.Pointer]struct{}
	todo  []lua.LValue
	bytes int64
	base  *lua.LTable
}

// sizer is the Value of user data that reports its size.
type sizer interface {
	// size returns the bytes of the value itself and the Lua values that it
	// refers to.
	size() (bytes int64, references []lua.LValue)
}

func (w *memoryWalk) values(all []lua.LValue) {
	for _, v := range all {
		w.value(v)
	}
}

func (w *memoryWalk) visit(p unsafe.Pointer) bool {
	if _, ok := w.seen[p]; ok {
		return false
	}
	w.seen[p] = struct{}{}
	w.bytes += visitBytes
	return true
}

func (w *memoryWalk) value(v lua.LValue) {
	switch v := v.(type) {
	case lua.LNumber:
		if v < 0 || v >= 128 || v != lua.LNumber(int(v)) {
			w.bytes += numberBytes
		}
	case lua.LString:
		if len(v) < 32 || w.visit(unsafe.Pointer(unsafe.StringData(string(v)))) {
			w.bytes += textBytes(len(v))
		} else {
			w.bytes += stringBytes
		}
	case *lua.LTable:
		if v != nil && v != w.base && w.visit(unsafe.Pointer(v)) {
			w.todo = append(w.todo, v)
		}
	case *lua.LFunction:
		if v != nil && w.visit(unsafe.Pointer(v)) {
			w.todo = append(w.todo, v)
		}
	case *lua.LUserData:
		if v != nil && w.visit(unsafe.Pointer(v)) {
			w.todo = append(w.todo, v)
		}
	}
}

func (w *memoryWalk) run() {
	for len(w.todo) > 0 {
		v := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		switch v := v.(type) {
		case *lua.LTable:
			w.table(v)
		case *lua.LFunction:
			w.function(v)
		case *lua.LUserData:
			if s, ok := v.Value.(sizer); ok {
				bytes, references := s.size()
				w.bytes += bytes
				w.values(references)
			}
		}
	}
}

func (w *memoryWalk) function(v *lua.LFunction) {
	if v.IsG && len(v.Upvalues) == 0 {
		return // shared by all
	}
	w.bytes += closureBytes
	if !v.IsG {
		w.value(v.Env)
	}
	for _, u := range v.Upvalues {
		if u != nil && w.visit(unsafe.Pointer(u)) {
			w.bytes += upvalueBytes
			w.value(u.Value())
		}
	}
}

func (w *memoryWalk) table(v *lua.LTable) {
	t := tableOf(v)
	w.bytes += tableBytes + int64(cap(t.array)+cap(t.keys))*slotBytes
	w.values(t.array)
	for k, e := range t.dict {
		w.value(k)
		w.value(e)
	}
	// Keys are counted from the list of keys, which has those of deleted fields
	// too.
	names := 0
	for _, key := range t.keys {
		w.value(key)
		if _, isName := key.(lua.LString); isName {
			names++
		}
	}
	if t.strdict != nil {
		w.bytes += sizeOfMap(names, nameSlot)
	}
	if t.dict != nil {
		w.bytes += sizeOfMap(len(t.keys)-names, nameSlot)
	}
	if t.k2i != nil {
		w.bytes += sizeOfMap(len(t.keys), numberSlot)
	}
	for _, e := range t.strdict {
		w.value(e)
	}
	if mt, ok := t.Metatable.(*lua.LTable); ok {
		w.value(mt)
	}
}
