package ingest

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
	"github.com/tidewire/tidewire/engine/script"
)

// inboundMaxAge bounds the age of a signed post to a script's address. Those
// who send with Standard Webhooks sign each sending anew, so it need not cover
// the days over which they try.
const inboundMaxAge = 5 * time.Minute

// inbound judges a post to an address that a script asked for.
func (s *Server) inbound(m *message) (verdict, *refusal) {
	path := "/" + m.PathValue("path")
	in, found := s.Generation().Inbound(path)
	if !found {
		return verdict{}, &refusal{status: http.StatusNotFound, reason: "path",
			text: fmt.Sprintf("no script listens to in:%s", path)}
	}
	signed, no := s.verifyInbound(in.Verify, m)
	if no != nil {
		return verdict{}, no
	}
	body, no := m.text()
	if no != nil {
		return verdict{}, no
	}
	if !journal.ValidJSON(body) {
		return verdict{}, &refusal{status: http.StatusBadRequest, reason: "json", text: "the body is not JSON"}
	}
	event := journal.Event{Type: "in:" + path, Source: journal.Webhook, Data: body, Time: signed.Time}
	id := signed.ID
	if in.ID != "" {
		if id = jsonpath.Text(body, in.ID); id == "" {
			return verdict{}, &refusal{status: http.StatusUnprocessableEntity, reason: "id",
				text: fmt.Sprintf("the body has no %q, where the script looks for the event's id", in.ID)}
		}
	}
	if id == "" {
		id = uuid.NewString()
	}
	event.ID = "in:" + path + ":" + id
	return verdict{events: []journal.Event{event}}, nil
}

// verifyInbound checks that a post comes from who the script expects.
func (s *Server) verifyInbound(v script.Verify, m *message) (bindings.Signed, *refusal) {
	if v.Scheme == script.VerifyNone {
		return bindings.Signed{}, nil
	}
	key, err := v.Secret.Open(s.Secret)
	if err != nil {
		return bindings.Signed{}, &refusal{status: http.StatusUnauthorized, reason: "secret",
			text: "what is sent here cannot be checked", cause: err}
	}
	if v.Scheme == script.VerifyBearer {
		token, found := strings.CutPrefix(m.Header.Get(v.Header), v.Prefix)
		if !found || subtle.ConstantTimeCompare([]byte(token), []byte(key)) != 1 {
			return bindings.Signed{}, &refusal{status: http.StatusUnauthorized, reason: "token",
				text: fmt.Sprintf("the header %s does not carry the expected token", v.Header)}
		}
		return bindings.Signed{}, nil
	}
	signed, err := v.Signature.Verify(m.Header, m.body, key, s.Now(), inboundMaxAge)
	if err != nil {
		return signed, denied(err)
	}
	return signed, nil
}
