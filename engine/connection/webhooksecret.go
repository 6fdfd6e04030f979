package connection

import (
	"context"
	"errors"
	"fmt"
)

// WebhookSecrets stores, in the vault, the secrets with which registered
// webhooks are checked, each by the key of its registration.
type WebhookSecrets struct{ set *Set }

// WebhookSecrets are those of all connections.
func (s *Set) WebhookSecrets() WebhookSecrets { return WebhookSecrets{s} }

// Load returns a secret, empty if there is none.
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

// Save stores a secret; when it returns, that is durable.
func (h WebhookSecrets) Save(ctx context.Context, connection, key, secret string) error {
	return h.change(ctx, connection, func(hooks map[string]string) { hooks[key] = secret })
}

// Remove deletes a secret.
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
		return fmt.Errorf("save a webhook's secret of connection %q: %w", connection, err)
	}
	return nil
}

func (h WebhookSecrets) vault() (*Vault, error) {
	v, err := h.set.openedVault()
	if err == nil && v == nil {
		err = errors.New("there is no vault to save a webhook's secret in")
	}
	return v, err
}

// name is the present name of a connection.
func (h WebhookSecrets) name(connection string) string {
	if c, found := h.set.Get(connection); found {
		return c.Name()
	}
	return connection
}
