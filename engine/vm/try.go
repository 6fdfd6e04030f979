package vm

import lua "github.com/yuin/gopher-lua"

// tryFunction is try(f, …): it returns the results of f, true if there are
// none, or nil and the error for an app error. Other errors are raised again.
func tryFunction(L *lua.LState) int {
	if f, ok := L.Get(1).(*lua.LFunction); !ok || f == nil {
		if L.GetMetaField(L.Get(1), "__call") == lua.LNil {
			raise(L, "try: the first argument must be a function, without calling it: try(f, …); found %s", describe(L.Get(1)))
		}
	}
	raised := activationOf(L).protect(L, L.GetTop()-1, lua.MultRet)
	if raised == nil {
		if L.GetTop() == 0 || L.Get(1) == lua.LNil {
			L.SetTop(0)
			L.Push(lua.LTrue)
		}
		return L.GetTop()
	}
	if !isAppError(raised.value) {
		raiseValue(L, raised.value)
	}
	L.SetTop(0)
	L.Push(lua.LNil)
	L.Push(raised.value)
	return 2
}
