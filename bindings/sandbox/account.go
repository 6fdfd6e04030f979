package sandbox

import (
	"net/http"

	"github.com/tidewire/tidewire/bindings"
)

// bound is the account that the request's token is good for, empty for one
// that is good for several: only those given in exchange for a company's are
// bound to one.
func (r *request) bound() string {
	if r.token == nil || r.token.parent {
		return ""
	}
	return r.token.account
}

// checkAccount refuses a request that names another account than its token's.
func (r *request) checkAccount() *failure {
	account, field := r.bound(), r.plan.op.Account
	if account == "" || field == "" {
		return nil
	}
	if named := text(r.arg(field)); named != "" && named != account {
		return &failure{status: http.StatusForbidden, kind: bindings.Forbidden,
			message: "The token does not have access to this " + r.app.def.Account.Noun + "."}
	}
	return nil
}

// foreign reports whether a record is another account's than the token's.
func (r *request) foreign(rec *record) bool {
	account, field := r.bound(), r.app.rules.accountField
	if account == "" || field == "" {
		return false
	}
	owner := text(rec.fields[field])
	return owner != "" && owner != account
}
