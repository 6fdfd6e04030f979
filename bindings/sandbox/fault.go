package sandbox

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Cut is the point at which a connection is closed.
type Cut string

// The points at which a connection is closed.
const (
	CutRequest Cut = "request" // before the operation is performed
	CutAnswer  Cut = "answer"  // after the operation, before the first byte of the answer
	CutBody    Cut = "body"    // in the middle of the answer's body
)

// Fault is an error that the sandbox injects.
type Fault struct {
	// App and Operation select the calls; empty: all.
	App       string `json:"app,omitempty"`
	Operation string `json:"operation,omitempty"`
	// Status is the status of the answer, in the vendor's shape. The operation is
	// not performed unless Done.
	Status int  `json:"status,omitempty"`
	Done   bool `json:"done,omitempty"`
	// Header is sent with the answer: {"Retry-After": "2"}.
	Header map[string]string `json:"header,omitempty"`
	// Latency is a delay before everything else.
	Latency time.Duration `json:"latency,omitempty"`
	Cut     Cut           `json:"cut,omitempty"`
	// Late is the time after which the operation is performed. The connection is
	// closed at once.
	Late time.Duration `json:"late,omitempty"`
	// Lag hides records from a read, and from a list, for this time after they were
	// created.
	Lag time.Duration `json:"lag,omitempty"`
	// Times is the number of calls that it affects; zero: all until Reset.
	Times int `json:"times,omitempty"`
	// After is the number of calls before the first that it affects.
	After int `json:"after,omitempty"`
}

// faultList is the injected faults in order; the first that matches is used.
type faultList struct {
	mu  sync.Mutex
	all []*Fault
}

func (l *faultList) add(f Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, &f)
}

func (l *faultList) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = nil
}

func (l *faultList) list() []Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := []Fault{}
	for _, f := range l.all {
		all = append(all, *f)
	}
	return all
}

// next returns the fault for a call; nil if there is none.
func (l *faultList) next(app, operation string) *Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, f := range l.all {
		if f.App != "" && f.App != app || f.Operation != "" && f.Operation != operation {
			continue
		}
		if f.After > 0 {
			f.After--
			return nil
		}
		injected := *f
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				l.all = append(l.all[:i:i], l.all[i+1:]...)
			}
		}
		return &injected
	}
	return nil
}

// applyFault answers in place of the operation, and reports whether it did.
func (a *App) applyFault(w http.ResponseWriter, entry *Request, f *Fault) bool {
	if f.Cut == CutRequest {
		entry.Cut = f.Cut
		a.sandbox.log.add(*entry)
		panic(http.ErrAbortHandler)
	}
	if f.Status == 0 || f.Done {
		return false
	}
	out := a.faultReply(f)
	entry.Answer = truncate(out.Body)
	a.finish(w, entry, out, f.Cut)
	return true
}

// faultReply is the answer with a fault's status, in the vendor's shape.
func (a *App) faultReply(f *Fault) Reply {
	header := http.Header{}
	for name, v := range f.Header {
		header.Set(name, v)
	}
	out := a.refuse(&Failure{Status: f.Status, Kind: kindOf(f.Status), Message: http.StatusText(f.Status), Header: header}, a.trace())
	out.Status = f.Status
	return out
}

// lateCall is a request that is performed when its time comes.
type lateCall struct {
	at      time.Time
	perform func()
}

// postpone closes the connection of a request that is performed later.
func (a *App) postpone(entry *Request, at time.Time, perform func()) {
	entry.Cut = CutRequest
	a.sandbox.log.add(*entry)
	a.mu.Lock()
	a.late = append(a.late, lateCall{at, perform})
	a.mu.Unlock()
	panic(http.ErrAbortHandler)
}

// performLate performs the requests whose time has come. It is called before the
// app's records are read or changed.
func (a *App) performLate() {
	now := a.sandbox.now()
	a.mu.Lock()
	var due []lateCall
	a.late = slices.DeleteFunc(a.late, func(c lateCall) bool {
		isDue := !c.at.After(now)
		if isDue {
			due = append(due, c)
		}
		return isDue
	})
	a.mu.Unlock()
	for _, c := range due {
		c.perform()
	}
}

// hideNew removes what a fault hides from the result of a read.
func (r *Call) hideNew(res *Result) *Failure {
	if r.lag == 0 || !r.Op.ReadOnly() {
		return nil
	}
	newest := r.Now.Add(-r.lag).UnixMilli()
	if res.Record != nil && res.Record.At > newest {
		return r.notFound(res.Record.ID)
	}
	res.Page.Items = slices.DeleteFunc(slices.Clone(res.Page.Items), func(rec *Record) bool { return rec.At > newest })
	return nil
}
