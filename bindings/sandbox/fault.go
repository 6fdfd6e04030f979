package sandbox

import (
	"net/http"
	"sync"
	"time"
)

// Cut says where a connection breaks.
type Cut string

// The places where a connection breaks.
const (
	CutRequest Cut = "request" // before anything was done
	CutAnswer  Cut = "answer"  // when all was done, before the first byte of the answer
	CutBody    Cut = "body"    // in the middle of the answer's body
)

// Fault is something that goes wrong on demand.
type Fault struct {
	// App and Operation say for which calls; empty: for all.
	App       string `json:"app,omitempty"`
	Operation string `json:"operation,omitempty"`
	// Status is answered in the vendor's shape, and the operation not done
	// unless Done.
	Status int  `json:"status,omitempty"`
	Done   bool `json:"done,omitempty"`
	// Header is sent with the answer: {"Retry-After": "2"}.
	Header map[string]string `json:"header,omitempty"`
	// Latency passes before anything else happens.
	Latency time.Duration `json:"latency,omitempty"`
	Cut     Cut           `json:"cut,omitempty"`
	// Times is for how many calls; zero: until Reset.
	Times int `json:"times,omitempty"`
	// After lets as many calls through first.
	After int `json:"after,omitempty"`
}

// faultList is the armed faults in order; the first that fits is taken.
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

// take gives the fault for a call, nil if it goes well.
func (l *faultList) take(app, operation string) *Fault {
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
		taken := *f
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				l.all = append(l.all[:i:i], l.all[i+1:]...)
			}
		}
		return &taken
	}
	return nil
}

// faulted does what a fault does instead of the operation, and reports
// whether that was all.
func (a *App) faulted(w http.ResponseWriter, entry *Request, f *Fault) bool {
	if f.Cut == CutRequest {
		entry.Cut = f.Cut
		a.sandbox.log.add(*entry)
		panic(http.ErrAbortHandler)
	}
	if f.Status == 0 || f.Done {
		return false
	}
	out := a.faultReply(f)
	entry.Answer = cutText(out.Body)
	a.finish(w, entry, out, f.Cut)
	return true
}

// faultReply is a fault's status in the vendor's shape.
func (a *App) faultReply(f *Fault) Reply {
	header := http.Header{}
	for name, v := range f.Header {
		header.Set(name, v)
	}
	out := a.refuse(&Failure{Status: f.Status, Kind: kindOf(f.Status), Message: http.StatusText(f.Status), Header: header}, a.trace())
	out.Status = f.Status
	return out
}
