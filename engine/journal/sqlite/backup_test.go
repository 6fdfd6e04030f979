package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock/clocktest"
	"github.com/tidewire/tidewire/engine/filelock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// childBackup, in the environment of the test binary, is a file to which it copies
// its journal.
const childBackup = "TIDEWIRE_TEST_CHILD_BACKUP"

// backUp copies a journal of 60 MB, so that there is time to end the process.
func backUp(ctx context.Context, s *sqlite.Store, file string) error {
	hook := contactHook()
	for i := range 12 {
		event := contactEvent(i)
		event.Data = []byte(`"` + strings.Repeat(fmt.Sprint(i), 5<<19) + `"`)
		if _, err := s.Accept(ctx, journal.Arrival{Event: event, Hooks: []*journal.Hook{hook}}); err != nil {
			return err
		}
	}
	return s.Backup(ctx, file)
}

// parts returns the folders of copies that are not complete.
func parts(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, ".*.tidewire-part"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// killBackup ends a process with SIGKILL in the middle of a backup to a file.
func killBackup(t *testing.T, data, file string) {
	t.Helper()
	c := childCommand(t, data, 0, 0)
	c.Env = append(c.Env, childBackup+"="+file)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for timeout := time.After(clocktest.MaxWait); ; {
		if found := parts(t, filepath.Dir(file)); len(found) == 1 {
			if info, err := os.Stat(filepath.Join(found[0], filepath.Base(file))); err == nil && info.Size() > 1<<20 {
				break
			}
		}
		select {
		case <-time.After(100 * time.Microsecond):
		case <-timeout:
			t.Fatal("the backup does not begin")
		}
	}
	if err := errors.Join(c.Process.Kill(), ignoreExit(c.Wait())); err != nil {
		t.Fatal(err)
	}
	if len(parts(t, filepath.Dir(file))) != 1 {
		t.Fatal("the backup was over before the process was killed")
	}
	if _, err := os.Stat(file); err == nil {
		t.Fatal("the backup that was killed is there")
	}
}

// ignoreExit returns nil for the error of a process that was killed.
func ignoreExit(err error) error {
	if err == nil {
		return errors.New("the process ended by itself")
	}
	return nil
}

// TestKillDuringBackup: what is left of a backup is removed by the next backup into
// the same folder, and from the data folder by the next start.
func TestKillDuringBackup(t *testing.T) {
	data, elsewhere := journaltest.Folder(t), journaltest.Folder(t)
	path := filepath.Join(data, "tidewire.db")
	killBackup(t, data, filepath.Join(elsewhere, "one.db"))
	s := open(t, sqlite.Config{Path: path})
	if err := s.Backup(t.Context(), filepath.Join(elsewhere, "two.db")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(elsewhere)
	if err != nil || len(entries) != 1 || entries[0].Name() != "two.db" {
		t.Errorf("after the next backup the folder has %v, %v", entries, err)
	}
	if info, err := os.Stat(filepath.Join(elsewhere, "two.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has mode %v, %v", info.Mode(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	killBackup(t, data, filepath.Join(data, "copy.db"))
	s = open(t, sqlite.Config{Path: path})
	if left := parts(t, data); len(left) > 0 {
		t.Errorf("after the next start the data folder has %q", left)
	}
	if _, err := acceptOne(t, s, 100); err != nil {
		t.Error(err)
	}
}

// TestBackupOfAnotherProcessStays: a copy that another process makes at the same time
// is not removed, nor is what is no copy.
func TestBackupOfAnotherProcessStays(t *testing.T) {
	folder := journaltest.Folder(t)
	s := open(t, sqlite.Config{})
	used := filepath.Join(folder, ".copy.db.1.tidewire-part")
	other := filepath.Join(folder, "copy.tidewire-part")
	killed, empty := filepath.Join(folder, ".copy.db.2.tidewire-part"), filepath.Join(folder, ".copy.db.3.tidewire-part")
	for _, name := range []string{used, other, killed, empty} {
		if err := os.Mkdir(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	lock, err := filelock.Acquire(filepath.Join(used, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	for _, name := range []string{filepath.Join(killed, "lock"), filepath.Join(killed, "copy.db-journal"), filepath.Join(folder, ".hidden")} {
		if err := os.WriteFile(name, []byte("1"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Backup(t.Context(), filepath.Join(folder, "copy.db")); err != nil {
		t.Fatal(err)
	}
	var names []string
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := ".copy.db.1.tidewire-part .hidden copy.db copy.tidewire-part"; err != nil || strings.Join(names, " ") != want {
		t.Errorf("found %q, %v, expected %s", names, err, want)
	}
}
