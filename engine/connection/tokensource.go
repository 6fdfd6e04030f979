package connection

import (
	"context"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
)

// grant fetches access tokens. Fetch is never called concurrently.
type grant interface {
	// Fetch returns a token, saved if it must be. Refused is the access token
	// that the vendor no longer accepts, if that is the reason.
	Fetch(ctx context.Context, refused string) (Token, error)
	// Renews reports whether another token can be had after one is refused.
	Renews() bool
	Secrets() []string
}

const (
	fetchTimeout = 30 * time.Second
	// expireEvery bounds how often another token is requested from a vendor
	// that refuses every token.
	expireEvery = 30 * time.Second
	// retryAfter is how long a token that is not expired is used after a
	// failure to renew it.
	retryAfter = 10 * time.Second
)

// tokenSource has one access token for many callers and fetches the next once
// for all of them.
type tokenSource struct {
	grant   grant
	clock   clock.Clock
	fetches *sync.WaitGroup

	mu      sync.Mutex
	token   Token
	refused string
	expired time.Time // when a token was last refused
	retry   time.Time // not before, after a failure to renew early
	pending *pendingFetch
}

// pendingFetch is one fetch that any number of callers wait for. It is no call
// of a singleflight.Group, which does not report whether a caller starts the
// call or joins it: Set.Close waits for fetches, so each is counted before it
// starts. A fetch also ends under the lock under which the token changes, so
// that nobody joins a fetch whose token is refused already.
type pendingFetch struct {
	done  chan struct{}
	token Token
	err   error
}

// accessToken returns a valid token. A caller that cancels does not cancel the
// fetch: its token must be saved in the vault.
func (s *tokenSource) accessToken(ctx context.Context) (string, error) {
	s.mu.Lock()
	now := s.clock.Now()
	if s.token.valid(now) || s.token.unexpired(now) && now.Before(s.retry) {
		defer s.mu.Unlock()
		return s.token.Access, nil
	}
	f := s.startFetch(context.WithoutCancel(ctx), s.refused)
	old := s.token
	s.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if f.err != nil && old.unexpired(s.clock.Now()) {
		return old.Access, nil // the early renewal failed; the old token is not expired
	}
	return f.token.Access, f.err
}

// refetch fetches although the token may be valid: a refresh was interrupted.
func (s *tokenSource) refetch() {
	s.mu.Lock()
	f := s.startFetch(context.Background(), s.token.Access)
	s.mu.Unlock()
	<-f.done
}

// startFetch starts a fetch, if none is under way. The caller holds the lock.
func (s *tokenSource) startFetch(ctx context.Context, refused string) *pendingFetch {
	if s.pending == nil {
		f := &pendingFetch{done: make(chan struct{})}
		s.pending = f
		s.fetches.Go(func() { s.fetch(ctx, f, refused) })
	}
	return s.pending
}

func (s *tokenSource) fetch(ctx context.Context, f *pendingFetch, refused string) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	f.token, f.err = s.grant.Fetch(ctx, refused)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.err == nil {
		s.token, s.refused = f.token, ""
	} else {
		s.retry = s.clock.Now().Add(retryAfter)
	}
	s.pending = nil
	close(f.done)
}

// expire discards a token that the vendor refused, and reports whether another
// fetch may return a better one.
func (s *tokenSource) expire(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.Access != token {
		return true // another caller has discarded it already
	}
	if !s.grant.Renews() {
		return false
	}
	now := s.clock.Now()
	if s.token.valid(now) { // refused before its end
		if !s.expired.IsZero() && now.Sub(s.expired) < expireEvery {
			return false
		}
		s.expired = now
	}
	s.token.Access, s.refused = "", token
	return true
}

// scopes are those of the token.
func (s *tokenSource) scopes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token.Scopes
}

func (s *tokenSource) secrets() []string {
	s.mu.Lock()
	access := s.token.Access
	s.mu.Unlock()
	return append(s.grant.Secrets(), access)
}

// reset makes the next caller fetch a token, also soon after a refusal or a
// failure.
func (s *tokenSource) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token.Access, s.expired, s.retry = "", time.Time{}, time.Time{}
}

func (s *tokenSource) expires() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token.Expires
}

// neverFetched reports whether no token was fetched yet, nor refused.
func (s *tokenSource) neverFetched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token.Access == "" && s.refused == ""
}
