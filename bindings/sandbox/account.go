package sandbox

import (
	"net/http"

	"github.com/tidewire/tidewire/bindings"
)

// tokenAccount is the account that the request's token is valid for; empty if it
// is valid for several. Only a token that was exchanged for a company's token is
// bound to one account.
func (r *Call) tokenAccount() string {
	if r.token == nil || r.token.Parent {
		return ""
	}
	return r.token.Account
}

// checkAccount refuses a request that names another account than its token's.
func (r *Call) checkAccount() *Failure {
	account, field := r.tokenAccount(), r.plan.op.Account
	if account == "" || field == "" {
		return nil
	}
	if named := Text(r.Arg(field)); named != "" && named != account {
		return &Failure{Status: http.StatusForbidden, Kind: bindings.Forbidden,
			Message: "The token does not have access to this " + r.App.Def.Account.Noun + "."}
	}
	return nil
}

// isForeign reports whether a record belongs to another account than the
// token's.
func (r *Call) isForeign(rec *Record) bool {
	account, field := r.tokenAccount(), r.App.rules.AccountField
	if account == "" || field == "" {
		return false
	}
	owner := Text(rec.Fields[field])
	return owner != "" && owner != account
}
