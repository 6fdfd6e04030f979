// Package connection knows the accounts that Tidewire is connected to: their
// settings, checked as one, the connection that a call goes to, the vault that
// keeps tokens which rotate, and one source of tokens for each.
//
// It sends nothing but token requests, through the HTTP client it is given,
// and decides nothing about calls: scopes, limits and retries are package
// call's.
package connection
