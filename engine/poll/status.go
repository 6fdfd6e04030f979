package poll

import (
	"cmp"
	"slices"
	"time"
)

// Status is the status of one poll.
type Status struct {
	Connection, Poll string
	Purpose          string // poll or reconcile
	Every            time.Duration
	Scanned          time.Time // end of the last complete scan, zero before it
	Next             time.Time
	Found            int // events of the last scan
	// Problem is why the last scan failed, and Failing since when scans do.
	Problem string
	Failing time.Time
}

// Status returns the status of all polls, by connection and poll.
func (x *Index) Status() []Status {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := make([]Status, 0, len(x.jobs))
	for key, j := range x.jobs {
		all = append(all, Status{
			Connection: key.Connection, Poll: key.Poll, Purpose: string(key.source), Every: j.every, Scanned: j.scanned,
			Next: j.next, Found: j.found, Problem: j.problem, Failing: j.failing,
		})
	}
	slices.SortFunc(all, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Poll, b.Poll), cmp.Compare(a.Purpose, b.Purpose))
	})
	return all
}
