package subscription

// Quiet reports whether Run has looked at the present generation and has
// nothing to do before its timer.
func (k *Keeper) Quiet() bool {
	if len(k.changed) > 0 {
		return false
	}
	generation, now := k.Generation(), k.Clock.Now()
	for _, conn := range k.Connections.All() {
		c := k.care(conn.Name())
		c.mu.Lock()
		quiet := !registers(conn.App()) || !c.busy && !c.roused && c.seen == generation && now.Before(c.next)
		c.mu.Unlock()
		if !quiet {
			return false
		}
	}
	return true
}
