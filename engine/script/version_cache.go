package script

import (
	"container/list"
	"context"
	"fmt"
	"io/fs"
	"sync"

	"github.com/tidewire/tidewire/engine/journal"
)

// maxCachedVersions is how many old versions are held ready.
const maxCachedVersions = 64

// versionCache holds the old versions that were used last.
type versionCache struct {
	max int

	mu     sync.Mutex
	byHash map[string]*list.Element // of *old
	order  *list.List               // the last used first
}

// cachedVersion is a version that is being, or was, made a script again.
type cachedVersion struct {
	hash   string
	done   chan struct{}
	script *Script
	err    error
}

func newVersionCache(most int) *versionCache {
	return &versionCache{max: most, byHash: map[string]*list.Element{}, order: list.New()}
}

// LoadVersion makes a script of a kept version, for runs that are bound to it. What
// it names (triggers, connections) is not checked again.
func (s *Set) LoadVersion(ctx context.Context, version journal.Version) (*Script, error) {
	if live := s.Generation().Scripts[version.Script]; live != nil && live.Version.Hash == version.Hash {
		return live, nil
	}
	for {
		o, mine := s.versions.get(version.Hash)
		if mine {
			o.script, o.err = s.compileVersion(ctx, version)
			if o.err != nil {
				s.versions.drop(o)
			}
			close(o.done)
			return o.script, o.err
		}
		select {
		case <-o.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if o.err == nil || ctx.Err() != nil {
			return o.script, o.err
		}
		// The one who tried may have been cut off; try again for ourselves.
		s.versions.drop(o)
	}
}

func (s *Set) compileVersion(ctx context.Context, version journal.Version) (*Script, error) {
	program, err := s.config.Machine.Compile(version.Main, func(path string) ([]byte, error) {
		if text, found := version.Sources[path]; found {
			return []byte(text), nil
		}
		return nil, fmt.Errorf("version %s has no file %q: %w", version.Hash, path, fs.ErrNotExist)
	})
	if err != nil {
		return nil, fmt.Errorf("compile version %s of %q: %w", version.Hash, version.Script, err)
	}
	script, problems := s.register(ctx, version, program, validation{triggers: s.triggers, zone: s.config.Zone, unchecked: true})
	if problems != nil {
		return nil, fmt.Errorf("load version %s of %q: %w", version.Hash, version.Script, problems[0])
	}
	return script, nil
}

// get gives the entry of a hash; mine says that the caller must fill it.
func (r *versionCache) get(hash string) (o *cachedVersion, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.byHash[hash]; e != nil {
		r.order.MoveToFront(e)
		return e.Value.(*cachedVersion), false
	}
	o = &cachedVersion{hash: hash, done: make(chan struct{})}
	r.byHash[hash] = r.order.PushFront(o)
	if r.order.Len() > r.max {
		delete(r.byHash, r.order.Remove(r.order.Back()).(*cachedVersion).hash)
	}
	return o, true
}

func (r *versionCache) drop(o *cachedVersion) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.byHash[o.hash]; e != nil && e.Value == o {
		r.order.Remove(e)
		delete(r.byHash, o.hash)
	}
}
