package ingest

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// verify checks that a webhook comes from who sends for this connection: by
// the secret that it shows, or by the signature that is present, of which the
// first one decides.
func (s *Server) verify(hook *bindings.Webhook, conn *connection.Connection, sub *registered, m *message, notices []notice) (bindings.Signed, *refusal) {
	if hook.Token != nil {
		return bindings.Signed{}, proven(hook.Token, conn, sub, m, notices)
	}
	unsigned := bindings.ErrUnsigned
	for _, signature := range hook.Signatures {
		if signature.OptIn && !slices.Contains(conn.Signatures(), signature.Name) {
			continue
		}
		key := conn.WebhookKey(signature)
		if sub != nil && signature.Key == "" {
			key = sub.secret
		}
		if key == "" {
			return bindings.Signed{}, noSecret(conn, sub)
		}
		signed, err := signature.Verify(m.Header, m.body, key, s.Now(), hook.MaxAge)
		switch {
		case err == nil:
			return signed, nil
		case errors.Is(err, bindings.ErrUnsigned):
			if unsigned == bindings.ErrUnsigned {
				unsigned = err // names the header of the signature that is preferred
			}
			continue
		}
		return signed, denied(err)
	}
	return bindings.Signed{}, denied(unsigned)
}

// proven compares the secret that a webhook shows, each notification by itself
// where it stands in them.
func proven(proof *bindings.WebhookToken, conn *connection.Connection, sub *registered, m *message, notices []notice) *refusal {
	want := conn.WebhookSecret()
	if sub != nil {
		want = sub.secret
	}
	if want == "" {
		return noSecret(conn, sub)
	}
	where, shown := "header "+proof.Header, []string{m.Header.Get(proof.Header)}
	if proof.Header == "" {
		where, shown = fmt.Sprintf("field %q", proof.Path), nil
		for _, n := range notices {
			shown = append(shown, jsonpath.Text(n.said, proof.Path))
		}
	}
	if len(shown) == 0 || slices.Contains(shown, "") {
		return denied(fmt.Errorf("%w: %s is missing", bindings.ErrUnsigned, where))
	}
	for _, secret := range shown {
		if !equal(secret, want) {
			return &refusal{status: http.StatusUnauthorized, reason: "signature",
				text: where + " does not carry the secret of this subscription"}
		}
	}
	return nil
}

// equal takes the same time whatever the texts are, and however long.
func equal(a, b string) bool {
	left, right := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(left[:], right[:]) == 1
}

func noSecret(conn *connection.Connection, sub *registered) *refusal {
	no := &refusal{status: http.StatusUnauthorized, reason: "secret",
		text: fmt.Sprintf("connection %q has no webhook_secret, so nothing it is sent can be checked", conn.Name())}
	if sub != nil {
		no.text = "the subscription has no secret yet, so nothing it is sent can be checked"
	}
	return no
}

// denied tells why a signature does not let a request in.
func denied(err error) *refusal {
	no := &refusal{status: http.StatusUnauthorized, reason: "signature", text: err.Error()}
	switch {
	case errors.Is(err, bindings.ErrTooOld):
		no.reason = "age"
	case errors.Is(err, bindings.ErrUnsigned):
		no.reason = "unsigned"
	case errors.Is(err, bindings.ErrKey):
		no.reason, no.text, no.cause = "key", "the signature cannot be checked", err
	}
	return no
}
