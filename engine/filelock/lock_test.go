package filelock_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidewire/tidewire/engine/filelock"
)

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	one, two := open(t, path), open(t, path)
	for _, step := range []struct {
		f               *os.File
		exclusive, want bool
	}{{one, true, true}, {two, true, false}, {two, false, false}} {
		if got, err := filelock.Try(step.f, step.exclusive); got != step.want || err != nil {
			t.Errorf("exclusive %v: got %v, %v, want %v", step.exclusive, got, err, step.want)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := filelock.Wait(cancelled, two, true); !errors.Is(err, context.Canceled) {
		t.Errorf("a wait that was cancelled returned %v", err)
	}
	waited := make(chan error, 1)
	go func() { waited <- filelock.Wait(t.Context(), two, true) }()
	filelock.Unlock(one)
	if err := <-waited; err != nil {
		t.Error(err)
	}
	two.Close() // as the end of its process does
	if got, err := filelock.Try(one, true); !got || err != nil {
		t.Errorf("got %v, %v after the lock's file was closed", got, err)
	}
}
