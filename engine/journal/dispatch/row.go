package dispatch

import "github.com/tidewire/tidewire/engine/journal/ledger"

// Row returns the cached row of a run, false if it must be read from the file.
func (d *Dispatcher) Row(seq int64) (ledger.RunRow, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.runs[seq]; r != nil && r.row != nil {
		return *r.row, true
	}
	return ledger.RunRow{}, false
}

// CacheRows updates the cached rows after a commit: read are rows of runs as the
// commit found them, c is what it changed, nil for nothing. Rows are cached for
// leased runs. The cached row of another run is dropped when it changes.
func (d *Dispatcher) CacheRows(read []ledger.RunRow, c *ledger.Changes) {
	if len(read) == 0 && c == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range read {
		if r := d.runs[read[i].Run.Seq]; r != nil && r.status == leased {
			row := read[i]
			r.row = &row
		}
	}
	if c == nil {
		return
	}
	for _, changed := range c.Runs {
		switch r := d.runs[changed.After.Seq]; {
		case r == nil || r.row == nil:
		case r.status == leased:
			r.row.Run = changed.After
		default:
			d.dropCached(r)
		}
	}
	for _, last := range c.Lasts {
		if r := d.runs[last.Run]; r != nil && r.row != nil {
			r.row.Last = last.Last
		}
	}
}

// dropCached deletes the cached event and row of a run that is not leased.
func (d *Dispatcher) dropCached(r *run) {
	if r.cached != nil {
		d.cachedBytes -= r.size()
	}
	r.cached, r.row = nil, nil
}
