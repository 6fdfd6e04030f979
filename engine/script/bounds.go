package script

import "github.com/tidewire/tidewire/engine/vm"

// Bounds are the limits of a script's hooks that set none, and the most that they can
// set.
type Bounds struct{ Default, Ceiling vm.Limits }

// ceilingFactor is how many times the default a limit can be, where no ceiling is set.
const ceilingFactor = 10

// NewBounds returns the bounds for defaults and ceilings of which some are set: the
// others are those of package vm, and ten times the default. A default that is not set
// is not above the ceiling.
func NewBounds(defaults, ceiling vm.Limits) Bounds {
	defaults = defaults.Or(vm.DefaultLimits.Cut(ceiling))
	return Bounds{defaults, ceiling.Or(defaults.Times(ceilingFactor))}
}

func (c *Config) bounds(script string) Bounds {
	if c.Limits == nil {
		return NewBounds(vm.Limits{}, vm.Limits{})
	}
	return c.Limits(script)
}
