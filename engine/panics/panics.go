// Package panics turns a panic into an error, so that what fails is tried again like
// anything else that fails.
package panics

import (
	"fmt"
	"log/slog"
	"runtime/debug"
)

// Error is a panic.
type Error struct {
	What  string // what was done
	Value any    // of the panic
}

func (e *Error) Error() string { return fmt.Sprintf("%s panicked: %v", e.What, e.Value) }

// Catch calls f. A panic in it is logged with its stack, and returned as an *Error.
func Catch(log *slog.Logger, what string, f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			log.Error("a panic; please report it", "in", what, "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
			err = &Error{what, value}
		}
	}()
	return f()
}
