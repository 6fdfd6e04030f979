package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/datafile"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
	"github.com/tidewire/tidewire/engine/ownership"
)

// Folder examines the data folder of an installation whose engine does not answer.
// It changes nothing there. SQLite may make the file of its wal-index (-shm), which
// has no data, beside a journal that was not closed.
type Folder struct {
	Data    string // the folder
	Journal string // the path of the journal's file
	Clock   clock.Clock
}

// openFolderDo is the effect of a data folder that others can write.
const openFolderDo = "until then no engine starts on it, and no command changes anything in it"

// What a person does about a journal that cannot be read.
const recoverDo = "stop the engine, copy the whole folder aside, and restore a backup; what can still be read is printed by: sqlite3 tidewire.db .recover"

// Examine returns what it finds about the files, and a reader of the journal, nil if
// it cannot be read. The caller closes the reader.
func (f Folder) Examine(ctx context.Context) (findings []control.Finding, reader *sqlite.Reader) {
	add := func(kind, text, do string) {
		findings = append(findings, control.Finding{Kind: kind, Text: text, Do: do})
	}
	if info, err := os.Stat(f.Data); err != nil || !info.IsDir() {
		do := "--data-dir names another folder; an engine makes a new one: tidewire run. If the folder was moved while an engine runs on it, put it back, and start the engine again: it accepts nothing"
		if aside := datafile.UnfinishedRestore(f.Data); aside != "" {
			do = fmt.Sprintf("a restore moved the folder from before to %s, and was cut off: restore again (tidewire restore FILE), or put it back: mv %s %s", aside, aside, f.Data)
		}
		add("folder", fmt.Sprintf("the data folder %s cannot be used: %s", f.Data, reasonNoFolder(err)), do)
		return findings, nil
	}
	if err := ownership.CheckFolder("the data folder", f.Data); err != nil {
		add("folder", err.Error(), openFolderDo)
	}
	last := datafile.ReadRecord(sqlite.LockPath(f.Journal))
	pid, locked, err := sqlite.LockedBy(f.Journal)
	if err != nil {
		add("folder", err.Error(), "make the file readable for you")
	}
	findings = append(findings, f.engineFinding(pid, locked, last))
	if err := sqlite.CheckWritable(f.Journal); err != nil {
		add("folder", err.Error(), "no engine starts on it, and no backup is made of it: make the folder and its files writable for the user of the engine, or copy them")
	}
	damage, err := f.damage(last, locked)
	if err != nil {
		add("journal", err.Error(), "make the files readable for you")
	}
	if damage != nil {
		add("journal", damage.Text, damage.Do)
	}
	findings = append(findings, Damaged(f.Journal)...)
	if damage != nil && damage.Fatal {
		return findings, nil
	}
	reader, problem := f.open(ctx, locked)
	if problem != nil {
		findings = append(findings, *problem)
	}
	if reader != nil {
		f.addPending(ctx, reader, findings)
	}
	return findings, reader
}

func reasonNoFolder(err error) string {
	switch {
	case err == nil:
		return "it is a file"
	case errors.Is(err, fs.ErrNotExist):
		return "it does not exist"
	}
	return err.Error()
}

// engineFinding is the finding about the engine of a folder.
func (f Folder) engineFinding(pid int, locked bool, last datafile.Record) control.Finding {
	one, data := control.Finding{Kind: "engine"}, f.Data
	switch socket := missingSocket(data); {
	case locked && isRunning(pid) && socket != "":
		one.Text = fmt.Sprintf("the engine (process %d) runs on the data folder %s, and takes no commands: its socket %s was removed", pid, data, socket)
		one.Do = fmt.Sprintf("wait if it was just started; else end it (kill %d) and start it again, which makes the socket: what it was doing goes on", pid)
	case locked && isRunning(pid):
		one.Text = fmt.Sprintf("process %d has locked the data folder %s, and does not answer", pid, data)
		one.Do = fmt.Sprintf("wait if it was just started; if it hangs, end it (kill %d) and start it again: what it was doing goes on", pid)
	case locked:
		one.Text = fmt.Sprintf("the data folder %s is locked by a process that does not run here (%d)", data, pid)
		one.Do = "stop the engine on the other machine, or in the other container, that uses the folder"
	case last.Text != "":
		one.Text = fmt.Sprintf("no engine runs on the data folder %s, and the last one (process %d) ended without closing the journal", data, last.PID)
		one.Do = "tidewire run, and what it was doing goes on"
	default:
		one.Text, one.Do = "no engine runs on the data folder "+data, "tidewire run"
	}
	return one
}

