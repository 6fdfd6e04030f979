package connection

import "time"

// PollEvery is how often its lists are looked at, also those that webhooks
// tell of; zero: what no webhook tells of is, as often as the app says; Off:
// nothing is.
func (c *Connection) PollEvery() time.Duration { return c.settings.Poll }

// ReconcileEvery is how often is looked for what webhooks lost; zero or Off:
// never.
func (c *Connection) ReconcileEvery() time.Duration { return c.settings.Reconcile }

// PollSince is from when on the first look tells what changed, zero if it only
// notes what there is.
func (c *Connection) PollSince() time.Time { return c.settings.Since }

// Pollable reports whether its lists can be looked at: with an address to post to
// alone they cannot, and those of a parent are its
// children's.
func (c *Connection) Pollable() bool {
	v := c.variant()
	return (v == nil || !v.Parent) && c.Authorizes()
}

// AuthName names the way in which its calls are authorised; empty where they
// are not.
func (c *Connection) AuthName() string {
	switch {
	case c.auth != nil:
		return c.auth.Name
	case c.parent != nil:
		return c.parent.AuthName()
	}
	return ""
}
