package script

import (
	"container/list"
	"context"
	"fmt"
	"io/fs"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/tidewire/tidewire/engine/journal"
)

// maxCachedVersions bounds the replaced versions that stay compiled.
const maxCachedVersions = 64

// versionCache has the replaced versions that were used last.
type versionCache struct {
	max     int
	loading singleflight.Group // by hash

	mu     sync.Mutex
	byHash map[string]*list.Element // of *Script
	order  *list.List               // the most recently used first
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
		ours := false
		loading := s.versions.loading.DoChan(version.Hash, func() (any, error) {
			ours = true
			if cached := s.versions.get(version.Hash); cached != nil {
				return cached, nil
			}
			script, err := s.compileVersion(ctx, version)
			if err == nil {
				s.versions.add(script)
			}
			return script, err
		})
		select {
		case loaded := <-loading:
			// The context of another caller that loaded it may have ended; then it
			// is loaded with ours.
			if loaded.Err == nil || ours || ctx.Err() != nil {
				return loaded.Val.(*Script), loaded.Err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
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
	script, problems := s.register(ctx, version, program, validation{triggers: s.triggers, zone: s.config.Zone, bounds: s.config.bounds(version.Script), unchecked: true})
	if problems != nil {
		return nil, fmt.Errorf("load version %s of %q: %w", version.Hash, version.Script, problems[0])
	}
	return script, nil
}

// get returns a version by its hash, or nil.
func (c *versionCache) get(hash string) *Script {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byHash[hash]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*Script)
}

// add adds a version that the cache does not have.
func (c *versionCache) add(script *Script) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byHash[script.Version.Hash] = c.order.PushFront(script)
	if c.order.Len() > c.max {
		delete(c.byHash, c.order.Remove(c.order.Back()).(*Script).Version.Hash)
	}
}
