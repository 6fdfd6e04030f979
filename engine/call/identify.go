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

// Identity is whose a connection is, in the vendor's words.
type Identity struct {
	Account string   // the account's id; empty where the vendor does not tell
	Names   []string // for people
	Scopes  []string // nil where the vendor does not tell
	// Operation is the one that was asked.
	Operation string
}

// ErrNoTest says that an app has no harmless call that tells whose a
// connection is.
var ErrNoTest = errors.New("the app has no call to test a connection with")

// Identify asks whose a connection is, with the one harmless call that its app
// names. Credentials that the vendor refuses there break the connection.
func (c *Client) Identify(ctx context.Context, name string) (Identity, error) {
	conn, found := c.Connections.Get(name)
	if !found {
		return Identity{}, fmt.Errorf("there is no connection %q", name)
	}
	who, err := c.identify(ctx, conn)
	var e *bindings.Error
	if errors.As(err, &e) && e.Kind == bindings.Unauthorized {
		err = c.breakConnection(ctx, conn, e)
	}
	return who, redactor{conn, nil}.redactError(err)
}

func (c *Client) identify(ctx context.Context, conn *connection.Connection) (Identity, error) {
	if stopped := conn.Problem(); stopped != nil {
		return Identity{}, stopped
	}
	test := conn.Test()
	if test == nil || !conn.Authorizes() {
		return Identity{}, ErrNoTest
	}
	op, found := conn.App().Operation(test.Operation)
	if !found {
		return Identity{}, ErrNoTest
	}
	args := map[string]string{}
	for name, value := range test.Args {
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
	who := Identity{Account: gjson.GetBytes(answer.Body, test.Account).String(), Operation: op.Name}
	for _, path := range test.Name {
		if name := gjson.GetBytes(answer.Body, path).String(); name != "" {
			who.Names = append(who.Names, name)
		}
	}
	if test.Scopes != "" {
		who.Scopes = bindings.SplitScopes(answer.header.Get(test.Scopes))
	}
	return who, nil
}

// checkRefusal looks into a refusal: is it this operation that the vendor refuses, or
// the connection? Only the app's test tells; where it is refused too, the
// connection is broken, and nothing more is sent on it until it is connected
// again.
func (c *Client) checkRefusal(ctx context.Context, conn *connection.Connection, err error) error {
	var e *bindings.Error
	if !errors.As(err, &e) || e.Status == 0 {
		return err
	}
	switch {
	case e.Kind == bindings.BrokenConnection && !conn.Expired(e.Code): // the vendor's code says so
		return c.breakConnection(ctx, conn, e)
	case e.Kind != bindings.Unauthorized:
		return err
	}
	release := c.probing.lock(conn.Name())
	defer release()
	if stopped := conn.Problem(); stopped != nil { // another call looked already
		stopped.Operation, stopped.Status = e.Operation, e.Status
		return stopped
	}
	var wrong *bindings.Error
	if _, testErr := c.identify(ctx, conn); errors.As(testErr, &wrong) && wrong.Kind == bindings.Unauthorized {
		return c.breakConnection(ctx, conn, e)
	}
	return err
}

// breakConnection breaks a connection in the vendor's own words.
func (c *Client) breakConnection(ctx context.Context, conn *connection.Connection, e *bindings.Error) error {
	said := redactor{conn, nil}.redactText(e.Message)
	if e.Code != "" && !strings.Contains(said, e.Code) {
		said += " (" + e.Code + ")"
	}
	if err := c.Connections.SetBroken(context.WithoutCancel(ctx), conn.Name(), conn.App().Title+" refuses its credentials: "+said); err != nil {
		c.Log.Error("that the connection is broken could not be kept", "connection", conn.Name(), "error", err)
	}
	broken := *e
	broken.Kind, broken.Retryable = bindings.BrokenConnection, false
	return &broken
}

// keyedMutex lets those who ask about one name go one at a time.
type keyedMutex struct {
	mu    sync.Mutex
	locks map[string]*sync.Mutex
}

func (t *keyedMutex) lock(name string) (release func()) {
	t.mu.Lock()
	if t.locks == nil {
		t.locks = map[string]*sync.Mutex{}
	}
	turn := t.locks[name]
	if turn == nil {
		turn = &sync.Mutex{}
		t.locks[name] = turn
	}
	t.mu.Unlock()
	turn.Lock()
	return turn.Unlock
}
