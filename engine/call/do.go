package call

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
)

// Do calls an operation. What a script can act on is a *bindings.Error; any
// other error is the context's, or the recorder's. If Begin was called last and
// Withdraw was not, or Again is set, then after an error the vendor may have
// done it, unless it is a *bindings.Error of another kind than uncertain,
// rate_limited and broken_connection.
func (c *Client) Do(ctx context.Context, r Request) (Answer, error) {
	conn, err := c.connection(r.App, r.Operation.Name, r.Connection)
	if err != nil {
		return Answer{}, err
	}
	answer, err := c.do(ctx, r, conn)
	return answer, redactor{conn, r.Secrets}.redactError(c.checkRefusal(ctx, conn, err))
}

func (c *Client) do(ctx context.Context, r Request, conn *connection.Connection) (Answer, error) {
	if e := connectionProblem(conn, r.Operation); e != nil {
		return Answer{}, e
	}
	op, s := r.Operation, c.shapes.of(r.App, r.Operation)
	again, err := readSentRecord(r.Again)
	if err != nil {
		return Answer{}, err
	}
	if len(r.Args) > 0 && !json.Valid(r.Args) {
		return Answer{}, invalid(r.App, op, []string{notJSON})
	}
	if r.Page {
		r.Args = withPageArguments(s, op.Pages, r.Args)
	}
	if e := checkReachable(r.App, op, conn); e != nil {
		return Answer{}, notAllowedError(e, again, safetyOf(op, r.Args))
	}
	if r.Args, err = inlineFiles(r.Args, op, c.config.Files); err != nil {
		return Answer{}, invalid(r.App, op, []string{err.Error()})
	}
	account, parent := conn.Accounts()
	args := fillAccount(s, op, r.Args, account, parent)
	safety := safetyOf(op, args) // with the key of ours it is the same: a refusal of the second is no answer to the first
	own := ownKey(r, conn, args, again)
	if own != "" && op.OwnKey != nil {
		if args, err = addOwnKey(op.OwnKey, args, own); err != nil {
			return Answer{}, err
		}
	}
	w, err := c.wire(ctx, r, s, conn, args, again)
	if err != nil {
		return Answer{}, err
	}
	if len(op.Scopes)+len(op.AnyScope) > 0 {
		conn.FetchScopes(ctx)
	}
	if e := checkAllowed(r.App, op, conn); e != nil {
		return Answer{}, notAllowedError(e, again, safety)
	}
	secrets := redactor{conn, r.Secrets}
	j := c.appJob(r.App, op, secrets, w, r.Timeout, r.BegunRecorder)
	j.caller = r.Caller
	if op.Address != "" {
		j.authorize, j.expire = nil, nil // its address is all that authorises it
	}
	if j.asFile = r.AsFile; r.AsFile && r.Timeout == 0 && conn.Timeout() == 0 {
		j.timeout = fileTimeout
	}
	j.safety = safety
	j.setKeyTTL(w, r.App, op.Key)
	if j.safety != readOnly {
		first := w.snapshot(conn.BaseURL(), r.App.KeyHeader, nil, secrets, len(r.Secrets) > 0)
		first.OwnKey, first.To = own, sentToOf(conn)
		j.setRecord(first, again, c.config.Clock.Now())
	}
	return c.send(ctx, j)
}

// wire makes the request, or restores the one that was sent first.
func (c *Client) wire(ctx context.Context, r Request, s *shape, conn *connection.Connection, args json.RawMessage, again *sentRecord) (*wire, error) {
	op := r.Operation
	if again.complete() { // it was checked when it was first sent
		w := &wire{}
		return w, again.restore(w, conn.BaseURL(), r.App.KeyHeader)
	}
	if problems := s.check(args); problems != nil {
		switch {
		case r.Unchecked || conn.Checks() == "off":
		case conn.Checks() == "warn":
			c.log(r.Caller).LogAttrs(ctx, slogWarn, "call does not fit the catalogue", attrs(r.App.Name, op.Name, conn.Name(),
				strings.Join(problems, "; "))...)
		default:
			e := invalid(r.App, op, explainMissingAccount(r.App, op, conn, problems))
			e.Connection = conn.Name()
			return nil, e
		}
	}
	w, err := s.build(conn.BaseURL(), op, args)
	if err != nil {
		e := invalid(r.App, op, []string{err.Error()})
		e.Connection = conn.Name()
		return nil, e
	}
	w.setJSONType(r.App)
	if op.Address != "" {
		w.url = conn.Address(op.Address)
	}
	if e := checkBodySize(r.App, op, len(w.body)); e != nil {
		e.Connection = conn.Name()
		return nil, e
	}
	if op.Key && r.App.KeyHeader != "" && r.Key != "" {
		w.header.Set(r.App.KeyHeader, r.Key)
	}
	if r.Consent != "" && r.App.Consent != nil {
		w.header.Set(r.App.Consent.Header, r.Consent)
	}
	return w, nil
}

