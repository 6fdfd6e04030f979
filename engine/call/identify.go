package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
)

// Identity is the account of a connection, as the vendor reports it.
type Identity struct {
	Account string   // the account's id; empty where the vendor does not report it
	Names   []string // for people
	Scopes  []string // nil where the vendor does not report them
	// Operation is the operation that was called.
	Operation string
}

// ErrNoTest is the error for a connection without a harmless call that its app
// declares and its scopes allow.
var ErrNoTest = errors.New("the app has no call to test this connection with")

// Identify asks the vendor for the account of a connection, with the first
// harmless call that the app declares and the scopes allow. Credentials that the vendor refuses
// there set the connection broken. A connection without an account has the
// reported one from then on.
func (c *Client) Identify(ctx context.Context, name string) (Identity, error) {
	conn, found := c.config.Connections.Get(name)
	if !found {
		return Identity{}, fmt.Errorf("there is no connection %q", name)
	}
	identity, err := c.identify(ctx, conn)
	if err == nil && identity.Account != "" && conn.Account() == "" {
		conn.SetAccount(identity.Account)
	}
	var e *bindings.Error
	if errors.As(err, &e) && e.Kind == bindings.Unauthorized {
		err = c.breakConnection(ctx, conn, e)
	}
	return identity, redactor{conn, nil}.redactError(err)
}

func (c *Client) identify(ctx context.Context, conn *connection.Connection) (Identity, error) {
	if problem := conn.Problem(); problem != nil {
		return Identity{}, problem
	}
	test := conn.Test()
	if test == nil || !conn.Authorizes() {
		return Identity{}, ErrNoTest
	}
	op, found := conn.App().Operation(test.Operation)
	if !found {
		return Identity{}, ErrNoTest
	}
	if checkAllowed(conn.App(), op, conn) != nil {
		return c.tryOthers(ctx, conn, test.Others)
	}
	args := map[string]string{}
	for name, value := range test.Args {
		if strings.Contains(value, "{account}") {
			conn.FetchAccount()
		}
		if args[name] = strings.ReplaceAll(value, "{account}", conn.Account()); args[name] == "" {
			return Identity{}, fmt.Errorf("connection %q: its %s is not known, and %s asks for it; set account", conn.Name(), conn.App().Account.Noun, op.Name)
		}
	}
	text, err := json.Marshal(args)
	if err != nil {
		return Identity{}, err
	}
	answer, err := c.do(ctx, Request{App: conn.App(), Operation: op, Connection: conn.Name(), Args: text}, conn)
	if err != nil {
		return Identity{}, err
	}
	identity := Identity{Account: gjson.GetBytes(answer.Body, test.Account).String(), Operation: op.Name}
	for _, path := range test.Name {
		if name := gjson.GetBytes(answer.Body, path).String(); name != "" {
			identity.Names = append(identity.Names, name)
		}
	}
	if test.Scopes != "" {
		identity.Scopes = bindings.SplitScopes(answer.header.Get(test.Scopes))
	}
	return identity, nil
}

// tryOthers makes the first of some calls that the connection's scopes allow. It
// finds out whether the credentials are accepted, and not whose they are.
func (c *Client) tryOthers(ctx context.Context, conn *connection.Connection, others []string) (Identity, error) {
	for _, name := range others {
		op, found := conn.App().Operation(name)
		if !found || checkAllowed(conn.App(), op, conn) != nil {
			continue
		}
		if op.Account != "" {
			conn.FetchAccount()
		}
		if _, err := c.do(ctx, Request{App: conn.App(), Operation: op, Connection: conn.Name()}, conn); err != nil {
			return Identity{}, err
		}
		return Identity{Operation: op.Name}, nil
	}
	return Identity{}, ErrNoTest
}

// checkRefusal finds out whether the vendor refuses one operation or the
// connection, by the app's test call. If the vendor refuses that too, the
// connection is broken, and nothing more is sent on it until it is connected
// again.
func (c *Client) checkRefusal(ctx context.Context, conn *connection.Connection, err error) error {
	var e *bindings.Error
	if !errors.As(err, &e) || e.Status == 0 {
		return err
	}
	switch {
	case e.Kind == bindings.BrokenConnection && !conn.Expired(e.Code): // by the vendor's code
		return c.breakConnection(ctx, conn, e)
	case e.Kind != bindings.Unauthorized:
		return err
	}
	release := c.probing.lock(conn.Name())
	defer release()
	if problem := conn.Problem(); problem != nil { // another call found that out
		named := *problem
		named.Operation, named.Status = e.Operation, e.Status
		return &named
	}
	var wrong *bindings.Error
	if _, testErr := c.identify(ctx, conn); errors.As(testErr, &wrong) && wrong.Kind == bindings.Unauthorized {
		return c.breakConnection(ctx, conn, e)
	}
	return err
}

// breakConnection sets a connection broken, with the vendor's message as the
// reason.
func (c *Client) breakConnection(ctx context.Context, conn *connection.Connection, e *bindings.Error) error {
	reason := redactor{conn, nil}.redactText(e.Message)
	if e.Code != "" && !strings.Contains(reason, e.Code) {
		reason += " (" + e.Code + ")"
	}
	if err := c.config.Connections.SetBroken(context.WithoutCancel(ctx), conn.Name(), conn.App().Title+" refuses its credentials: "+reason); err != nil {
		c.config.Log.Error("could not save that the connection is broken", "connection", conn.Name(), "error", err)
	}
	broken := *e
	broken.Kind, broken.Retryable = bindings.BrokenConnection, false
	return &broken
}

// keyedMutex is a mutex for each name.
type keyedMutex struct {
	mu    sync.Mutex
	locks map[string]*sync.Mutex
}

func (t *keyedMutex) lock(name string) (release func()) {
	t.mu.Lock()
	if t.locks == nil {
		t.locks = map[string]*sync.Mutex{}
	}
	lock := t.locks[name]
	if lock == nil {
		lock = &sync.Mutex{}
		t.locks[name] = lock
	}
	t.mu.Unlock()
	lock.Lock()
	return lock.Unlock
}
