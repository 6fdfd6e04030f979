package ingest

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// verify checks that a webhook comes from the vendor of this connection: by the
// secret in it, or by its signature. If it has several signatures, the first in
// the app's list decides.
func (s *Server) verify(hook *bindings.Webhook, conn *connection.Connection, sub *registered, m *message, notifications []notification) (bindings.Signed, *refusal) {
	if hook.Token != nil {
		return bindings.Signed{}, verifySecret(hook.Token, conn, sub, m, notifications)
	}
	blank := false
	sent, refused := s.verifySignatures(hook, func(signature bindings.Signature) ([]string, bool) {
		key := conn.WebhookKey(signature)
		if sub != nil && signature.Key == "" {
			key = sub.secret
		}
		if isBlank(key) {
			blank, key = true, rand.Text()
		}
		return []string{key}, !signature.OptIn || slices.Contains(conn.Signatures(), signature.Name)
	}, m)
	if refused != nil && blank {
		refused = noSecret(conn, sub, refused)
	}
	return sent, refused
}

// verifySignatures verifies a webhook by the first of its signatures that it has. keys
// returns the keys of a signature, one of which is enough, and whether that counts.
func (s *Server) verifySignatures(hook *bindings.Webhook, keys func(bindings.Signature) ([]string, bool), m *message) (bindings.Signed, *refusal) {
	unsigned := bindings.ErrUnsigned
	for _, signature := range hook.Signatures {
		keys, counts := keys(signature)
		if !counts {
			continue
		}
		signed, err := signature.VerifyRequest(s.signedRequest(m, signature), keys, s.config.Clock.Now(), hook.MaxAge)
		switch {
		case err == nil:
			return signed, nil
		case errors.Is(err, bindings.ErrUnsigned):
			if unsigned == bindings.ErrUnsigned {
				unsigned = err // the error names the header of the preferred signature
			}
			continue
		}
		return signed, signatureRefusal(err)
	}
	return bindings.Signed{}, signatureRefusal(unsigned)
}

// openUnknown opens a webhook that is refused since its address has a connection that
// does not exist. Its sender must not find that out before its signature is verified,
// which is possible only if the key is the vendor's.
func (s *Server) openUnknown(app *bindings.App, refused *refusal, m *message) (opened, *refusal) {
	hook := app.Webhook
	if refusedHead := checkHead(hook, nil, nil, m); refusedHead != nil {
		return opened{}, refusedHead
	}
	if !hook.SharesKey() {
		return opened{}, s.refuseUnknown(app, refused, m, nil)
	}
	return opened{handle: func() (result, *refusal) {
		notifications, _ := read(hook, m)
		return result{}, s.refuseUnknown(app, refused, m, notifications)
	}}, nil
}

// refuseUnknown returns the refusal of a webhook for no connection, or, if it is not
// verified by the key of any connection of the app, the one that it would get with one.
func (s *Server) refuseUnknown(app *bindings.App, refused *refusal, m *message, notifications []notification) *refusal {
	if refused.reason != "connection" && refused.reason != "account" {
		return refused
	}
	var unverified *refusal
	if token := app.Webhook.Token; token != nil {
		unverified = compareSecret(token, rand.Text(), m, notifications)
	} else {
		_, unverified = s.verifySignatures(app.Webhook, func(signature bindings.Signature) ([]string, bool) {
			keys := []string{cmp.Or(signature.Key, rand.Text())} // else that of no sender
			for _, c := range s.config.Connections.OfApp(app.Name) {
				if key := c.WebhookKey(signature); !isBlank(key) {
					keys = append(keys, key)
				}
			}
			return keys, !signature.OptIn
		}, m)
	}
	if unverified == nil {
		return refused
	}
	unverified.counted, unverified.cause = refused.reason, errors.New(refused.text)
	return unverified
}

