package vm

import (
	lua "github.com/yuin/gopher-lua"
)

// Globals gives the names that every script finds, for completion and
// reference pages; those that are libraries with their members, sorted. What
// Lua has and scripts have not is left out.
func (m *Machine) Globals() map[string][]string {
	all := map[string][]string{"_G": nil, "params": nil}
	gone := removedLibrary(m)
	for key, v := m.base.Next(lua.LNil); key != lua.LNil; key, v = m.base.Next(key) {
		name := key.String()
		if gone[name] != nil {
			continue
		}
		all[name] = nil
		if u, ok := v.(*lua.LUserData); ok {
			if l, ok := u.Value.(listed); ok {
				all[name] = l.list()
			}
		}
	}
	return all
}
