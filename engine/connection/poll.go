package connection

import "time"

// PollEvery is how often its lists are read, also those whose changes come by
// webhook. Zero: only lists without a webhook are read, as often as the app
// declares; Off: none is.
func (c *Connection) PollEvery() time.Duration { return c.settings.Poll }

// ReconcileEvery is how often lists are read for what webhooks lost; zero or
// Off: never.
func (c *Connection) ReconcileEvery() time.Duration { return c.settings.Reconcile }

// PollSince is the time from which the first poll makes events of changes;
// zero: it only records what there is.
func (c *Connection) PollSince() time.Time { return c.settings.Since }

// Pollable reports whether its lists can be read: with an address to post to
// alone they cannot, and those of a parent are its children's.
func (c *Connection) Pollable() bool {
	v := c.variant()
	return (v == nil || !v.Parent) && c.Authorizes()
}

// AuthName is the name of the Auth by which its calls are authorised; empty
// where they are not.
func (c *Connection) AuthName() string {
	switch {
	case c.auth != nil:
		return c.auth.Name
	case c.parent != nil:
		return c.parent.AuthName()
	}
	return ""
}
