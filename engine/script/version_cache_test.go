package script_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// blockingVersion is a stored version whose loads block until released. Each sends
// a value on begun.
type blockingVersion struct {
	*folder
	journal.Version
	begun   chan struct{}
	release func()
	loads   atomic.Int32
}

func newBlockingVersion(t *testing.T) *blockingVersion {
	b := &blockingVersion{begun: make(chan struct{}, 100)}
	released := make(chan struct{})
	b.release = sync.OnceFunc(func() { close(released) })
	t.Cleanup(b.release)
	wait := vm.Function{Name: "wait", Compute: func(json.RawMessage) (any, error) {
		b.loads.Add(1)
		b.begun <- struct{}{}
		<-released
		return true, nil
	}}
	b.folder = openWith(t, script.Config{Machine: vm.New(vm.Config{Slots: 4, Libraries: []vm.Library{{Name: "gate", Functions: []vm.Function{wait}}}})})
	// The loop is where a load whose context has ended stops.
	b.Version = journal.Version{Hash: "old", Script: "a", Main: "a.lua", Sources: map[string]string{
		"a.lua": `require("gate").wait {} for _ = 1, 1e5 do end ` + hook("old")}}
	return b
}

// loaded is what a call of LoadVersion returned.
type loaded struct {
	script *script.Script
	err    error
}

// load calls LoadVersion in a goroutine of its own.
func (b *blockingVersion) load(ctx context.Context) <-chan loaded {
	result := make(chan loaded, 1)
	go func() {
		s, err := b.set.LoadVersion(ctx, b.Version)
		result <- loaded{s, err}
	}()
	return result
}

func TestLoadVersionAtOnce(t *testing.T) {
	b := newBlockingVersion(t)
	var results []<-chan loaded
	for range 8 {
		results = append(results, b.load(t.Context()))
	}
	<-b.begun
	b.release()
	first := <-results[0]
	for _, result := range results[1:] {
		if got := <-result; got != first || got.err != nil {
			t.Errorf("got %v, %v; want the script that the first call got, %v, %v", got.script, got.err, first.script, first.err)
		}
	}
	if loads := b.loads.Load(); loads != 1 {
		t.Errorf("loaded %d times, want once", loads)
	}
}

// A caller whose context ends does not fail the others, and does not wait for
// them.
func TestLoadVersionCancelled(t *testing.T) {
	b := newBlockingVersion(t)
	ctx, cancel := context.WithCancel(t.Context())
	first := b.load(ctx)
	<-b.begun
	second := b.load(t.Context())
	ended, end := context.WithCancel(t.Context())
	end()
	if got := <-b.load(ended); !errors.Is(got.err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", got.err)
	}
	cancel()
	b.release()
	if got := <-first; !errors.Is(got.err, context.Canceled) {
		t.Errorf("the first caller, whose context has ended: %v", got.err)
	}
	if got := <-second; got.err != nil || got.script == nil {
		t.Errorf("the second caller: %v", got.err)
	}
	if loads := b.loads.Load(); loads != 2 {
		t.Errorf("loaded %d times, want once for each caller", loads)
	}
}
