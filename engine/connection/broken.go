package connection

import (
	"context"
	"fmt"
	"time"
)

// SetBroken saves that a connection cannot be used until it is connected again,
// and why: the vendor refuses its credentials, or reports that they are gone.
// An unknown name changes nothing.
func (s *Set) SetBroken(ctx context.Context, name, reason string) error {
	if c, found := s.Get(name); found {
		return s.setBrokenAt(ctx, c, reason, s.config.Clock.Now())
	}
	return nil
}

func (s *Set) setBrokenAt(ctx context.Context, c *Connection, reason string, at time.Time) error {
	problem := broken(c.app.Name, c.Name(), "%s; connect again: tidewire connect %s", reason, c.Name())
	if c.Problem() == nil {
		s.config.Log.Error("connection broken", "connection", c.Name(), "error", reason)
	}
	c.setProblem(Refused, problem, at)
	return s.updateEntry(ctx, c.Name(), func(e *Entry) bool {
		e.Broken = &Broken{Reason: trimPrefix(problem.Message, c.Name()), At: at, CredentialHash: c.refusedHash(e)}
		return true
	})
}

// ClearBroken makes a broken connection usable, where there is reason to try
// its credentials again.
func (s *Set) ClearBroken(ctx context.Context, name string) error {
	c, found := s.Get(name)
	if !found {
		return nil
	}
	err := s.updateEntry(ctx, c.Name(), func(e *Entry) bool {
		was := e.Broken != nil
		e.Broken = nil
		return was
	})
	if err != nil {
		return err
	}
	if _, kind, _ := c.currentProblem(); kind == Refused {
		c.clearProblem()
		if c.tokens != nil {
			c.tokens.reset()
		}
		s.recoveries.Add(1)
	}
	return nil
}

// updateEntry changes the entry of a connection, if there is a vault.
func (s *Set) updateEntry(ctx context.Context, name string, change func(*Entry) bool) error {
	v, err := s.openedVault()
	if err != nil || v == nil {
		return err
	}
	return v.Update(ctx, name, change)
}

func (s *Set) openedVault() (*Vault, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.vault == nil && s.config.Folder != "" {
		v, err := OpenVault(VaultConfig{Folder: s.config.Folder, Key: s.config.VaultKey, Keyring: s.config.Keyring, Check: s.config.Check})
		if err != nil {
			return nil, fmt.Errorf("open the vault: %w", err)
		}
		s.vault = v
	}
	return s.vault, nil
}
