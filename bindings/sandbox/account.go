package sandbox

import (
	"net/http"

	"github.com/tidewire/tidewire/bindings"
)

// bound is the account that the request's token is good for, empty for one
// that is good for several: only those given in exchange for a company's are
// bound to one.
func (r *Call) bound() string {
	if r.token == nil || r.token.Parent {
		return ""
	}
	return r.token.Account
}

// checkAccount refuses a request that names another account than its token's.
func (r *Call) checkAccount() *Failure {
	account, field := r.bound(), r.plan.op.Account
	if account == "" || field == "" {
		return nil
	}
	if named := Text(r.Arg(field)); named != "" && named != account {
		return &Failure{Status: http.StatusForbidden, Kind: bindings.Forbidden,
			Message: "The token does not have access to this " + r.App.Def.Account.Noun + "."}
	}
	return nil
}

// foreign reports whether a record is another account's than the token's.
func (r *Call) foreign(rec *Record) bool {
	account, field := r.bound(), r.App.rules.AccountField
	if account == "" || field == "" {
		return false
	}
	owner := Text(rec.Fields[field])
	return owner != "" && owner != account
}
