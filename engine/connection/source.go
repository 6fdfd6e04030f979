package connection

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// grant fetches access tokens. Fetch is never called twice at once.
type grant interface {
	// Fetch gives a token that is kept, if it must be. Refused is the access
	// token that the vendor no longer takes, if that is why.
	Fetch(ctx context.Context, refused string) (Token, error)
	Secrets() []string
}

// Token is what a vendor gave. Its fields are secrets.
type Token struct {
	Connection string    `json:"connection"`
	Access     string    `json:"access_token"`
	Refresh    string    `json:"refresh_token,omitempty"`
	Expires    time.Time `json:"expires,omitzero"` // zero: not known to
	Renew      time.Time `json:"renew,omitzero"`   // from when to ask for the next
	// Seed is the hash of the configured refresh token that it began with.
	Seed string `json:"seed,omitempty"`
}

// String tells no secret.
func (t Token) String() string {
	return fmt.Sprintf("token of %q until %s", t.Connection, t.Expires.UTC().Format(time.RFC3339))
}

// GoString keeps %#v from telling secrets.
func (t Token) GoString() string { return t.String() }

// LogValue keeps logs from telling secrets.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// good says that a token can be used and need not be renewed yet.
func (t Token) good(now time.Time) bool {
	return t.Access != "" && (t.Renew.IsZero() || now.Before(t.Renew))
}

// alive says that a token can be used.
func (t Token) alive(now time.Time) bool {
	return t.Access != "" && (t.Expires.IsZero() || now.Before(t.Expires))
}

// lived sets the times of a token that lives for so many seconds from now on.
// It is renewed when a tenth of its life, at most five minutes, is left.
func (t *Token) lived(now time.Time, seconds int64) {
	if seconds <= 0 {
		return
	}
	life := time.Duration(seconds) * time.Second
	t.Expires = now.Add(life)
	t.Renew = t.Expires.Add(-min(life/10, 5*time.Minute))
}

const (
	fetchTimeout = 30 * time.Second
	// expireEvery bounds how often a vendor that refuses every token makes us
	// ask for another.
	expireEvery = 30 * time.Second
	// retryAfter is how long a token that still lives is used after a failure
	// to renew it.
	retryAfter = 10 * time.Second
)

// source lends one access token to many callers and fetches the next once for
// all of them.
type source struct {
	grant   grant
	now     func() time.Time
	fetches *sync.WaitGroup

	mu      sync.Mutex
	token   Token
	refused string
	expired time.Time // when a token was last refused
	retry   time.Time // not before, after a failure to renew early
	flight  *flight
}

// flight is one fetch that any number of callers wait for.
type flight struct {
	done  chan struct{}
	token Token
	err   error
}

// access gives a token that is good now. A caller that gives up leaves the
// fetch to the others: it must end in the vault.
func (s *source) access(ctx context.Context) (string, error) {
	s.mu.Lock()
	now := s.now()
	if s.token.good(now) || s.token.alive(now) && now.Before(s.retry) {
		defer s.mu.Unlock()
		return s.token.Access, nil
	}
	f := s.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		s.flight = f
		s.fetches.Go(func() { s.fetch(context.WithoutCancel(ctx), f, s.refused) })
	}
	old := s.token
	s.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if f.err != nil && old.alive(s.now()) {
		return old.Access, nil // renewing early did not work; the old one still does
	}
	return f.token.Access, f.err
}

func (s *source) fetch(ctx context.Context, f *flight, refused string) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	f.token, f.err = s.grant.Fetch(ctx, refused)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.err == nil {
		s.token, s.refused = f.token, ""
	} else {
		s.retry = s.now().Add(retryAfter)
	}
	s.flight = nil
	close(f.done)
}

// expire forgets a token that the vendor refused.
func (s *source) expire(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.Access != token {
		return true // another caller told already
	}
	if now := s.now(); !s.expired.IsZero() && now.Sub(s.expired) < expireEvery {
		return false
	} else {
		s.expired = now
	}
	s.token.Access, s.refused = "", token
	return true
}

func (s *source) secrets() []string {
	s.mu.Lock()
	access := s.token.Access
	s.mu.Unlock()
	return append(s.grant.Secrets(), access)
}
