package ingest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// checkAccounts returns why a webhook whose signature matches is not for the
// connection; nil if it is. A signature proves who sent a webhook, and for whom
// it is only if the key is the connection's own.
func (s *Server) checkAccounts(app *bindings.App, conn *connection.Connection, m *message, notifications []notification) *refusal {
	for _, n := range notifications {
		if n.checksAddress(app.Webhook) {
			continue
		}
		if refused := checkAppID(app.Webhook, conn, n); refused != nil {
			return refused
		}
		if refused := s.checkAccount(app, conn, m, n); refused != nil {
			return refused
		}
	}
	return nil
}

// checkAppID compares the vendor's id of the app in a notification with that of
// the connection's client id. Where one of them is missing, only a change of an
// installation is refused.
func checkAppID(hook *bindings.Webhook, conn *connection.Connection, n notification) *refusal {
	if hook.AppID == nil {
		return nil
	}
	found, ours := jsonpath.Text(n.content, hook.AppID.Path), hook.AppID.Of(conn.ClientID())
	missing := found == "" || ours == ""
	if found == ours && !missing || missing && !hook.OfInstallation(n.vendorType(hook).name) {
		return nil
	}
	text := fmt.Sprintf("the webhook is for the app %.100q, and connection %q is one of the app %q", found, conn.Name(), ours)
	switch {
	case found == "":
		text = fmt.Sprintf("the body has no %q, which names the app that was installed or removed", hook.AppID.Path)
	case ours == "":
		text = fmt.Sprintf("connection %q has no client_id, so it is of no app that can be installed or removed", conn.Name())
	}
	return &refusal{status: http.StatusForbidden, reason: "app", text: text}
}

// checkAccount checks that the accounts in a notification are the connection's,
// or those of its children.
func (s *Server) checkAccount(app *bindings.App, conn *connection.Connection, m *message, n notification) *refusal {
	found := accountsIn(app, n)
	shared := app.Webhook.SharesKey()
	switch {
	case conn.Account() == "" && shared:
		refused := m.retryLater("account", fmt.Sprintf("connection %q cannot receive webhooks, since its %s is not known", conn.Name(), app.Account.Noun))
		return &refused
	case conn.Account() == "":
		return nil
	case len(found.own) == 0 && found.parent == "" && shared:
		return &refusal{status: http.StatusUnprocessableEntity, reason: "account",
			text: fmt.Sprintf("the body names no %s, and %s signs the webhooks of all with one key", app.Account.Noun, app.Title)}
	}
	if wrong := s.foreign(conn, found); wrong != "" {
		return &refusal{status: unknownAccountStatus(app), reason: "account",
			text: fmt.Sprintf("the body names %.100q, which is not the %s of connection %q", wrong, app.Account.Noun, conn.Name())}
	}
	return nil
}

// accounts are the ids in a notification.
type accounts struct {
	own    []string
	parent string // of the own ones
}

// accountsIn returns the accounts that a notification names. Where a signature
// does not prove the account, all paths count, and else the first that is found.
func accountsIn(app *bindings.App, n notification) (found accounts) {
	for _, path := range app.Account.Paths {
		if account := jsonpath.Text(n.content, path); account != "" {
			found.own = append(found.own, account)
			if !app.Webhook.SharesKey() {
				break
			}
		}
	}
	if app.Account.Parent != "" {
		found.parent = jsonpath.Text(n.content, app.Account.Parent)
	}
	return found
}

// foreign returns an account that is not of a connection, empty if there is none.
// Of a company, the vendor's webhooks name accounts that have no connection yet.
func (s *Server) foreign(conn *connection.Connection, found accounts) string {
	isParent := conn.IsParent()
	_, parent := conn.Accounts()
	if found.parent != "" && found.parent != parent && (parent != "" || len(found.own) == 0) {
		return found.parent
	}
	if len(found.own) == 0 && !isParent {
		return found.parent
	}
	for _, account := range found.own {
		placed := isParent && found.parent != ""
		if account != conn.Account() && !placed && !s.isChild(conn, account) {
			return account
		}
	}
	return ""
}

// isChild reports whether a connection below another one has an account.
func (s *Server) isChild(conn *connection.Connection, account string) bool {
	return slices.ContainsFunc(s.config.Connections.OfApp(conn.App().Name), func(c *connection.Connection) bool {
		return c.Parent() != nil && c.Parent().Name() == conn.Name() && c.Account() == account
	})
}

// unknownAccountStatus is the status that answers a webhook of an account that
// is not a connection's.
func unknownAccountStatus(app *bindings.App) int {
	return cmp.Or(app.Webhook.UnknownAccountStatus, http.StatusNotFound)
}
