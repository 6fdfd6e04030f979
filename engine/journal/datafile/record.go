package datafile

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/engine/filelock"
)

// records is what an Opened has recorded in the lock file.
type records struct {
	cut       atomic.Bool // the log is no longer what was written
	recording sync.Mutex
	seen      Position    // of the last commit
	last      Position    // the last that was recorded
	at        time.Time   // of the last record
	later     *time.Timer // makes the next record; nil if none is due
	ended     bool        // nothing is recorded any more
}

// recordInterval is the least time between two records of how far the log is written.
const recordInterval = 10 * time.Millisecond

// Record writes how far the log is written to the lock file, within recordInterval
// and without a sync: it is for a log that is lost or cut, and not for a power cut. It
// is called after each commit, and finds out whether the log still has the one before.
func (o *Opened) Record() {
	if o.index == nil {
		return
	}
	o.recording.Lock()
	defer o.recording.Unlock()
	if !o.scan() {
		return
	}
	if wait := recordInterval - time.Since(o.at); wait <= 0 {
		o.record()
	} else if o.later == nil {
		o.later = time.AfterFunc(wait, o.RecordNow)
	}
}

// RecordNow is Record without the interval.
func (o *Opened) RecordNow() {
	o.recording.Lock()
	defer o.recording.Unlock()
	if o.index != nil {
		o.record()
	}
}

// scan reads the position, and sets cut if the log no longer has the last commit. It
// returns false if there is nothing to record. A log that somebody cuts has a gap:
// SQLite writes on where it was.
func (o *Opened) scan() bool {
	p, ok := readIndex(o.index)
	if !ok {
		return false
	}
	if o.seen.Salt1 == p.Salt1 && o.seen.Salt2 == p.Salt2 && !o.seen.inLog(o.files[logFile].file) {
		o.cut.Store(true)
		o.write() // so that the next start has what is missing
		return false
	}
	o.seen = p
	return true
}

// Unchanged reports whether there has been no commit since the last call of Record. It
// is for a writer that has the lock of writers.
func (o *Opened) Unchanged() bool {
	if o.index == nil {
		return false
	}
	o.recording.Lock()
	defer o.recording.Unlock()
	p, ok := readIndex(o.index)
	return ok && p.Salt1 == o.seen.Salt1 && p.Salt2 == o.seen.Salt2 && p.Frames == o.seen.Frames
}

func (o *Opened) record() {
	if o.ended || o.cut.Load() {
		return
	}
	if o.later != nil {
		o.later.Stop()
		o.later = nil
	}
	o.at = time.Now()
	if !o.scan() || o.seen == o.last {
		return
	}
	o.write()
}

// write writes what was seen to the lock file. The commits are durable whether or not
// this fails.
func (o *Opened) write() {
	var text [filelock.NoteSize]byte
	if filelock.WriteNote(o.lock, o.seen.append(text[:0])) == nil {
		o.last = o.seen
	}
}

// endRecords prevents further records. With last it makes one before.
func (o *Opened) endRecords(last bool) {
	o.recording.Lock()
	defer o.recording.Unlock()
	if last && o.index != nil {
		o.record()
	}
	if o.ended = true; o.later != nil {
		o.later.Stop()
	}
}
