package subscription

// Quiet reports whether Run has synced for the current generation and has
// nothing to do before its timer.
func (r *Registrar) Quiet() bool {
	if len(r.changed) > 0 {
		return false
	}
	generation, now := r.config.Generation(), r.config.Clock.Now()
	for _, conn := range r.config.Connections.All() {
		c := r.state(conn.Name())
		c.mu.Lock()
		quiet := !registers(conn.App()) || !c.busy && !c.requested && c.seen == generation && now.Before(c.next)
		c.mu.Unlock()
		if !quiet {
			return false
		}
	}
	return true
}

// Wake makes Run check all connections again.
func (r *Registrar) Wake() { r.wake() }
