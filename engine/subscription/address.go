package subscription

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
)

// place is what one subscription is for: an item of one of the app's
// Subscriptions on one connection. The item is empty where there is one for a
// connection.
type place struct{ connection, name, item string }

// prefix is the beginning of the keys of a place, so that they are recognized
// also when the journal is lost.
func (p place) prefix() string {
	sum := sha256.Sum256([]byte(p.connection + "\x00" + p.name + "\x00" + p.item))
	return hex.EncodeToString(sum[:6])
}

// newKey makes a key of this place that cannot be guessed.
func (p place) newKey() string { return p.prefix() + "-" + strings.ToLower(rand.Text()) }

// newSecret makes a secret of 32 random bytes.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// keyParam is the parameter of an address with the key.
const keyParam = "subscription"

// pathOf is where the webhooks of a connection are received:
// /hooks/highlevel/paris.
func pathOf(connection string) string { return "/hooks/" + connection }

// addressOf is the address of a subscription at this installation.
func addressOf(public, connection, key string) string {
	return strings.TrimSuffix(public, "/") + pathOf(connection) + "?" + keyParam + "=" + url.QueryEscape(key)
}

// keyAt returns the key in an address of this installation; it is empty for
// other addresses, and for one that somebody entered at the vendor.
func keyAt(public, connection, address string) string {
	ours, err := url.Parse(strings.TrimSuffix(public, "/") + pathOf(connection))
	if err != nil {
		return ""
	}
	theirs, err := url.Parse(address)
	if err != nil || !strings.EqualFold(ours.Scheme, theirs.Scheme) || !strings.EqualFold(ours.Host, theirs.Host) || ours.Path != theirs.Path {
		return ""
	}
	return theirs.Query().Get(keyParam)
}
