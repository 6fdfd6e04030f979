package datafile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/filelock"
	"github.com/tidewire/tidewire/engine/journal"
)

// Damage is what is wrong with the files of a database.
type Damage struct {
	// Text is what was found, Do is what a person does about it.
	Text, Do string
	// Fatal is set if the database must not be opened: SQLite would delete what
	// is left, or mix two databases.
	Fatal bool
	// Frames is how many frames of the log are lost, 0 if that is not known.
	Frames int

	log    string
	remove bool // the database has all that the log still has, and more
}

func (d *Damage) Error() string { return d.Text + "; " + d.Do }

// Record is what a lock file has from the last process that had the database
// open, and when it was written; the Text is empty if that process closed it.
type Record struct {
	PID    int // 0 if it is unknown
	Text   string
	Closed bool // that process closed it
	At     time.Time
}

// closedNote is what a process writes to the lock file when it has closed the
// database.
const closedNote = "closed"

// ReadRecord reads the record of a lock file, before the lock file is locked.
func ReadRecord(lock string) (r Record) {
	f, err := os.Open(lock)
	if err != nil {
		return r
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		r.At = info.ModTime()
	}
	r.PID, r.Text = filelock.ReadPID(f), filelock.ReadNote(f)
	if r.Closed = r.Text == closedNote; r.Closed {
		r.Text = ""
	}
	return r
}

// Prepare examines the files of a database that is about to be opened. If they must
// not be, the error is journal.ErrDamaged. A log that lacks commits is logged, and
// copied aside. Then Prepare deletes the record in the lock file.
func Prepare(database string, lock *os.File, last Record, now time.Time, log *slog.Logger) error {
	damage, err := Examine(database, last)
	switch {
	case err != nil:
		return err
	case damage == nil:
	case damage.Fatal:
		return fmt.Errorf("%w: %w", journal.ErrDamaged, damage)
	default:
		file, err := damage.Preserve(now)
		if err != nil {
			return fmt.Errorf("%w: %w; the log could not be copied aside: %w", journal.ErrDamaged, damage, err)
		}
		if damage.harmless() {
			log.Warn("the journal's log was set aside: "+damage.Text+"; nothing is lost", "log", file)
		} else {
			log.Error("commits are missing in the journal: "+damage.Text, "pages", damage.Frames, "log", file, "do", damage.Do)
		}
	}
	if last.Text == "" {
		return nil
	}
	return errors.Join(filelock.WriteNote(lock, nil), lock.Sync())
}

// Examine compares the files of a database with the record of its lock file,
// while no process has the database open. It returns nil if nothing is wrong.
func Examine(database string, last Record) (*Damage, error) {
	log := logPath(database)
	scanned, err := scanLog(log)
	if err != nil {
		return nil, fmt.Errorf("examine the write-ahead log: %w", err)
	}
	size, modified := int64(-1), time.Time{}
	switch info, err := os.Stat(database); {
	case err == nil:
		size, modified = info.Size(), info.ModTime()
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("examine the database: %w", err)
	}
	position, noted := parsePosition(last.Text)
	if size <= 0 && (noted || last.Closed || scanned.Size > 0) {
		return databaseGone(database, log, size < 0), nil
	}
	if size <= 0 {
		return nil, nil // a new one
	}
	d := compare(scanned, position, noted, modified.After(last.At))
	if d == nil {
		return nil, nil
	}
	if !d.Fatal && scanned.Frames == 0 {
		// Before the first checkpoint the database is an empty page, and the log has
		// everything.
		if version, err := userVersion(database); err != nil || version == 0 {
			return logGone(database, d.Text), err
		}
	}
	d.log = log
	return d, nil
}

// userVersion reads the version of the schema from the header of a database.
func userVersion(database string) (uint32, error) {
	f, err := os.Open(database)
	if err != nil {
		return 0, fmt.Errorf("examine the database: %w", err)
	}
	defer f.Close()
	var b [4]byte
	if n, err := f.ReadAt(b[:], 60); n < len(b) && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("examine the database: %w", err)
	}
	return binary.BigEndian.Uint32(b[:]), nil
}

