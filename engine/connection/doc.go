// Package connection has the accounts that Tidewire is connected to: their
// settings, checked together, the connection that a call goes to, the vault that
// stores tokens which rotate, and one source of tokens for each.
//
// It sends nothing but token requests, through the HTTP client of its Config,
// and decides nothing about calls: scopes, limits and retries are in package
// call.
package connection
