// Package subscription registers webhooks at vendors that have an API for it,
// renews and removes them, and finds the subscription of a received webhook. It
// registers what live scripts need. It recognizes its own subscriptions by their
// address, so that nothing is registered twice.
//
// A sync compares what scripts need with what the vendor has, for one
// connection, and changes what differs.
//
// The package stores no events and reads no lists of records: where a webhook
// only reports that something changed, it requests a poll.
package subscription
