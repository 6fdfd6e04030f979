package connection

import (
	"context"
	"errors"
	"fmt"
)

// WebhookSecrets keep, in the vault, the secrets that webhooks registered for
// connections are checked with, each by the key of its registration.
type WebhookSecrets struct{ set *Set }

// WebhookSecrets are those of all connections.
func (s *Set) WebhookSecrets() WebhookSecrets { return WebhookSecrets{s} }

// Load gives a secret, empty if there is none.
func (h WebhookSecrets) Load(_ context.Context, connection, key string) (string, error) {
	v, err := h.vault()
	if err != nil {
		return "", err
	}
	entry, err := v.Load(h.name(connection))
	if err != nil || entry == nil {
		return "", err
	}
	return entry.WebhookSecrets[key], nil
}

// Save keeps a secret; when it returns, that is durable.
func (h WebhookSecrets) Save(ctx context.Context, connection, key, secret string) error {
	return h.change(ctx, connection, func(hooks map[string]string) { hooks[key] = secret })
}

// Remove forgets a secret.
func (h WebhookSecrets) Remove(ctx context.Context, connection, key string) error {
	return h.change(ctx, connection, func(hooks map[string]string) { delete(hooks, key) })
}

func (h WebhookSecrets) change(ctx context.Context, connection string, change func(map[string]string)) error {
	v, err := h.vault()
	if err != nil {
		return err
	}
	err = v.Update(ctx, h.name(connection), func(e *Entry) bool {
		if e.WebhookSecrets == nil {
			e.WebhookSecrets = map[string]string{}
		}
		change(e.WebhookSecrets)
		return true
	})
	if err != nil {
		return fmt.Errorf("keep a webhook's secret of connection %q: %w", connection, err)
	}
	return nil
}

func (h WebhookSecrets) vault() (*Vault, error) {
	v, err := h.set.openedVault()
	if err == nil && v == nil {
		err = errors.New("there is no vault to keep a webhook's secret in")
	}
	return v, err
}

// name is what a connection is called now.
func (h WebhookSecrets) name(connection string) string {
	if c, found := h.set.Get(connection); found {
		return c.Name()
	}
	return connection
}
