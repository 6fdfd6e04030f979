package connection

import (
	"context"
	"fmt"
	"time"
)

// Break notes that a connection cannot be used until it is connected again,
// and why: the vendor refuses its credentials, or says that they are gone. A
// wrong name changes nothing.
func (s *Set) Break(ctx context.Context, name, said string) error {
	if c, found := s.Get(name); found {
		return s.breakAt(ctx, c, said, s.config.Now())
	}
	return nil
}

func (s *Set) breakAt(ctx context.Context, c *Connection, said string, at time.Time) error {
	verdict := broken(c.app.Name, c.Name(), "%s; connect again: tidewire connect %s", said, c.Name())
	if c.Stopped() == nil {
		s.config.Log.Error("connection broken", "connection", c.Name(), "error", said)
	}
	c.stop(Refused, verdict, at)
	return s.update(ctx, c.Name(), func(e *Entry) bool {
		e.Broken = &Broken{Said: trimPrefix(verdict.Message, c.Name()), At: at, Of: c.refusedPrint(e)}
		return true
	})
}

// Mend takes back that a connection is broken, where there is reason to try
// its credentials again.
func (s *Set) Mend(ctx context.Context, name string) error {
	c, found := s.Get(name)
	if !found {
		return nil
	}
	err := s.update(ctx, c.Name(), func(e *Entry) bool {
		was := e.Broken != nil
		e.Broken = nil
		return was
	})
	if err != nil {
		return err
	}
	if _, kind, _ := c.stopped(); kind == Refused {
		c.mends()
		if c.source != nil {
			c.source.forget()
		}
		s.mends.Add(1)
	}
	return nil
}

// update changes what the vault keeps of a connection, if there is a vault.
func (s *Set) update(ctx context.Context, name string, change func(*Entry) bool) error {
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
