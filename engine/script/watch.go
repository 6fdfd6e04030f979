package script

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// Watch follows the folder until ctx is done. It looks at once, so that
// nothing that changed since Open is missed.
func (s *Set) Watch(ctx context.Context) error {
	w := newWatcher(s.config.Dir, s.config.Log)
	defer w.close()
	rescan := time.NewTicker(s.config.Rescan)
	defer rescan.Stop()
	wake := time.NewTimer(0)
	defer wake.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.changes:
			if !w.debounce(ctx, s.config.Debounce) {
				return nil
			}
		case <-rescan.C:
		case <-wake.C:
		}
		next, err := s.rescan(ctx, w)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			s.config.Log.ErrorContext(ctx, "the scripts could not be taken up; the live ones stay", "error", err)
		}
		wake.Stop()
		if !next.IsZero() {
			wake.Reset(max(0, next.Sub(machineTime())))
		}
	}
}

// rescan scans the folder, watches what is new in it, and takes up what changed.
// It gives the time at which to look again.
func (s *Set) rescan(ctx context.Context, w *watcher) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := scan(s.config.Dir)
	w.update(t)
	if err != nil {
		s.folderGone(ctx, err)
		return time.Time{}, nil
	}
	if s.missing {
		s.missing = false
		s.config.Log.InfoContext(ctx, "the scripts folder is back")
	}
	if w.hasNewFolders() {
		// What was put into a new folder before it was watched gave no sign.
		return machineTime().Add(s.config.Debounce), nil
	}
	seen, err := s.apply(ctx, t, scanMode{settle: true})
	return seen.rescan, err
}

// folderGone notes that the folder cannot be read. Its scripts stay live: a folder
// that is being replaced, or a disk that is away, deletes none.
func (s *Set) folderGone(ctx context.Context, err error) {
	if s.missing {
		return
	}
	s.missing = true
	reason := err.Error()
	if errors.Is(err, fs.ErrNotExist) {
		reason = fmt.Sprintf("%q does not exist", s.config.Dir)
	}
	s.config.Log.ErrorContext(ctx, "the scripts folder cannot be read; the live scripts stay until it is back", "error", reason)
}
