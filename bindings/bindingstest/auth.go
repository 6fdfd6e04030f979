package bindingstest

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

var (
	placeholder = regexp.MustCompile(`\{[a-z_]*\}`)
	variantName = regexp.MustCompile(`^[a-z]+$`)
)

func testAuth(t reporter, app *bindings.App) {
	if len(app.Auth) == 0 {
		t.Error("no way to authorise a call")
	}
	names := map[string]bool{}
	for _, auth := range app.Auth {
		header := auth.Header != "" && placeholder.MatchString(auth.Format)
		if onlyAddresses(auth) {
			header = auth.Header == "" && auth.Format == ""
		}
		if auth.Name == "" || names[auth.Name] || len(auth.Fields) == 0 || !header {
			t.Errorf("way %q: expected a name of its own, fields, a header and a format with a secret", auth.Name)
		}
		names[auth.Name] = true
		testSettings(t, auth)
		if auth.OAuth != nil {
			testOAuth(t, app, auth.Name, auth.OAuth)
		}
	}
	if app.Test == nil {
		t.Error("Test is nil: expected the call that tests a connection")
	}
	testTest(t, app, "Test", app.Test)
	testScopesOfTests(t, app)
	parents := 0
	for i, v := range app.Variants {
		if found, _ := app.Variant(v.Name); found != &app.Variants[i] || !variantName.MatchString(v.Name) {
			t.Errorf("variant %q: expected a name of its own in lower-case letters", v.Name)
		}
		if v.Parent {
			parents++
		}
		testScopes(t, app, "variant "+v.Name, slices.Concat(v.Scopes, v.ReadOnly))
		testTest(t, app, "variant "+v.Name, v.Test)
	}
	if parents > 1 {
		t.Errorf("%d variants are parents, expected one at most", parents)
	}
}

// testSettings checks that the words in formats and addresses are settings of the
// way.
func testSettings(t reporter, auth bindings.Auth) {
	settings := slices.Concat(auth.Fields, auth.Optional)
	known := map[string]bool{"{access_token}": auth.OAuth != nil}
	for _, field := range settings {
		known["{"+field+"}"] = true
	}
	texts := append([]string{auth.Format}, slices.Collect(maps.Values(auth.Extra))...)
	if o := auth.OAuth; o != nil {
		texts = append(texts, o.AuthorizeURL, o.TokenURL, o.RevokeURL)
	}
	for _, text := range texts {
		for _, word := range placeholder.FindAllString(text, -1) {
			if !known[word] {
				t.Errorf("way %q: %s in %q is no setting of it", auth.Name, word, text)
			}
		}
	}
	for _, plain := range auth.Plain {
		if !slices.Contains(settings, plain) {
			t.Errorf("way %q: %q is plain and no setting of it", auth.Name, plain)
		}
	}
	for _, address := range auth.Addresses {
		if !slices.Contains(settings, address) || slices.Contains(auth.Plain, address) {
			t.Errorf("way %q: the address %q is no secret setting of it", auth.Name, address)
		}
	}
	for field := range auth.Defaults {
		if !slices.Contains(auth.Optional, field) {
			t.Errorf("way %q: %q has a default and is not optional", auth.Name, field)
		}
	}
}

// onlyAddresses reports whether all fields of a way are addresses, so that it has
// no header.
func onlyAddresses(auth bindings.Auth) bool {
	return auth.OAuth == nil && len(auth.Fields) > 0 && !slices.ContainsFunc(auth.Fields, func(field string) bool {
		return !slices.Contains(auth.Addresses, field)
	})
}

func testOAuth(t reporter, app *bindings.App, way string, o *bindings.OAuth) {
	for what, address := range map[string]string{"AuthorizeURL": o.AuthorizeURL, "TokenURL": o.TokenURL, "RevokeURL": o.RevokeURL} {
		optional := what == "RevokeURL" || what == "AuthorizeURL" && o.ClientCredentials
		if !strings.HasPrefix(address, "https://") && (address != "" || !optional) {
			t.Errorf("way %q: %s %q: expected https", way, what, address)
		}
	}
	if o.TokenAuth != bindings.InParams && o.TokenAuth != bindings.InHeader {
		t.Errorf("way %q: unknown TokenAuth %q", way, o.TokenAuth)
	}
	if o.Grace != 0 && !o.Rotates {
		t.Errorf("way %q: a grace of %v for refresh tokens that stay valid", way, o.Grace)
	}
	if r := o.Reconnect; r != nil && (!strings.HasPrefix(r.URL, "/") || len(r.Fields) == 0 || r.Code == "" || (app.ParentVariant() != nil) != (r.ParentFields != nil)) {
		t.Errorf("way %q: reconnect: expected a path, fields for each kind of account, and the path of the code", way)
	}
	testScopes(t, app, "way "+way, slices.Concat(o.Scopes.Default, o.Scopes.ReadOnly))
}