// logGone is the damage of a log that had everything.
func logGone(database, what string) *Damage {
	return &Damage{
		Fatal: true,
		Text:  fmt.Sprintf("%q has nothing without its write-ahead log, and %s", database, what),
		Do:    "copy the folder aside, and put the log back or restore a backup; to begin with an empty journal, move the database and the file lock away",
	}
}

func databaseGone(database, log string, missing bool) *Damage {
	found := "is empty"
	if missing {
		found = "is gone"
	}
	return &Damage{
		Fatal: true,
		Text:  fmt.Sprintf("%q %s, and was in use: its write-ahead log or the lock file is still here", database, found),
		Do: fmt.Sprintf("copy the folder aside, and put the file back or restore a backup; to begin with an empty journal, move %q and the file lock away",
			log),
	}
}

// compare returns how a log differs from the position that was recorded last.
// later is set if the database was written after that.
func compare(l Log, p Position, recorded, later bool) *Damage {
	const restore = "restore a backup if you need what is missing; tidewire doctor checks the database"
	same := l.Valid && l.Salt1 == p.Salt1 && l.Salt2 == p.Salt2
	lost := max(0, int(p.Frames)-int(max(p.Stored, l.Frames)))
	switch {
	case recorded && !l.Valid && lost > 0 && !later:
		what := "is gone"
		if l.Size > 0 {
			what = "has no valid header"
		}
		return &Damage{Frames: lost, Do: restore,
			Text: fmt.Sprintf("the write-ahead log %s: %d pages of the last commits are lost, unless another program wrote them to the database", what, lost)}
	case recorded && same && l.Frames < p.Frames:
		return &Damage{Frames: lost, Do: restore, remove: l.Frames < p.Stored,
			Text: fmt.Sprintf("the write-ahead log is cut: it has %d pages of commits, and had %d; %d are lost", l.Frames, p.Frames, lost)}
	case recorded && l.Valid && !same && l.Salt1-p.Salt1-1 > maxRestarts:
		d := &Damage{Text: "the write-ahead log is not the one that was written last: it is of another time, or of another database"}
		if d.remove = p.Stored == p.Frames; d.remove {
			d.Do = "nothing: the database has all commits"
			return d
		}
		d.Fatal = true
		d.Do = "copy the folder aside, and put the right log back or restore a backup; without its log, the database lacks the last commits"
		return d
	case l.Beyond > 1:
		return &Damage{Do: restore,
			Text: fmt.Sprintf("the write-ahead log has a gap behind page %d: the commits from there on are lost, %d at least", l.Frames, l.Beyond)}
	}
	return nil
}

// maxRestarts bounds how often a log was begun again since the position that
// the lock file has: the lock file is not synced, so that after a power cut it
// may be as old as what the system had not written yet.
const maxRestarts = 1 << 16

// What follows the name of a log in that of its copy: if commits are missing, and if
// the database has them all.
const (
	damagedInfix = ".damaged-"
	unusedInfix  = ".unused-"
)

// harmless reports whether the database has all commits.
func (d *Damage) harmless() bool { return d.remove && d.Frames == 0 }

// Preserve copies a damaged log aside, before SQLite overwrites it, and returns
// the name of the copy.
func (d *Damage) Preserve(now time.Time) (file string, err error) {
	infix := damagedInfix
	if d.harmless() {
		infix = unusedInfix
	}
	file = d.log + infix + now.UTC().Format("20060102T150405Z")
	if d.remove {
		return file, os.Rename(d.log, file)
	}
	return file, copyFile(d.log, file)
}

// Damaged returns the copies of damaged logs beside a database.
func Damaged(database string) ([]string, error) {
	return filepath.Glob(escape(logPath(database)) + damagedInfix + "*")
}

// escape returns a pattern that matches a path only.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// copyFile copies a file, which need not exist, to a new one, durably.
func copyFile(from, to string) (err error) {
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}