// checkHead refuses a webhook whose headers show that its body would not be
// accepted. The connection is nil if the body has to name it.
func checkHead(hook *bindings.Webhook, conn *connection.Connection, sub *registered, m *message) *refusal {
	if token := hook.Token; token != nil {
		switch {
		case token.Header == "":
			return nil // the secret is in the body
		case conn != nil:
			return verifySecret(token, conn, sub, m, nil)
		case m.Header.Get(token.Header) == "":
			return unsignedHeader(token.Header)
		}
		return nil
	}
	return firstSigned(hook.Signatures, func(signature bindings.Signature) error {
		if signature.OptIn && conn != nil && !slices.Contains(conn.Signatures(), signature.Name) {
			return bindings.ErrUnsigned
		}
		return signature.CheckHeaders(m.Header)
	})
}

// firstSigned calls check for each signature until a request has one, which decides.
func firstSigned(signatures []bindings.Signature, check func(bindings.Signature) error) *refusal {
	unsigned := bindings.ErrUnsigned
	for _, signature := range signatures {
		err := check(signature)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, bindings.ErrUnsigned):
			return signatureRefusal(err)
		case unsigned == bindings.ErrUnsigned:
			unsigned = err // the error names the header of the preferred signature
		}
	}
	return signatureRefusal(unsigned)
}

func unsignedHeader(header string) *refusal {
	return signatureRefusal(fmt.Errorf("%w: header %s is missing", bindings.ErrUnsigned, header))
}

// verifySecret compares the secret in a webhook's header, or in each of its
// notifications, with that of the subscription or connection.
func verifySecret(token *bindings.WebhookToken, conn *connection.Connection, sub *registered, m *message, notifications []notification) *refusal {
	want := conn.WebhookSecret()
	if sub != nil {
		want = sub.secret
	}
	if isBlank(want) {
		return noSecret(conn, sub, compareSecret(token, rand.Text(), m, notifications))
	}
	return compareSecret(token, want, m, notifications)
}

// compareSecret compares the secret in a webhook with the one that is expected.
func compareSecret(token *bindings.WebhookToken, want string, m *message, notifications []notification) *refusal {
	where, found := "header "+token.Header, []string{m.Header.Get(token.Header)}
	if token.Header == "" {
		where, found = fmt.Sprintf("field %q", token.Path), nil
		for _, n := range notifications {
			found = append(found, jsonpath.Text(n.content, token.Path))
		}
	}
	if len(found) == 0 || slices.Contains(found, "") {
		return signatureRefusal(fmt.Errorf("%w: %s is missing", bindings.ErrUnsigned, where))
	}
	for _, secret := range found {
		if !equal(secret, want) {
			return &refusal{status: http.StatusUnauthorized, reason: "signature",
				text: where + " does not carry the secret of this subscription"}
		}
	}
	return nil
}

// equal compares in a time that does not depend on the texts or their lengths. A
// blank expected text is equal to none.
func equal(found, expected string) bool {
	left, right := sha256.Sum256([]byte(found)), sha256.Sum256([]byte(expected))
	return subtle.ConstantTimeCompare(left[:], right[:]) == 1 && !isBlank(expected)
}

func isBlank(text string) bool { return strings.TrimSpace(text) == "" }

// noSecret returns the refusal where the secret that a check needs is missing. Without
// a subscription, whose id the vendor has, the sender gets that of a wrong secret.
func noSecret(conn *connection.Connection, sub *registered, wrong *refusal) *refusal {
	if sub != nil {
		return &refusal{status: http.StatusUnauthorized, reason: "secret", text: "the subscription has no secret yet, so nothing it is sent can be checked"}
	}
	wrong.counted, wrong.cause = "secret", fmt.Errorf("connection %q has no webhook_secret, so nothing it is sent can be checked", conn.Name())
	return wrong
}

// signatureRefusal returns the refusal for an error of a signature.
func signatureRefusal(err error) *refusal {
	refused := &refusal{status: http.StatusUnauthorized, reason: "signature", text: err.Error()}
	switch {
	case errors.Is(err, bindings.ErrTooOld):
		refused.reason = "age"
	case errors.Is(err, bindings.ErrUnsigned):
		refused.reason = "unsigned"
	case errors.Is(err, bindings.ErrKey):
		refused.reason, refused.text, refused.cause = "key", "the signature cannot be checked", err
	}
	return refused
}
