package script

import (
	"container/list"
	"context"
	"fmt"
	"io/fs"
	"sync"

	"github.com/tidewire/tidewire/engine/journal"
)

// maxCachedVersions bounds the replaced versions that stay compiled.
const maxCachedVersions = 64

// versionCache has the replaced versions that were used last.
type versionCache struct {
	max int

	mu     sync.Mutex
	byHash map[string]*list.Element // of *cachedVersion
	order  *list.List               // the most recently used first
}

// cachedVersion is a version that is or was loaded from the journal.
type cachedVersion struct {
	hash   string
	done   chan struct{}
	script *Script
	err    error
}

func newVersionCache(size int) *versionCache {
	return &versionCache{max: size, byHash: map[string]*list.Element{}, order: list.New()}
}

// LoadVersion loads a stored version, for runs that are bound to it. The triggers
// and connections that it names are not checked again.
func (s *Set) LoadVersion(ctx context.Context, version journal.Version) (*Script, error) {
	if live := s.Generation().Scripts[version.Script]; live != nil && live.Version.Hash == version.Hash {
		return live, nil
	}
	for {
		o, created := s.versions.get(version.Hash)
		if created {
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
		// The context of the caller that loaded it may have ended; load it with ours.
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

// get returns the entry of a hash. If it was created, the caller must load the
// version into it.
func (r *versionCache) get(hash string) (o *cachedVersion, created bool) {
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
