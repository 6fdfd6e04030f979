package connection

import (
	"errors"
	"slices"
)

// Reload takes up what changed in the vault: new connections, mended ones,
// those that are gone. What is as it was goes on with its token. On an error
// everything stays as it was. It gives the names of the connections that can
// be used now and could not before. A vault key that is not empty stands in
// place of the configured one from now on.
func (s *Set) Reload(key string) (mended []string, err error) {
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
	if len(b.problems) > 0 {
		return nil, errors.Join(b.problems...)
	}
	for _, c := range b.snapshot.sorted {
		old := before.byName[c.Name()]
		usable := c.Problem() == nil
		if usable && (old == nil || old.state != c.state || old.Problem() != nil) {
			mended = append(mended, c.Name())
		}
	}
	s.vault = b.vault
	s.present.Store(b.snapshot)
	if len(mended) > 0 {
		s.recoveries.Add(1)
	}
	return mended, nil
}

// Recoveries counts how often connections were mended: whoever is stopped by a
// broken one looks whether it rose meanwhile.
func (s *Set) Recoveries() uint64 { return s.recoveries.Load() }

// ResumeRefreshes makes refreshes again that a crash cut off, while their tokens still
// may give another. It returns at once; Close waits.
func (s *Set) ResumeRefreshes() {
	for _, c := range s.present.Load().sorted {
		if c.entry == nil || c.entry.RefreshBegun.IsZero() || c.tokens == nil || c.Problem() != nil {
			continue
		}
		s.fetches.Go(func() { c.tokens.refetch() })
	}
}

// Children names the connections whose parent a connection is.
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
