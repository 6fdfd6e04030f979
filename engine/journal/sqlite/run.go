package sqlite

import (
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// run is a live run in memory: queued, or handed out.
type run struct {
	seq  int64
	hook int64 // hook.id
	lane string

	// Of the dispatcher, under its mutex.
	inLane    *lane
	laneNext  *run
	readyNext *run
	fresh     *fresh
	bound     string
	started   time.Time
	handouts  int64

	// epoch is that of the holder, 0 while there is none.
	epoch atomic.Int64

	// kept is what the file holds of the run; of the writer.
	kept kept
}

// kept is what the file holds of a live run.
type kept struct {
	written bool // its row is no longer as Accept wrote it
	steps   int
	begun   bool // the last step is a begun mark
	// Over for its holder, which dispatcher.update makes known.
	ended    bool
	released bool
}

// fresh is what a hand-out needs of a run that was accepted a moment ago, so
// that it need not be read back.
type fresh struct {
	event   *journal.Event
	hook    *journal.Hook
	created time.Time
}

func (f *fresh) size() int64 { return int64(len(f.event.Data)) + 512 }

// Rows hold states as numbers; the order is that of the schema.
var (
	states = []journal.State{
		journal.Queued, journal.Running, journal.Succeeded, journal.Failed,
		journal.Cancelled, journal.Skipped, journal.Interrupted,
	}
	stepStates = []journal.StepState{journal.Begun, journal.Done, journal.Erred}
)

// code gives the number of a state, -1 for an unknown one.
func code[T comparable](all []T, one T) int64 {
	for i, s := range all {
		if s == one {
			return int64(i)
		}
	}
	return -1
}

func micro(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func blob(data []byte) any {
	if len(data) == 0 {
		return nil
	}
	return data
}
