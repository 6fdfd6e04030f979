// Package bindingstest says what the description of every app must satisfy.
// An app's test is a line:
//
//	func TestApp(t *testing.T) { bindingstest.Run(t, highlevel.App()) }
//
// It looks at data only: whether calls work against the vendor, or against the
// sandbox, is tested elsewhere.
package bindingstest
