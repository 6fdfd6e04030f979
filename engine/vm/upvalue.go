package vm

// Each error that is raised makes gopher-lua close all upvalues of the state
// (raiseError and Error call closeAllUpvalues), also those of functions that go
// on after pcall caught it: these and their closures then stop sharing their
// variables (upstream issue 448). It does not if an error function is set. So
// hasErrorFunc is always set, and protect closes the upvalues of the frames
// that were unwound. TestCaughtError fails when a new gopher-lua makes this
// file superfluous.

// raiseWithoutClosing sets the state to close no upvalues when it raises an
// error.
func (s *stateMirror) raiseWithoutClosing() { s.hasErrorFunc = true }

// closeUpvalues closes the upvalues for registers from first on. The list is
// in the order of the registers.
func (s *stateMirror) closeUpvalues(first int) {
	end := &s.uvcache
	for *end != nil && (*end).index < first {
		end = &(*end).next
	}
	for u := *end; u != nil; u = u.next {
		u.close()
	}
	*end = nil
}
