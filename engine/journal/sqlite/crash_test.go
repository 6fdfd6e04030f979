package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// The test binary, started with these variables, accepts events in the folder and
// writes the number of each to its output when Accept has returned.
const (
	childFolder  = "TIDEWIRE_TEST_CHILD_FOLDER"
	childEvents  = "TIDEWIRE_TEST_CHILD_EVENTS"
	childWaiters = "TIDEWIRE_TEST_CHILD_WAITERS"
	childPolls   = "TIDEWIRE_TEST_CHILD_POLLS" // not empty: it stores pages of a poll instead
)

func child(folder string) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(folder, "tidewire.db")})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	events, _ := strconv.Atoi(os.Getenv(childEvents))
	waiters, _ := strconv.Atoi(os.Getenv(childWaiters))
	hook := contactHook()
	if file := os.Getenv(childBackup); file != "" {
		if err := backUp(ctx, s, file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if os.Getenv(childPolls) != "" {
		childPoll(ctx, s, hook)
	}
	each(waiters, events, func(i int) {
		if _, err := s.Accept(ctx, journal.Arrival{Event: contactEvent(i), Hooks: []*journal.Hook{hook}}); err != nil {
			fmt.Fprintln(os.Stderr, errors.Join(err, s.Close()))
			os.Exit(1)
		}
		fmt.Fprintf(os.Stdout, "accepted %d\n", i) // one write each, not buffered
	})
	for recordIsRecent(folder) {
		<-time.After(time.Millisecond)
	}
}

// recordIsRecent reports whether the last commit may not have been recorded in the lock
// file yet.
func recordIsRecent(folder string) bool {
	info, err := os.Stat(sqlite.LockPath(filepath.Join(folder, "tidewire.db")))
	return err == nil && time.Since(info.ModTime()) < 50*time.Millisecond
}

var polledPages = change.PollKey{Connection: "highlevel", Poll: "contacts"}

// childPoll stores one page of a poll after the other: a sighting, an event and the
// cursor.
func childPoll(ctx context.Context, s *sqlite.Store, hook *journal.Hook) {
	for i := cursorOf(ctx, s) + 1; ; i++ {
		event := contactEvent(i)
		_, err := s.AcceptPage(ctx, journal.PollPage{
			PollKey:   polledPages,
			Cursors:   []journal.Cursor{{Name: "poll", Value: []byte(strconv.Itoa(i))}},
			Sightings: []change.Sighting{{Record: event.Record, History: []change.Observation{{Hash: uint64(i), By: change.ReportedByList}}}},
			Arrivals:  []journal.Arrival{{Event: event, Hooks: []*journal.Hook{hook}}},
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Fprintf(os.Stdout, "accepted %d\n", i)
	}
}

// cursorOf returns the cursor of the poll.
func cursorOf(ctx context.Context, s *sqlite.Store) int {
	cursors, err := s.Cursors(ctx, polledPages)
	if err != nil || len(cursors) == 0 {
		return 0
	}
	at, _ := strconv.Atoi(string(cursors[0].Value))
	return at
}

// TestKillBetweenPages ends a process with SIGKILL during a poll: a page is stored
// whole or not at all.
func TestKillBetweenPages(t *testing.T) {
	folder := t.TempDir()
	for round := range 3 {
		c := childCommand(t, folder, 0, 0)
		c.Env = append(c.Env, childPolls+"=1")
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged := 0
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			acknowledged, _ = strconv.Atoi(strings.TrimPrefix(lines.Text(), "accepted "))
			if n == 30*(round+1) {
				if err := c.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := c.Wait(); err == nil {
			t.Fatal("the process ended by itself")
		}
		s := open(t, sqlite.Config{Path: filepath.Join(folder, "tidewire.db")})
		at := cursorOf(t.Context(), s)
		if at < acknowledged {
			t.Errorf("the cursor is %d, and %d was acknowledged", at, acknowledged)
		}
		known, err := s.SightingsOf(t.Context(), polledPages, "", 0, 10_000)
		if err != nil || len(known) != at {
			t.Errorf("found %d sightings of %d pages, %v", len(known), at, err)
		}
		for i := 1; i <= at+1; i++ {
			_, runs, err := s.Event(t.Context(), contactEvent(i).ID)
			if stored := err == nil && len(runs) == 1; stored != (i <= at) {
				t.Errorf("the event of page %d of %d: %d runs, %v", i, at, len(runs), err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func childCommand(t *testing.T, folder string, events, waiters int, before ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	line := append(before, self)
	c := exec.CommandContext(t.Context(), line[0], line[1:]...)
	c.Env = append(os.Environ(), childFolder+"="+folder, childEvents+"="+strconv.Itoa(events), childWaiters+"="+strconv.Itoa(waiters))
	c.Stderr = os.Stderr
	return c
}

// TestKillDuringAccept ends a process with SIGKILL while it accepts events. Every
// event that it had acknowledged is stored, with its run.
func TestKillDuringAccept(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "tidewire.db")
	acknowledged := map[int]bool{}
	for round := range 3 {
		c := childCommand(t, folder, 1_000_000, 16)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if i, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "accepted ")); err == nil {
				acknowledged[i] = true
			}
			if n == 100*(round+1) {
				if err := c.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := c.Wait(); err == nil {
			t.Fatal("the process ended by itself")
		}
	}
	r, err := sqlite.OpenReader(path) // before a store repairs anything
	if err != nil {
		t.Fatal(err)
	}
	for i := range acknowledged {
		if _, runs, err := r.Event(t.Context(), contactEvent(i).ID); err != nil || len(runs) != 1 {
			t.Errorf("event %d was acknowledged: found %d runs, %v", i, len(runs), err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, sqlite.Config{Path: path})
	left := len(acknowledged)
	for last := int64(0); left > 0; {
		a, h := next(t, s)
		if a.Run.Seq <= last {
			t.Errorf("run %d came after %d", a.Run.Seq, last)
		}
		last = a.Run.Seq
		i, err := strconv.Atoi(strings.TrimPrefix(a.Event.Record, "c_"))
		if err != nil {
			t.Fatal(err)
		}
		if acknowledged[i] {
			left--
			delete(acknowledged, i)
		}
		if err := s.Finish(t.Context(), h, journal.Finish{State: journal.Succeeded}); err != nil {
			t.Fatal(err)
		}
	}
}

var (
	traceCall    = regexp.MustCompile(`^(\d+) +(\w+)\((\d+)<([^>]*)>(.*)$`)
	traceResumed = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>.*= (-?\d+)`)
)

// TestAcceptSyncsBeforeReturn traces the system calls of a process that accepts one
// event after the other: before Accept returns, the log is written and then synced.
func TestAcceptSyncsBeforeReturn(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed; it shows the order of writes and syncs")
	}
	const events = 20
	folder := t.TempDir()
	trace := filepath.Join(folder, "trace")
	c := childCommand(t, folder, events, 1, strace, "-f", "-y", "-s", "32", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o", trace)
	output, err := os.Create(filepath.Join(folder, "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	c.Stdout = output
	if err := c.Run(); err != nil {
		if text, _ := os.ReadFile(trace); len(text) == 0 {
			t.Skipf("strace may not trace here: %v", err)
		}
		t.Fatal(err)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	written, synced := false, false
	syncing := map[string]bool{} // by thread: a sync of the log that has not returned
	for line := range strings.SplitSeq(string(text), "\n") {
		if m := traceResumed.FindStringSubmatch(line); m != nil {
			if syncing[m[1]] && strings.HasSuffix(m[2], "sync") {
				synced = synced || m[3] == "0"
				delete(syncing, m[1])
			}
			continue
		}
		m := traceCall.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		process, call, file, rest := m[1], m[2], m[4], m[5]
		switch {
		case call == "pwrite64" && strings.HasSuffix(file, "-wal"):
			written, synced = true, false
		case strings.HasSuffix(call, "sync") && strings.HasSuffix(file, "-wal"):
			if strings.Contains(rest, "unfinished") {
				syncing[process] = true
			} else {
				synced = synced || strings.Contains(rest, "= 0")
			}
		case call == "write" && strings.Contains(rest, `"accepted `):
			if !written || !synced {
				t.Errorf("event %d was acknowledged with the log written %v, synced %v", accepted, written, synced)
			}
			accepted++
			written, synced = false, false
		}
	}
	if accepted != events {
		t.Errorf("the trace shows %d events, expected %d", accepted, events)
	}
}
