package script

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// Watch loads scripts that change until ctx is done. It scans the folder at
// once, so that a change since Open is not missed.
func (s *Set) Watch(ctx context.Context) error {
	w := newWatcher(s.config.Dir, s.config.Log)
	defer w.close()
	// The stamps of files are by the machine's clock, and so are these times.
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
			s.config.Log.ErrorContext(ctx, "the scripts could not be loaded; the live ones stay", "error", err)
		}
		wake.Stop()
		if !next.IsZero() {
			wake.Reset(max(0, next.Sub(machineTime())))
		}
	}
}

// rescan scans the folder, watches its new folders, and loads what changed. It
// returns the time of the next scan, zero if no file may be half written.
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
		// A file that was created in a new folder before it was watched made no event.
		return machineTime().Add(s.config.Debounce), nil
	}
	result, err := s.apply(ctx, t, scanMode{settle: true})
	return result.rescan, err
}

// folderGone logs once that the folder cannot be read. Its scripts stay live, as
// the folder may be replaced by another one, or its disk be mounted again.
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
