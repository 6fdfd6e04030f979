package ingest

import (
	"errors"
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

// inboundMaxAge bounds the age of a signed post to a script's address. Senders
// of Standard Webhooks sign each attempt anew, so that it need not cover the
// days over which they retry.
const inboundMaxAge = 5 * time.Minute

// inbound judges the head of a post to an address of a script.
func (s *Server) inbound(m *message) (opened, *refusal) {
	path := "/" + m.PathValue("path")
	in, found := s.config.Generation().Inbound(path)
	if names := s.config.Unloaded(); !found && names != nil {
		refused := m.unloaded(fmt.Sprintf("no script has a hook for in:%s", path), names)
		return opened{}, &refused
	}
	if !found {
		return opened{}, &refusal{status: http.StatusNotFound, reason: "path",
			text: fmt.Sprintf("no script listens to in:%s", path)}
	}
	key, refused := s.openInbound(in.Verify, m)
	if refused != nil {
		return opened{}, refused
	}
	return opened{handle: func() (result, *refusal) { return s.readInbound(path, in, key, m) }}, nil
}

// readInbound handles a post whose body is read.
func (s *Server) readInbound(path string, in *script.Inbound, key string, m *message) (result, *refusal) {
	signed := bindings.Signed{}
	if in.Verify.Signed() {
		var err error
		if signed, err = in.Verify.Signature.Verify(m.Header, m.body, key, s.config.Clock.Now(), inboundMaxAge); err != nil {
			return result{}, signatureRefusal(err)
		}
	}
	body, refused := m.text()
	if refused != nil {
		return result{}, refused
	}
	if !journal.ValidJSON(body) {
		return result{}, &refusal{status: http.StatusBadRequest, reason: "json", text: "the body is not JSON"}
	}
	event := journal.Event{Type: "in:" + path, Source: journal.Webhook, Data: body, Time: signed.Time}
	id := signed.ID
	if in.ID != "" {
		if id = jsonpath.Text(body, in.ID); id == "" {
			return result{}, &refusal{status: http.StatusUnprocessableEntity, reason: "id",
				text: fmt.Sprintf("the body has no %q, where the script looks for the event's id", in.ID)}
		}
	}
	if id == "" {
		id = uuid.NewString()
	}
	event.ID = "in:" + path + ":" + id
	return result{events: []journal.Event{event}, verified: in.Verify.Scheme != script.VerifyNone}, nil
}

// openInbound checks what the headers of a post have, by the scheme that the
// script names, and returns the key for what is left to check.
func (s *Server) openInbound(v script.Verify, m *message) (key string, refused *refusal) {
	if v.Scheme == script.VerifyNone {
		return "", nil
	}
	if v.Signed() {
		if err := v.Signature.CheckHeaders(m.Header); err != nil {
			return "", signatureRefusal(err)
		}
	}
	key, err := v.Secret.Open(s.config.Secret)
	if err == nil && isBlank(key) {
		err = errors.New("its secret is empty")
	}
	if err != nil {
		return "", &refusal{status: http.StatusUnauthorized, reason: "secret",
			text: "what is sent here cannot be checked", cause: err}
	}
	if token, found := strings.CutPrefix(m.Header.Get(v.Header), v.Prefix); v.Scheme == script.VerifyBearer && (!found || !equal(token, key)) {
		return "", &refusal{status: http.StatusUnauthorized, reason: "token",
			text: fmt.Sprintf("the header %s does not carry the expected token", v.Header)}
	}
	return key, nil
}
