package call

// The parts of the package as others use them:
//
//	func New(Config) *Client
//	func (*Client) Do(ctx, Request) (Answer, error)          // an operation; errors are *bindings.Error
//	func (*Client) Raw(ctx, RawRequest) (Answer, error)      // app.request
//	func (*Client) HTTP(ctx, HTTPRequest) (HTTPAnswer, error) // the http library
//	func Check(app, op, args json.RawMessage) error           // a *bindings.Error of kind invalid
//	func Signature(app, op) string                            // the operation's signature in one or few lines
//	func Page(op, args, answer json.RawMessage) (items, next json.RawMessage, err error)

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Request is one call of an operation.
type Request struct {
	App        *bindings.App
	Operation  *bindings.Operation
	Connection string // the whole name, resolved
	// Args is the flat table of arguments, secrets opened.
	Args      json.RawMessage
	Unchecked bool
	Timeout   time.Duration
	Key       string // idempotency key, sent where the operation takes one
	// Begin is called before each sending of an operation that is not
	// read-only, and must make its mark durable before it returns.
	Begin func(ctx context.Context) error
	// Withdraw is called when a sending is known not to have been done.
	Withdraw func(ctx context.Context) error
}

// Answer is what the vendor answered.
type Answer struct {
	Status    int
	Body      json.RawMessage // null for an empty answer
	RequestID string
	Attempts  int
	Took      time.Duration
}
