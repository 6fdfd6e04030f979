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
	last      Position
	at        time.Time   // of the last record
	later     *time.Timer // makes the next record; nil if none is due
	ended     bool        // nothing is recorded any more
}

// recordInterval is the least time between two records of how far the log is written.
const recordInterval = 10 * time.Millisecond

// Record writes how far the log is written to the lock file, within recordInterval
// and without a sync: it is for a log that is lost or cut, and not for a power cut. It
// is called after each commit.
func (o *Opened) Record() {
	if o.index == nil {
		return
	}
	o.recording.Lock()
	defer o.recording.Unlock()
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

func (o *Opened) record() {
	if o.ended {
		return
	}
	if o.later != nil {
		o.later.Stop()
		o.later = nil
	}
	o.at = time.Now()
	p, ok := readIndex(o.index)
	if !ok || p == o.last {
		return
	}
	// A log that somebody cuts has a gap: SQLite writes on where it was.
	if o.last.Salt1 == p.Salt1 && o.last.Salt2 == p.Salt2 && !o.last.inLog(o.files[logFile].file) {
		o.cut.Store(true)
		return
	}
	var text [filelock.NoteSize]byte
	// The commit is durable whether or not this fails.
	if filelock.WriteNote(o.lock, p.append(text[:0])) == nil {
		o.last = p
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
