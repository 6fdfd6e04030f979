// Package connection knows the accounts that Tidewire is connected to: their
// credentials and defaults, the vault that keeps tokens which rotate, and one
// source of tokens for each. It sends token requests through the HTTP client
// it is given.
package connection
