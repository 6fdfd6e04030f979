package connection

import (
	"context"
	"errors"
)

var errCrash = errors.New("crash")

// RotateAndCrash rotates a vault's key and ends before the nth durable step,
// as a crash would. It reports whether the crash came.
func RotateAndCrash(ctx context.Context, config VaultConfig, how RotationConfig, step int) (crashed bool, err error) {
	how.beforeStep = func() error {
		if step--; step < 0 {
			return errCrash
		}
		return nil
	}
	_, err = RotateVault(ctx, config, how)
	if errors.Is(err, errCrash) {
		return true, nil
	}
	return false, err
}
