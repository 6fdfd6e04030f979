package vm

import (
	lua "github.com/yuin/gopher-lua"
)

// respondFunction is respond { status, headers, body }: a step that answers the
// request of the run's event. A body that is a table is sent as JSON.
func respondFunction(L *lua.LState) int {
	const function = "respond"
	wantTable(L, 1, "respond: the answer")
	options := wantOptions(L, 1, function, "status", "headers", "body")
	g := activationOf(L).arguments(L, function)
	g.e.secrets = nil // the answer leaves for the sender
	g.set("status", option(options, "status")).set("headers", option(options, "headers")).set("body", option(options, "body"))
	activationOf(L).step(L, g.step(StepRespond))
	return 0
}
