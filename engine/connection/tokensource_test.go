package connection

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
)

// blockedGrant returns tokens once open is closed.
type blockedGrant struct{ open chan struct{} }

func (g *blockedGrant) Fetch(context.Context, string) (Token, error) {
	<-g.open
	return Token{Access: "new"}, nil
}

func (*blockedGrant) Renews() bool      { return true }
func (*blockedGrant) Secrets() []string { return nil }

// A token is refused while the next one is fetched.
func TestExpireDuringFetch(t *testing.T) {
	c := clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	var fetches sync.WaitGroup
	g := &blockedGrant{make(chan struct{})}
	s := &tokenSource{grant: g, clock: c, fetches: &fetches, token: Token{Access: "old", Renew: c.Now(), Expires: c.Now().Add(time.Hour)}}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := s.accessToken(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	// Nothing orders this and the start of the fetch, so the race detector reports
	// what both use without the lock.
	if !s.expire("old") {
		t.Error("there is no other token")
	}
	close(g.open)
	fetches.Wait()
	if token, err := s.accessToken(t.Context()); token != "new" || err != nil {
		t.Errorf("found %q, %v; want the token that was fetched", token, err)
	}
}
