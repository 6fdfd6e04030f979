package connect

import (
	"fmt"
	"strings"

	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// parseLimit reads the value of a limit of scripts.
func parseLimit(name, text string) (int64, error) {
	limit, known := vm.FindLimit(name)
	if !known {
		return 0, fmt.Errorf("unknown limit; the limits are %s", strings.Join(vm.LimitNames(), ", "))
	}
	return limit.Parse(text)
}

// Limits returns the bounds that settings have for the limits of each script.
func Limits(s config.Settings) func(name string) script.Bounds {
	return func(name string) script.Bounds {
		set := s.OfScript(name)
		return script.NewBounds(limitsOf(set.Default), limitsOf(set.Ceiling))
	}
}

func limitsOf(values map[string]int64) (l vm.Limits) {
	for _, limit := range vm.AllLimits() {
		limit.Set(&l, values[limit.Name])
	}
	return l
}
