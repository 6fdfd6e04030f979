package vm

import (
	lua "github.com/yuin/gopher-lua"
)

// Globals returns the globals of every script, for completion and reference
// pages. A global that is a library has its members, sorted; others have none.
// What scripts cannot use although Lua has it is left out.
func (m *Machine) Globals() map[string][]string {
	all := map[string][]string{"_G": nil, "params": nil}
	removed := removedLibrary(m)
	for key, v := m.base.Next(lua.LNil); key != lua.LNil; key, v = m.base.Next(key) {
		name := key.String()
		if removed[name] != nil {
			continue
		}
		all[name] = nil
		if u, ok := v.(*lua.LUserData); ok {
			if l, ok := u.Value.(readOnlyTable); ok {
				all[name] = l.list()
			}
		}
	}
	return all
}
