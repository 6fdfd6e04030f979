package ingest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
)

// inbound judges the head of a request to an address of a script.
func (s *Server) inbound(m *message) (opened, *refusal) {
	path := inboundPath(m.Request)
	in, found := s.config.Generation().Inbound(path)
	if names := s.config.Unloaded(); !found && names != nil {
		refused := m.unloaded(fmt.Sprintf("no script has a hook for in:%s", path), names)
		return opened{}, &refused
	}
	if !found {
		return opened{}, &refusal{status: http.StatusNotFound, reason: "path",
			text: fmt.Sprintf("no script listens to in:%s", path)}
	}
	keys, refused := s.openInbound(in.Verify, m)
	if refused != nil {
		return opened{}, refused
	}
	return opened{handle: func() (result, *refusal) { return s.readInbound(in, keys, m) }}, nil
}

// readInbound handles a request whose body is read.
func (s *Server) readInbound(in *script.Inbound, keys []string, m *message) (result, *refusal) {
	signed, refused := s.verifySigned(in.Verify, m, keys)
	if refused != nil {
		return result{}, refused
	}
	event, refused := m.inboundEvent(in, signed, s.config.PutFile)
	if refused != nil {
		return result{}, refused
	}
	v := result{events: []journal.Event{event}, verified: in.Verify.Scheme != script.VerifyNone, unanswered: http.StatusAccepted}
	v.responder = s.responder(v.events)
	return v, nil
}

// inboundEvent makes the event of a verified request.
func (m *message) inboundEvent(in *script.Inbound, signed bindings.Signed, put putFile) (event journal.Event, refused *refusal) {
	if refused = m.uncompress(); refused != nil {
		return event, refused
	}
	body, refused := m.content(put)
	if refused != nil {
		return event, refused
	}
	request, refused := m.request(in)
	if refused != nil {
		return event, refused
	}
	request.Files, request.Stored = body.files, body.stored
	id, refused := m.inboundID(in.ID, body.data)
	if refused != nil {
		return event, refused
	}
	id = cmp.Or(id, signed.ID, uuid.NewString())
	if len(id) > maxInboundID {
		sum := sha256.Sum256([]byte(id))
		id = "sha256-" + hex.EncodeToString(sum[:])
	}
	kind := "in:" + in.Path
	return journal.Event{ID: kind + ":" + id, Type: kind, Source: journal.Webhook, Data: body.data, Time: signed.Time, Request: request}, nil
}

// maxInboundID bounds the id that is in a request, in bytes. A longer
// one is replaced by its hash, because the store refuses it.
const maxInboundID = 256
