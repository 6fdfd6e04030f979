package connection

import (
	"context"
	"fmt"
	"time"
)

// SetBroken notes that a connection cannot be used until it is connected again,
// and why: the vendor refuses its credentials, or says that they are gone. A
// wrong name changes nothing.
func (s *Set) SetBroken(ctx context.Context, name, said string) error {
	if c, found := s.Get(name); found {
		return s.setBrokenAt(ctx, c, said, s.config.Now())
	}
	return nil
}

func (s *Set) setBrokenAt(ctx context.Context, c *Connection, said string, at time.Time) error {
	verdict := broken(c.app.Name, c.Name(), "%s; connect again: tidewire connect %s", said, c.Name())
	if c.Problem() == nil {
		s.config.Log.Error("connection broken", "connection", c.Name(), "error", said)
	}
	c.setProblem(Refused, verdict, at)
	return s.updateEntry(ctx, c.Name(), func(e *Entry) bool {
		e.Broken = &Broken{Reason: trimPrefix(verdict.Message, c.Name()), At: at, CredentialHash: c.refusedHash(e)}
		return true
	})
}

// ClearBroken takes back that a connection is broken, where there is reason to try
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

// updateEntry changes what the vault keeps of a connection, if there is a vault.
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
		v, err := OpenVault(VaultConfig{Folder: s.config.Folder, Key: s.config.VaultKey, Keyring: s.config.Keyring})
		if err != nil {
			return nil, fmt.Errorf("open the vault: %w", err)
		}
		s.vault = v
	}
	return s.vault, nil
}
