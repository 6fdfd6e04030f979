package connection

import "slices"

// Reload applies what changed in the vault: new connections, those that can be
// used again, and those that are gone. A connection without a change goes on
// with its token, and one whose settings are wrong now is broken. On an error
// everything stays as it was. Reload returns the
// names of the connections that can be used now and could not before. A vault
// key that is not empty replaces the configured one from now on.
func (s *Set) Reload(key string) (recovered []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key != "" {
		s.config.VaultKey = key
	}
	before := s.present.Load()
	b := newBuilder(s.config, &s.fetches)
	for _, c := range before.sorted {
		b.oldStates[c.Name()] = c.state
	}
	b.openVault()
	b.build()
	if err := b.otherProblems(); err != nil {
		return nil, err
	}
	for _, c := range b.snapshot.sorted {
		old := before.byName[c.Name()]
		usable := c.Problem() == nil
		if usable && (old == nil || old.state != c.state || old.Problem() != nil) {
			recovered = append(recovered, c.Name())
		}
	}
	s.vault = b.vault
	s.present.Store(b.snapshot)
	if len(recovered) > 0 {
		s.recoveries.Add(1)
	}
	return recovered, nil
}

// Recoveries counts how often connections became usable: a run that is stopped
// by a broken one compares it before it waits.
func (s *Set) Recoveries() uint64 { return s.recoveries.Load() }

// ResumeRefreshes makes refreshes again that a crash interrupted, while their
// refresh tokens may still be accepted. It returns at once; Close waits.
func (s *Set) ResumeRefreshes() {
	for _, c := range s.present.Load().sorted {
		if c.entry == nil || c.entry.RefreshBegun.IsZero() || c.tokens == nil || c.Problem() != nil {
			continue
		}
		s.fetches.Go(func() { c.tokens.refetch() })
	}
}

// Children are the names of the connections whose parent a connection is.
func (s *Set) Children(parent string) []string {
	var names []string
	for _, c := range s.present.Load().sorted {
		if c.parent != nil && c.parent.Name() == parent {
			names = append(names, c.Name())
		}
	}
	slices.Sort(names)
	return names
}
