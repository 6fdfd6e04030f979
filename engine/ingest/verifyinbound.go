package ingest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/script"
)

// openInbound checks what the head of a request has, by the scheme that the script
// names, and returns the keys for what is left to check.
func (s *Server) openInbound(v script.Verify, m *message) (keys []string, refused *refusal) {
	if v.Scheme == script.VerifyNone {
		return nil, nil
	}
	if len(v.Signatures) > 0 {
		refused := firstSigned(v.Signatures, func(signature bindings.Signature) error { return signature.CheckHeaders(m.Header) })
		if refused != nil {
			return nil, refused
		}
	}
	keys = make([]string, len(v.Secrets))
	for i, secret := range v.Secrets {
		key, err := secret.Open(s.config.Secret)
		if err == nil && isBlank(key) {
			err = fmt.Errorf("the secret %s is empty", secret)
		}
		if err != nil {
			return nil, &refusal{status: http.StatusUnauthorized, reason: "secret",
				text: "what is sent here cannot be checked", cause: err}
		}
		keys[i] = key
	}
	if len(v.Signatures) > 0 {
		return keys, nil
	}
	token, where := m.token(v)
	matches := false
	for _, key := range keys {
		matches = equal(token, key) || matches
	}
	if !matches {
		return nil, &refusal{status: http.StatusUnauthorized, reason: "token", text: where + " does not carry the expected token"}
	}
	return keys, nil
}

// verifySigned checks the signature of a request, where the scheme has one.
func (s *Server) verifySigned(v script.Verify, m *message, keys []string) (signed bindings.Signed, refused *refusal) {
	if len(v.Signatures) == 0 {
		return signed, nil
	}
	refused = firstSigned(v.Signatures, func(signature bindings.Signature) (err error) {
		signed, err = signature.VerifyRequest(s.signedRequest(m, signature), keys, s.config.Clock.Now(), v.Tolerance)
		return err
	})
	return signed, refused
}

// signedRequest returns what a signature is of.
func (s *Server) signedRequest(m *message, signature bindings.Signature) bindings.Request {
	r := bindings.Request{Header: m.Header, Body: m.body}
	if s.config.PublicURL != "" && signature.SignsURL() {
		r.URL = s.config.PublicURL + m.URL.RequestURI()
	}
	return r
}

// token returns the token of a request that is not signed, empty if there is none,
// and where it is expected.
func (m *message) token(v script.Verify) (token, where string) {
	switch v.Scheme {
	case script.VerifyBasic:
		user, password, _ := m.BasicAuth()
		if !equal(user, v.User) {
			password = ""
		}
		return password, "the header Authorization"
	case script.VerifyQuery:
		return m.URL.Query().Get(v.Query), fmt.Sprintf("the parameter %q of the address", v.Query)
	}
	value := m.Header.Get(v.Header)
	if len(value) < len(v.Prefix) || !strings.EqualFold(value[:len(v.Prefix)], v.Prefix) {
		return "", "the header " + v.Header
	}
	return strings.TrimSpace(value[len(v.Prefix):]), "the header " + v.Header
}