// explainMissingAccount adds, to the problem of an account that most
// connections have, why it is missing.
func explainMissingAccount(app *bindings.App, op *bindings.Operation, conn *connection.Connection, problems []string) []string {
	missing := fmt.Sprintf("missing argument %q", op.Account)
	for i, problem := range problems {
		if op.Account != "" && problem == missing {
			problems[i] += fmt.Sprintf(": connection %q has no %s of its own, so name one", conn.Name(), app.Account.Noun)
		}
	}
	return problems
}

// isSetIn returns a function that reports whether an argument is there, and
// neither null nor false.
func isSetIn(args json.RawMessage) func(name string) bool {
	table := gjson.ParseBytes(args)
	return func(name string) bool {
		value := valueOf(table, name)
		return value.Exists() && value.Type != gjson.Null && value.Type != gjson.False
	}
}

// appJob is what calls of operations and raw requests have in common.
func (c *Client) appJob(app *bindings.App, op *bindings.Operation, secrets redactor, w *wire, timeout time.Duration, recorder BegunRecorder) *job {
	conn := secrets.conn
	j := &job{
		app: app, operation: op.Name, path: op.Path, connection: conn.Name(), wire: w,
		recorder: recorder, sender: c.senderOf(app), authorize: conn.Authorize, query: conn.Query, expire: conn.Expire, expired: conn.Expired,
		limits: c.limits.budgetsFor(app, op, conn.Name(), conn.BaseURL()),
	}
	j.timeout = c.config.Timeout
	for _, wanted := range []time.Duration{conn.Timeout(), timeout} {
		if wanted > 0 {
			j.timeout = wanted
		}
	}
	j.read = func(status int, header http.Header, body []byte) ([]byte, *bindings.Error) {
		if j.asFile && status < 300 {
			return body, nil
		}
		answer, e := readAnswer(app, op, status, header, body)
		if e == nil {
			return secrets.redactAnswerJSON(answer), nil
		}
		// Before a message is shortened: half a secret would not be found.
		if redacted := secrets.redactText(string(body)); redacted != string(body) {
			if _, again := readAnswer(app, op, status, header, []byte(redacted)); again != nil {
				e = again
			}
		}
		return nil, e
	}
	return j
}

func (c *Client) connection(app *bindings.App, operation, name string) (*connection.Connection, error) {
	if c.config.Connections != nil {
		if conn, found := c.config.Connections.Get(name); found && conn.App().Name == app.Name {
			return conn, nil
		}
	}
	return nil, &bindings.Error{
		Kind: bindings.BrokenConnection, App: app.Name, Operation: operation, Connection: name,
		Message: fmt.Sprintf("there is no connection %q to %s", name, app.Name),
	}
}

// connectionProblem is why a connection cannot be used, nil if it can. It is
// checked before the arguments: a connection that is not connected has no
// account to fill in.
func connectionProblem(conn *connection.Connection, op *bindings.Operation) error {
	problem := conn.Problem()
	if problem == nil {
		return nil
	}
	e := *problem
	e.Operation = op.Name
	return &e
}

// notAllowedError is the error for a request that the connection may not send.
// It is uncertain where an earlier sending may have been done.
func notAllowedError(e *bindings.Error, again *sentRecord, s safety) *bindings.Error {
	state := Unsent
	if again != nil {
		state = MaybeDone
	}
	if decide(notAllowed, state, s).end != returnUncertain {
		return e
	}
	uncertain := *e
	uncertain.Kind = bindings.Uncertain
	uncertain.Message += "; whether it was done when it was sent before is not known"
	return &uncertain
}

// checkAllowed checks an operation against what the connection may do.
func checkAllowed(app *bindings.App, op *bindings.Operation, conn *connection.Connection) *bindings.Error {
	e := &bindings.Error{Kind: bindings.Forbidden, App: app.Name, Operation: op.Name, Connection: conn.Name()}
	if conn.ReadOnly() && !op.ReadOnly() {
		e.Message = fmt.Sprintf("connection %q is read_only and this may change something; it was not sent", conn.Name())
		return e
	}
	if _, known := conn.Granted(""); !known {
		return nil
	}
	has := func(scope string) bool {
		granted, _ := conn.Granted(scope)
		return granted
	}
	var lacking []string
	for _, scope := range op.Scopes {
		if !has(scope) {
			lacking = append(lacking, scope)
		}
	}
	switch {
	case len(lacking) == 1:
		e.Message = fmt.Sprintf("connection %q lacks the scope %s; it was not sent", conn.Name(), lacking[0])
	case len(lacking) > 1:
		e.Message = fmt.Sprintf("connection %q lacks the scopes %s; it was not sent", conn.Name(), strings.Join(lacking, ", "))
	case len(op.AnyScope) > 0 && !slices.ContainsFunc(op.AnyScope, has):
		e.Message = fmt.Sprintf("connection %q needs one of the scopes %s; it was not sent", conn.Name(), strings.Join(op.AnyScope, ", "))
	default:
		return nil
	}
	return e
}
