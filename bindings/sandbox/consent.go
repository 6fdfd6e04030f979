package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// consents are the sessions in which the customer of an app is asked to agree
// to a call, as App.Consent defines. Guarded by the app's lock.
type consents struct {
	asking   bool
	sessions map[string]*consentSession
}

type consentSession struct {
	since    time.Time
	decision string // empty: not decided
}

// AskConsent makes an app require its customer's consent for the operations that
// the catalogue declares so, or no longer. Sessions are decided with Decide.
func (s *Sandbox) AskConsent(app string, ask bool) error {
	a := s.apps[app]
	switch {
	case a == nil:
		return s.unknownApp(app)
	case a.Def.Consent == nil:
		return fmt.Errorf("app %q asks its customer for nothing", app)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.consents.asking = ask
	return nil
}

// Consents are the sessions of an app that are not decided, sorted.
func (s *Sandbox) Consents(app string) []string {
	a := s.apps[app]
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	open := map[string]bool{}
	for token, session := range a.consents.sessions {
		if session.decision == "" {
			open[token] = true
		}
	}
	return slices.Sorted(maps.Keys(open))
}

// Decide records the customer's decision in a session.
func (s *Sandbox) Decide(app, session string, agree bool) error {
	a := s.apps[app]
	if a == nil {
		return s.unknownApp(app)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.consents.sessions[session]
	if found == nil {
		return fmt.Errorf("app %q has no session %q", app, session)
	}
	found.decision = a.Def.Consent.Denied
	if agree {
		found.decision = a.Def.Consent.Allowed
	}
	return nil
}

// checkConsent refuses a call that needs the customer's consent and does not have
// it yet.
func (r *Call) checkConsent() *Failure {
	def, op := r.App.Def.Consent, r.plan.op
	if def == nil || !op.Consent || !r.App.consents.asking {
		return nil
	}
	if token := r.HTTP.Header.Get(def.Header); token != "" {
		session := r.App.consents.sessions[token]
		if session != nil && r.App.consents.state(def, session, r.Now) == def.Allowed {
			delete(r.App.consents.sessions, token) // it is valid for one call
			return nil
		}
		return &Failure{Status: http.StatusPreconditionFailed, Kind: bindings.Conflict, Code: "sca_not_allowed", Message: "the session does not allow it"}
	}
	token := Letters(r.App.Random, 32, "0123456789abcdef")
	if r.App.consents.sessions == nil {
		r.App.consents.sessions = map[string]*consentSession{}
	}
	r.App.consents.sessions[token] = &consentSession{since: r.Now}
	extra := Object{}
	place(extra, def.Session, token)
	return &Failure{Status: def.Status, Kind: bindings.Forbidden, Code: "sca_required", Message: "SCA required", Extra: extra}
}

// state is the state of a session, in the vendor's words.
func (c *consents) state(def *bindings.Consent, session *consentSession, now time.Time) string {
	switch {
	case session.decision != "":
		return session.decision
	case now.Sub(session.since) > def.Lifetime:
		return def.Denied
	}
	return "waiting"
}

// consentState answers the operation that reads the state of a session.
func (r *Call) consentState() (Result, *Failure, bool) {
	def := r.App.Def.Consent
	if def == nil || r.plan.op.Name != def.StatusCall.Operation || !r.App.consents.asking {
		return Result{}, nil, false
	}
	for _, token := range r.Params {
		if session := r.App.consents.sessions[token]; session != nil {
			fields := Object{}
			place(fields, def.Result, r.App.consents.state(def, session, r.Now))
			return Result{Fields: fields}, nil, true
		}
	}
	return Result{}, r.App.NotFound("session", ""), true
}

func (s *Sandbox) postConsent(w http.ResponseWriter, h *http.Request) {
	var given struct {
		App     string `json:"app"`
		Ask     *bool  `json:"ask"`
		Session string `json:"session"`
		Agree   bool   `json:"agree"`
	}
	if !readJSON(w, h, &given) {
		return
	}
	var err error
	if given.Ask != nil {
		err = s.AskConsent(given.App, *given.Ask)
	}
	if err == nil && given.Session != "" {
		err = s.Decide(given.App, given.Session, given.Agree)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, http.StatusOK, Object{"app": given.App, "waiting": s.Consents(given.App)})
}
