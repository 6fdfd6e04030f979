package ledger

// empty returns a slice of length zero with the same memory, cleared.
func empty[T any](all []T) []T {
	clear(all)
	return all[:0]
}

// drop empties a slice. Most groups of rows are empty in most batches, and are only read.
func drop[T any](all *[]T) {
	if len(*all) > 0 {
		*all = empty(*all)
	}
}

// reset empties all groups of keys.
func (w *Want) reset() {
	drop(&w.Hooks)
	drop(&w.Versions)
	drop(&w.IDs)
	drop(&w.Events)
	drop(&w.Types)
	drop(&w.Runs)
	drop(&w.Lanes)
	drop(&w.Merging)
	drop(&w.Replacers)
	drop(&w.Steps)
	drop(&w.Begun)
	drop(&w.Awaited)
	drop(&w.Awaits)
	drop(&w.Missed)
	drop(&w.Approvals)
	drop(&w.Known)
	drop(&w.Changed)
	drop(&w.Sightings)
	drop(&w.Open)
	drop(&w.Deferred)
	drop(&w.States)
	drop(&w.Links)
	drop(&w.Floods)
	w.Due, w.Paused, w.Counts = DueKey{}, PausedKey{}, false
}

// reset empties all groups of rows. Live, Last and Next are not changed.
func (r *Rows) reset() {
	drop(&r.Hooks)
	drop(&r.Versions)
	drop(&r.IDs)
	drop(&r.Events)
	drop(&r.Types)
	drop(&r.Runs)
	drop(&r.Lanes)
	drop(&r.Merging)
	drop(&r.Replacers)
	drop(&r.Due)
	drop(&r.Paused)
	drop(&r.Steps)
	drop(&r.Begun)
	drop(&r.Awaited)
	drop(&r.Awaits)
	drop(&r.Missed)
	drop(&r.Approvals)
	drop(&r.Known)
	drop(&r.Changed)
	drop(&r.Sightings)
	drop(&r.Open)
	drop(&r.Deferred)
	drop(&r.States)
	drop(&r.Links)
	drop(&r.Floods)
}

func (c *Changes) reset() {
	drop(&c.Rules)
	drop(&c.Versions)
	drop(&c.DropLive)
	drop(&c.Ticks)
	drop(&c.Cursors)
	drop(&c.Subscriptions)
	drop(&c.IDs)
	drop(&c.Events)
	drop(&c.Echoes)
	drop(&c.NewRuns)
	drop(&c.Runs)
	drop(&c.Merged)
	drop(&c.Copies)
	drop(&c.DropSteps)
	drop(&c.Steps)
	drop(&c.EndSteps)
	drop(&c.Files)
	drop(&c.Lasts)
	drop(&c.DropAwaits)
	drop(&c.Awaits)
	drop(&c.Approvals)
	drop(&c.Decisions)
	drop(&c.Deliveries)
	drop(&c.Resolutions)
	drop(&c.DropKnown)
	drop(&c.Known)
	drop(&c.Changed)
	drop(&c.Sightings)
	drop(&c.DropDeferred)
	drop(&c.Deferred)
	drop(&c.States)
	drop(&c.Links)
	drop(&c.Floods)
	drop(&c.Allow)
}
