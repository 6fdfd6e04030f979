package call

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
)

// sentTo is where a request was sent: a connection can get another account, address
// or way to authorise while it is not known whether the request was done.
type sentTo struct {
	Account string `json:"account,omitempty"`
	Address string `json:"address"` // a hash: the address of a webhook is a secret
	Auth    string `json:"auth,omitempty"`
}

func sentToOf(conn *connection.Connection) *sentTo {
	account, parent := conn.Accounts()
	address := sha256.Sum256([]byte(conn.BaseURL()))
	return &sentTo{Account: cmp.Or(account, parent), Address: hex.EncodeToString(address[:6]), Auth: conn.AuthName()}
}

// change returns what is no longer so, empty if a request of now is sent to the same
// place. The address of one account may change.
func (t *sentTo) change(now *sentTo) string {
	switch {
	case t.Account != "" && t.Account != now.Account:
		return fmt.Sprintf("to the account %q, and the connection is now that of %q", t.Account, now.Account)
	case t.Account == "" && t.Address != now.Address:
		return "to another address than that of the connection now"
	case t.Auth != now.Auth:
		return fmt.Sprintf("with the authorisation %q, and the connection now has %q", t.Auth, now.Auth)
	}
	return ""
}

// SentElsewhere returns an error if a begun request was sent to another account,
// address or authorisation than a request of a connection is now: what is read there
// proves nothing about it, and sending it again would do it there.
func (c *Client) SentElsewhere(b Begun, connection string) error {
	sent, err := readSentRecord(b.Sent)
	if err != nil || sent == nil || sent.To == nil || b.App == nil {
		return err
	}
	operation := ""
	if b.Operation != nil {
		operation = b.Operation.Name
	}
	conn, err := c.connection(b.App, operation, connection)
	if err != nil {
		return err
	}
	if changed := sent.To.change(sentToOf(conn)); changed != "" {
		return &bindings.Error{Kind: bindings.Invalid, App: b.App.Name, Operation: operation, Connection: connection, Message: "the call was sent " + changed}
	}
	return nil
}
