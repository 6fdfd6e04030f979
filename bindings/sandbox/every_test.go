package sandbox_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// TestEveryOperation calls each operation of each app once with the minimal
// valid arguments. The records that they name are stored first, so every call
// must succeed, and its answer must have the declared type.
func TestEveryOperation(t *testing.T) {
	for _, def := range all.Apps() {
		t.Run(def.Name, func(t *testing.T) {
			s := newSandbox(t, def, true)
			for _, name := range def.Operations() {
				op, _ := def.Operation(name)
				t.Run(name, func(t *testing.T) { callOnce(t, s, newSample(t, s, def.Name, op)) })
			}
		})
	}
}

// newSandbox returns a sandbox of one app whose clock does not move.
func newSandbox(t *testing.T, def *bindings.App, strict bool) *sandbox.Sandbox {
	t.Helper()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s, err := sandbox.New(sandbox.Config{
		Apps: []*bindings.App{def}, Rules: all.Rules(), Seed: 7, Strict: strict, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func callOnce(t *testing.T, s *sandbox.Sandbox, m sample) {
	def, op := m.app.Def, m.op
	calls := s.Calls(def.Name, op.Name)
	request := m.request()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, request)
	answer := w.Body.Bytes()
	if w.Code < 200 || w.Code > 299 {
		t.Fatalf("%s %s: status %d: %s", request.Method, request.URL, w.Code, answer)
	}
	if def.Errors.OK != "" && !bytes.Contains(answer, []byte(`"ok":true`)) {
		t.Fatalf("%s %s: %s", request.Method, request.URL, answer)
	}
	if op.Status != 0 && w.Code != op.Status {
		t.Errorf("status %d, expected %d", w.Code, op.Status)
	}
	if len(op.AnswerHeaders) > 0 {
		for _, name := range op.AnswerHeaders {
			if w.Header().Get(name) == "" {
				t.Errorf("the answer has no header %s", name)
			}
		}
		return
	}
	if op.Answer == nil {
		if w.Code != http.StatusNoContent && w.Header().Get(sandbox.NoteHeader) == "" {
			t.Errorf("answer is not described, and %s does not show it: %s", sandbox.NoteHeader, answer)
		}
		return
	}
	v, err := sandbox.Decode(answer)
	if err != nil {
		t.Fatalf("answer is not JSON: %s", answer)
	}
	for _, p := range sandbox.Check(m.catalogue(), op.Answer, v) {
		t.Errorf("%s in %s", p, answer)
	}
	if n := s.Calls(def.Name, op.Name) - calls; n != 1 {
		t.Errorf("calls of %s: %d, expected 1", op.Name, n)
	}
}