// missingSocket returns the path of the socket of a folder's engine if there is no such
// file, else an empty text.
func missingSocket(data string) string {
	path, err := control.SocketPath(data)
	if err != nil {
		return ""
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return path
	}
	return ""
}

// isRunning reports whether a process runs on this machine.
func isRunning(pid int) bool {
	process, err := os.FindProcess(pid)
	if pid <= 0 || err != nil {
		return false
	}
	err = process.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, os.ErrPermission) || runtime.GOOS == "windows"
}

// damage compares the files of a journal that no engine has open.
func (f Folder) damage(last datafile.Record, locked bool) (*datafile.Damage, error) {
	if locked {
		return nil, nil
	}
	return datafile.Examine(f.Journal, last)
}

// Damaged has a finding for each damaged log that was copied aside.
func Damaged(journal string) (findings []control.Finding) {
	files, _ := datafile.Damaged(journal) // the pattern is valid
	for _, file := range files {
		findings = append(findings, control.Finding{
			Kind: "journal", Text: fmt.Sprintf("commits are missing: at a start the write-ahead log was damaged, and copied to %s", file),
			Do: "restore a backup if you need what is missing; then remove the file",
		})
	}
	return findings
}

// open opens the journal, and checks it as a whole.
func (f Folder) open(ctx context.Context, locked bool) (*sqlite.Reader, *control.Finding) {
	name := filepath.Base(f.Journal)
	finding := func(text, do string) *control.Finding { return &control.Finding{Kind: "journal", Text: text, Do: do} }
	open := sqlite.OpenReader
	if log, err := os.Stat(f.Journal + "-wal"); !locked && (errors.Is(err, fs.ErrNotExist) || err == nil && log.Size() == 0) {
		open = sqlite.OpenImmutable
	}
	if file, err := os.Open(f.Journal); errors.Is(err, fs.ErrPermission) {
		return nil, finding(err.Error(), "make the files of the data folder yours, or run this as their owner")
	} else if err == nil {
		_ = file.Close()
	}
	reader, err := open(f.Journal)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil // the engine makes it
	case errors.Is(err, journal.ErrNewer):
		return nil, finding(err.Error(), "start the newer Tidewire; this one cannot read its journal")
	case errors.Is(err, sqlite.ErrReadOnly):
		return nil, finding(err.Error(), "copy the data folder to one that is writable, then: tidewire doctor --data-dir COPY")
	case errors.Is(err, sqlite.ErrOlder):
		return nil, finding(err.Error(), "tidewire run, which copies it first; then tidewire doctor again")
	default:
		return nil, finding(err.Error(), recoverDo)
	}
	problems, err := reader.QuickCheck(ctx)
	if _, nowLocked, _ := sqlite.LockedBy(f.Journal); nowLocked && !locked { // what was read may have changed meanwhile
		_ = reader.Close()
		return nil, finding("an engine was started meanwhile", "tidewire doctor again")
	}
	switch {
	case err != nil:
		return reader, finding(fmt.Sprintf("%s is damaged: %v", name, err), recoverDo)
	case len(problems) > 0:
		return reader, finding(fmt.Sprintf("%s is damaged: %s", name, strings.Join(problems, "; ")), recoverDo)
	}
	return reader, nil
}

// addPending adds what waits in the journal to the finding about the engine.
func (f Folder) addPending(ctx context.Context, reader *sqlite.Reader, findings []control.Finding) {
	b, err := reader.Pending(ctx)
	if err != nil {
		return
	}
	for i := range findings {
		if one := &findings[i]; one.Kind == "engine" {
			one.SetPending(b, f.Clock.Now())
		}
	}
}

// journalFinding is the finding about a journal that cannot be written.
func journalFinding(h journal.Health, b journal.Pending, now time.Time) control.Finding {
	one := control.Finding{Kind: "journal", Reason: h.Reason, Since: h.Since.UTC().Format(time.RFC3339), Text: "nothing is accepted or recorded: " + h.Error}
	switch h.Reason {
	case journal.Full:
		one.Do = "make room on the disk; the engine goes on by itself"
	case journal.Replaced:
		one.Do = "put the data folder back or decide for the one that is there, and start the engine again; until the engine ends, /proc/" +
			fmt.Sprint(os.Getpid()) + "/fd has its files on Linux"
	case journal.Fenced:
		one.Do = "stop this engine: another one has the journal"
	default:
		one.Do = "make the data folder writable; the engine goes on by itself"
	}
	one.SetPending(b, now)
	return one
}
