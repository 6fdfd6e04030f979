package connection

import (
	"context"
	"sync"
	"time"
)

// grant fetches access tokens. Fetch is never called twice at once.
type grant interface {
	// Fetch gives a token that is kept, if it must be. Refused is the access
	// token that the vendor no longer takes, if that is why.
	Fetch(ctx context.Context, refused string) (Token, error)
	// Renews says whether another token can be had once one is refused.
	Renews() bool
	Secrets() []string
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

// tokenSource lends one access token to many callers and fetches the next once for
// all of them.
type tokenSource struct {
	grant   grant
	now     func() time.Time
	fetches *sync.WaitGroup

	mu      sync.Mutex
	token   Token
	refused string
	expired time.Time // when a token was last refused
	retry   time.Time // not before, after a failure to renew early
	pending *pendingFetch
}

// pendingFetch is one fetch that any number of callers wait for.
type pendingFetch struct {
	done  chan struct{}
	token Token
	err   error
}

// accessToken gives a token that is good now. A caller that gives up leaves the
// fetch to the others: it must end in the vault.
func (s *tokenSource) accessToken(ctx context.Context) (string, error) {
	s.mu.Lock()
	now := s.now()
	if s.token.valid(now) || s.token.unexpired(now) && now.Before(s.retry) {
		defer s.mu.Unlock()
		return s.token.Access, nil
	}
	f := s.pending
	if f == nil {
		f = &pendingFetch{done: make(chan struct{})}
		s.pending = f
		s.fetches.Go(func() { s.fetch(context.WithoutCancel(ctx), f, s.refused) })
	}
	old := s.token
	s.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if f.err != nil && old.unexpired(s.now()) {
		return old.Access, nil // renewing early did not work; the old one still does
	}
	return f.token.Access, f.err
}

// refetch fetches although the token may be good still: a refresh was cut off.
func (s *tokenSource) refetch() {
	s.mu.Lock()
	f := s.pending
	if f == nil {
		f = &pendingFetch{done: make(chan struct{})}
		s.pending = f
		present := s.token.Access
		s.fetches.Go(func() { s.fetch(context.Background(), f, present) })
	}
	s.mu.Unlock()
	<-f.done
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
		s.retry = s.now().Add(retryAfter)
	}
	s.pending = nil
	close(f.done)
}

// expire forgets a token that the vendor refused, and reports whether asking
// again may give a better one.
func (s *tokenSource) expire(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.Access != token {
		return true // another caller told already
	}
	if !s.grant.Renews() {
		return false
	}
	now := s.now()
	if s.token.valid(now) { // its time was not over
		if !s.expired.IsZero() && now.Sub(s.expired) < expireEvery {
			return false
		}
		s.expired = now
	}
	s.token.Access, s.refused = "", token
	return true
}

// scopes are those that the token was given.
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

// reset has the next caller ask for a token, and not wait because the last
// one was refused.
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

// neverFetched says that no token was had yet, nor refused.
func (s *tokenSource) neverFetched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token.Access == "" && s.refused == ""
}