// testScopes checks that each scope is one that the catalogue has, if it has any.
func testScopes(t reporter, app *bindings.App, what string, scopes []string) {
	known := map[string]bool{}
	for _, name := range app.Operations() {
		if op, found := app.Operation(name); found {
			for _, scope := range slices.Concat(op.Scopes, op.AnyScope) {
				known[scope] = true
			}
		}
	}
	for _, name := range app.Catalogue.Triggers() {
		if trigger, found := app.Catalogue.Trigger(name); found {
			for _, scope := range trigger.Scopes {
				known[scope] = true
			}
		}
	}
	for _, scope := range scopes {
		if len(known) > 0 && !known[scope] {
			t.Errorf("%s: no operation or trigger needs the scope %q", what, scope)
		}
	}
}

// testScopesOfTests checks that a connection with one scope alone can be tested,
// if any operation that this scope allows only reads and needs no argument but
// the account.
func testScopesOfTests(t reporter, app *bindings.App) {
	if app.Test == nil {
		return
	}
	tested := map[string]bool{}
	for _, name := range append([]string{app.Test.Operation}, app.Test.Others...) {
		op, found := app.Operation(name)
		if !found {
			continue // testTest reports it
		}
		scopes := scopesAlone(op)
		if len(scopes) == 0 && len(op.Scopes) == 0 {
			return // it is allowed with any
		}
		for _, scope := range scopes {
			tested[scope] = true
		}
	}
	for _, name := range app.Operations() {
		op, _ := app.Operation(name)
		for _, scope := range scopesAlone(op) {
			if !tested[scope] && needsOnlyAccount(op) {
				tested[scope] = true
				t.Errorf("Test.Others: nothing tests a connection with the scope %q alone; %s would", scope, name)
			}
		}
	}
}

// scopesAlone returns the scopes each of which allows an operation by itself.
func scopesAlone(op *bindings.Operation) []string {
	switch {
	case len(op.Scopes) == 1 && (len(op.AnyScope) == 0 || slices.Contains(op.AnyScope, op.Scopes[0])):
		return op.Scopes
	case len(op.Scopes) == 0:
		return op.AnyScope
	}
	return nil
}

// needsOnlyAccount reports whether an operation only reads and requires no
// argument but those that are filled from the connection.
func needsOnlyAccount(op *bindings.Operation) bool {
	if !op.ReadOnly() || op.Address != "" || op.Body != nil && op.Body.Required {
		return false
	}
	for _, f := range slices.Concat(op.PathParams, op.Query, op.Header) {
		_, given := op.AccountWith[f.Name]
		if f.Required && !given && f.Name != op.Account && op.Fixed[f.Name] == "" {
			return false
		}
	}
	return true
}

// testTest checks that the operation of a test is read-only and that its
// arguments are complete.
func testTest(t reporter, app *bindings.App, what string, test *bindings.Test) {
	if test == nil {
		return
	}
	op, found := app.Operation(test.Operation)
	if !found || !op.ReadOnly() {
		t.Errorf("%s: expected an operation that reads only, found %q", what, test.Operation)
		return
	}
	parameters := slices.Concat(op.PathParams, op.Query, op.Header)
	for _, parameter := range parameters {
		if _, given := test.Args[parameter.Name]; parameter.Required && !given && op.Fixed[parameter.Name] == "" {
			t.Errorf("%s: %s requires %q", what, test.Operation, parameter.Name)
		}
	}
	for name := range test.Args {
		if !slices.ContainsFunc(parameters, func(f bindings.Field) bool { return f.Name == name }) {
			t.Errorf("%s: %s has no parameter %q", what, test.Operation, name)
		}
	}
	for _, other := range test.Others {
		if op, found := app.Operation(other); !found || !needsOnlyAccount(op) {
			t.Errorf("%s.Others: expected an operation that only reads and needs only the account, found %q", what, other)
		}
	}
	for _, path := range append([]string{test.Account}, test.Name...) {
		if _, _, err := typeAt(app.CatalogueOf(op), op.Answer, path); path != "" && err != nil {
			t.Errorf("%s: %s: %v", what, test.Operation, err)
		}
	}
}
