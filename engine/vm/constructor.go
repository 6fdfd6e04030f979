package vm

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// gopher-lua has three faults in table constructors (compileTableExpr). A call
// as the value of a named last field adds all its values to the list. After
// every 50th value each named field stores the last 50 again, from registers
// that have other values by then. The values of a call after a multiple of 50
// values replace the last 50. TestConstructor fails when a new gopher-lua makes
// this file superfluous.

// namedFields cuts the calls among the values of named fields to one value.
func namedFields(e *ast.TableExpr) {
	for _, f := range e.Fields {
		if f.Key != nil {
			oneValue(f.Value, true)
		}
	}
}

// storeOnce corrects the instructions that store the values of a list.
func storeOnce(p *lua.FunctionProto) {
	var stored [256]uint32 // the last block of 50, by the register of the table
	for pc := 0; pc < len(p.Code); pc++ {
		inst := p.Code[pc]
		table, values, block := inst>>18&0xff, inst&0x1ff, inst>>9&0x1ff
		switch int(inst >> 26) {
		case lua.OP_CLOSURE:
			pc += int(p.FunctionPrototypes[inst&0x3ffff].NumUpvalues)
		case lua.OP_NEWTABLE:
			stored[table] = 0
		case lua.OP_SETLIST:
			switch {
			case stored[table] != block:
				stored[table] = block
			case values == 0:
				p.Code[pc] = inst + 1<<9
			default:
				p.Code[pc] = uint32(lua.OP_NOP) << 26
			}
		}
	}
}
