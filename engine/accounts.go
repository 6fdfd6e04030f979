package engine

import (
	"context"
	"fmt"
)

// findAccounts asks the vendors for the accounts of connections that have none,
// where a webhook is accepted only for a known account.
func (e *Engine) findAccounts(ctx context.Context) error {
	for _, c := range e.connections.All() {
		hook := c.App().Webhook
		if hook == nil || !hook.SharesKey() || c.Account() != "" || c.Problem() != nil {
			continue
		}
		who, err := e.calls.Identify(ctx, c.Name())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case c.Account() != "":
			e.config.Log.Info("account found", "connection", c.Name(), "account", c.Account())
		case err == nil:
			err = fmt.Errorf("%s does not report it", who.Operation)
			fallthrough
		default:
			e.config.Log.Warn("webhooks are refused until the account is known; set account, or run tidewire connections test",
				"connection", c.Name(), "error", err)
		}
	}
	return nil
}
