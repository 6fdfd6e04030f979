// Package bindingstest has the tests that the description of every app has to
// pass. An app's test is one line:
//
//	func TestApp(t *testing.T) { bindingstest.Run(t, highlevel.App()) }
//
// It tests data only. Other packages test that calls work, in the sandbox and
// at the vendor.
package bindingstest
