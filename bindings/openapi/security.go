package openapi

import (
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// authorization returns the ways to authorise of the document, and a note for
// each that is not supported.
func (r *reader) authorization() (all []bindings.Auth, notes []Problem) {
	schemes := r.root.Get("components").Get("securitySchemes")
	if r.swagger {
		schemes = r.root.Get("securityDefinitions")
	}
	schemes.Each(func(name string, n *Node) {
		s, _, err := r.documents.follow(place{n, r.root.file})
		if err != nil {
			notes = append(notes, Problem{Text: "security scheme " + name + ": " + err.Error()})
			return
		}
		auth, why := authOf(name, s)
		if why != "" {
			notes = append(notes, Problem{Text: "security scheme " + name + ": " + why})
			return
		}
		if !slices.ContainsFunc(all, func(other bindings.Auth) bool { return other.Name == auth.Name }) {
			all = append(all, auth)
			r.credentials[strings.ToLower(auth.Header)] = true
		}
	})
	// OAuth comes first: with it a person copies the fewest secrets by hand.
	slices.SortStableFunc(all, func(a, b bindings.Auth) int {
		switch {
		case (a.OAuth == nil) == (b.OAuth == nil):
			return 0
		case a.OAuth != nil:
			return -1
		}
		return 1
	})
	return all, notes
}

func authOf(name string, s place) (bindings.Auth, string) {
	auth := bindings.Auth{Name: word(name)}
	if auth.Name == "" {
		auth.Name = "auth"
	}
	switch kind := strings.ToLower(s.Str("type")); kind {
	case "http":
		auth.Header = "Authorization"
		switch strings.ToLower(s.Str("scheme")) {
		case "bearer":
			auth.Fields, auth.Format = []string{"token"}, "Bearer {token}"
		case "basic":
			auth.Fields, auth.Format = []string{"user", "password"}, "Basic {base64:user:password}"
			auth.Plain = []string{"user"}
		default:
			return auth, "the HTTP scheme " + s.Str("scheme") + " is not supported"
		}
	case "basic":
		auth.Header, auth.Fields, auth.Format = "Authorization", []string{"user", "password"}, "Basic {base64:user:password}"
		auth.Plain = []string{"user"}
	case "apikey":
		auth.Fields, auth.Format = []string{"api_key"}, "{api_key}"
		switch s.Str("in") {
		case "header":
			auth.Header = s.Str("name")
		case "query":
			auth.Query = s.Str("name")
		default:
			return auth, "a key in a " + s.Str("in") + " is not sent"
		}
	case "oauth2":
		return oauth(auth, s)
	default:
		return auth, "its type " + kind + " is not supported"
	}
	return auth, ""
}

// oauth returns the way for the flow in which a person agrees, or else for that
// of a machine.
func oauth(auth bindings.Auth, s place) (bindings.Auth, string) {
	flow := s.Get("flows").Get("authorizationCode")
	machine := s.Get("flows").Get("clientCredentials")
	if kind := s.Str("flow"); kind != "" { // version 2
		switch kind {
		case "accessCode":
			flow = s.Node
		case "application":
			machine = s.Node
		}
	}
	auth.Header, auth.Format, auth.Fields = "Authorization", "Bearer {access_token}", []string{"client_id", "client_secret"}
	auth.OAuth = &bindings.OAuth{Rotates: true, PKCE: flow != nil}
	chosen := flow
	if flow == nil {
		chosen, auth.OAuth.ClientCredentials, auth.OAuth.Rotates = machine, true, false
	}
	if chosen == nil {
		return auth, "it has neither the flow authorizationCode nor clientCredentials"
	}
	auth.OAuth.AuthorizeURL, auth.OAuth.TokenURL = chosen.Str("authorizationUrl"), chosen.Str("tokenUrl")
	if !strings.Contains(auth.OAuth.TokenURL, "://") {
		return auth, "its tokenUrl " + auth.OAuth.TokenURL + " is no whole address; write it into the app file"
	}
	chosen.Get("scopes").Each(func(scope string, _ *Node) {
		auth.OAuth.Scopes.Default = append(auth.OAuth.Scopes.Default, scope)
	})
	return auth, ""
}
