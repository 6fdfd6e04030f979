package connection

import (
	"slices"
	"time"
)

// Status is how a connection stands, for people. It holds no secret.
type Status struct {
	Name    string `json:"name"`
	App     string `json:"app"`
	Account string `json:"account,omitempty"`
	// Who is a name of the account or of who authorised.
	Who    string `json:"who,omitempty"`
	Way    string `json:"way,omitempty"` // "oauth", "token"
	As     string `json:"as,omitempty"`  // the kind, where it is not the usual one
	Parent string `json:"parent,omitempty"`

	State StateKind `json:"state"`
	// Said is why it cannot be used, Since from when on.
	Said  string    `json:"said,omitempty"`
	Since time.Time `json:"since,omitzero"`

	ReadOnly bool     `json:"read_only,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
	// Expires is when the access token ends; the next one is had by itself.
	Expires time.Time `json:"expires,omitzero"`
	BaseURL string    `json:"base_url"`
	// Configured says that the configuration names it, Kept that the vault does.
	Configured bool     `json:"configured,omitempty"`
	Kept       bool     `json:"kept,omitempty"`
	Formerly   []string `json:"formerly,omitempty"`
	// Credentials are the names of the settings that hold them.
	Credentials []string `json:"credentials,omitempty"`
	// Webhooks says that what its webhooks are signed with is known.
	Webhooks bool `json:"webhooks"`
}

// Status tells how a connection stands.
func (c *Connection) Status() Status {
	s := Status{
		Name: c.Name(), App: c.app.Name, Account: c.Account(), As: c.settings.As, Parent: c.settings.Parent, State: Connected,
		ReadOnly: c.ReadOnly(), Scopes: c.Scopes(), BaseURL: c.BaseURL(), Configured: c.inFile, Webhooks: c.signed(),
	}
	if v := c.variant(); v != nil {
		s.As = v.Name
	}
	if c.auth != nil {
		s.Way = c.auth.Name
	}
	if c.entry != nil {
		s.Kept, s.Who, s.Formerly = c.entry.Settings != nil || c.entry.Token.Refresh != "", c.entry.Who, slices.Clone(c.entry.Formerly)
	}
	for name := range c.settings.Credentials {
		s.Credentials = append(s.Credentials, name)
	}
	slices.Sort(s.Credentials)
	verdict, kind, since := c.stopped()
	if verdict != nil {
		s.State, s.Since = kind, since
		s.Said = trimPrefix(verdict.Message, c.Name())
	} else if verdict := c.Stopped(); verdict != nil { // its parent's
		s.State, s.Said = Refused, verdict.Message
	}
	if c.source != nil {
		s.Expires = c.source.expires()
	}
	return s
}

// signed reports whether webhooks of it can be checked.
func (c *Connection) signed() bool {
	if c.app.Webhook == nil {
		return false
	}
	for _, signature := range c.app.Webhook.Signatures {
		if c.WebhookKey(signature) != "" {
			return true
		}
	}
	return false
}
