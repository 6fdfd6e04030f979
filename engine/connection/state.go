package connection

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// state is what is known of a connection beside its settings. Reload reuses it
// where the settings are the same.
type state struct {
	settingsHash string       // of the settings that it belongs to
	tokens       *tokenSource // of access tokens; nil: the credential is sent as it is

	mu      sync.Mutex
	problem *bindings.Error // why the connection cannot be used, nil if it can
	since   time.Time
	// kind is the kind of the problem.
	kind StateKind
	// account is what the vendor reported, for a connection whose settings have
	// none. Other credentials have another state.
	account string
}

// StateKind is the state of a connection in one word.
type StateKind string

// The states of a connection.
const (
	Connected     StateKind = "connected"
	Unconnected   StateKind = "unconnected"   // never authorised
	Unreadable    StateKind = "unreadable"    // the vault does not open its entry
	Misconfigured StateKind = "misconfigured" // its settings are wrong
	Refused       StateKind = "broken"        // the vendor refuses its credentials
)

// setBroken records a vendor's refusal, and returns it.
func (s *state) setBroken(e *bindings.Error, at time.Time) *bindings.Error {
	s.setProblem(Refused, e, at)
	return e
}

func (s *state) setProblem(kind StateKind, e *bindings.Error, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problem == nil || s.kind != kind {
		s.since = at
	}
	s.kind, s.problem = kind, e
}

func (s *state) setAccount(account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account = account
}

func (s *state) getAccount() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.account
}

// clearProblem makes the connection usable.
func (s *state) clearProblem() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kind, s.problem, s.since = Connected, nil, time.Time{}
}

// currentProblem is the problem, nil if the connection can be used.
func (s *state) currentProblem() (*bindings.Error, StateKind, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problem == nil {
		return nil, Connected, time.Time{}
	}
	return s.problem, s.kind, s.since
}

// prefix begins the message of an error about a connection.
func prefix(name string) string { return fmt.Sprintf("connection %q: ", name) }

func trimPrefix(message, name string) string { return strings.TrimPrefix(message, prefix(name)) }

// broken is the error of a connection that a person has to repair.
func broken(app, name, message string, args ...any) *bindings.Error {
	return &bindings.Error{
		Kind: bindings.BrokenConnection, App: app, Connection: name,
		Message: prefix(name) + fmt.Sprintf(message, args...),
	}
}

// unavailable is the error of a token request that may succeed later.
func unavailable(app, name, message string, args ...any) *bindings.Error {
	e := broken(app, name, message, args...)
	e.Kind, e.Retryable = bindings.Unavailable, true
	return e
}
