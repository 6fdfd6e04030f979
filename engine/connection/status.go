package connection

import (
	"maps"
	"slices"
	"time"
)

// Status is the state of a connection, for people. It has no secret.
type Status struct {
	Name    string `json:"name"`
	App     string `json:"app"`
	Account string `json:"account,omitempty"`
	// DisplayName is the name of the account or of the person who authorised.
	DisplayName string `json:"who,omitempty"`
	AuthName    string `json:"way,omitempty"` // "oauth", "token"
	Kind        string `json:"as,omitempty"`  // the kind, where it is not the usual one
	Parent      string `json:"parent,omitempty"`

	State StateKind `json:"state"`
	// Reason is why it cannot be used, Since from when on.
	Reason string    `json:"said,omitempty"`
	Since  time.Time `json:"since,omitzero"`

	ReadOnly bool     `json:"read_only,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
	// Expires is when the access token ends; the next one is fetched
	// automatically.
	Expires time.Time `json:"expires,omitzero"`
	BaseURL string    `json:"base_url"`
	// Configured is set when it is in the configuration, Stored when it is in
	// the vault.
	Configured  bool     `json:"configured,omitempty"`
	Stored      bool     `json:"kept,omitempty"`
	FormerNames []string `json:"formerly,omitempty"`
	// Credentials are the names of the settings that have them.
	Credentials []string `json:"credentials,omitempty"`
	// Webhooks is set when the key that its webhooks are checked with is known.
	Webhooks bool `json:"webhooks"`
}

// Status returns the state of a connection.
func (c *Connection) Status() Status {
	s := Status{
		Name: c.Name(), App: c.app.Name, Account: c.Account(), Kind: c.settings.As, Parent: c.settings.Parent, State: Connected,
		ReadOnly: c.ReadOnly(), Scopes: c.Scopes(), BaseURL: c.BaseURL(), Configured: c.configured, Webhooks: c.hasWebhookKey(),
		Credentials: slices.Sorted(maps.Keys(c.settings.Credentials)),
	}
	if v := c.variant(); v != nil {
		s.Kind = v.Name
	}
	if c.auth != nil {
		s.AuthName = c.auth.Name
	}
	if c.entry != nil {
		s.Stored, s.DisplayName, s.FormerNames = c.entry.Settings != nil || c.entry.Token.Refresh != "", c.entry.DisplayName, slices.Clone(c.entry.FormerNames)
	}
	problem, kind, since := c.currentProblem()
	if problem != nil {
		s.State, s.Since = kind, since
		s.Reason = trimPrefix(problem.Message, c.Name())
	} else if problem := c.Problem(); problem != nil { // its parent's
		s.State, s.Reason = Refused, problem.Message
	}
	if c.tokens != nil {
		s.Expires = c.tokens.expires()
	}
	return s
}

// hasWebhookKey reports whether its webhooks can be checked.
func (c *Connection) hasWebhookKey() bool {
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
