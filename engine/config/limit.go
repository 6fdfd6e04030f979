package config

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/tidewire/tidewire/bindings/yamltext"
)

// decodeLimit decodes the value of one limit.
func (f *File) decodeLimit(into *map[string]int64, key string, name, value *yaml.Node) {
	if yamltext.IsNull(value) {
		return
	}
	text, isText := yamltext.Text(value)
	if !isText {
		f.addProblem(key, name, "found "+yamltext.KindOf(value)+", expected a number or a text such as 64 MiB or 5s")
		return
	}
	n, err := f.rules.ParseLimit(name.Value, text)
	if err != nil {
		f.addProblem(key, name, err.Error())
		return
	}
	add(into, name.Value, n)
}

// decodeLimits decodes the limits of one script.
func (f *File) decodeLimits(into *map[string]Limits, key string, name, value *yaml.Node) {
	if value.Kind != yaml.MappingNode {
		if !yamltext.IsNull(value) {
			f.addProblem(key, name, "found "+yamltext.KindOf(value)+", expected default and ceiling")
		}
		return
	}
	var limits Limits
	parts := map[string]*map[string]int64{"default": &limits.Default, "ceiling": &limits.Ceiling}
	for part, value := range members(value) {
		if parts[part.Value] == nil {
			f.unknown(key+"."+part.Value, part, []string{key + ".ceiling", key + ".default"})
			continue
		}
		expected := Setting{Expected: "limits by name, such as memory: 256 MiB"}
		f.decodeSetting(expected, parts[part.Value], key+"."+part.Value, part, value)
	}
	add(into, name.Value, limits)
}

// OfScript returns the limits of a script: its own, and for the others those of all
// scripts.
func (s *Settings) OfScript(name string) Limits {
	own := s.Limits.Scripts[name]
	return Limits{merged(s.Limits.Default, own.Default), merged(s.Limits.Ceiling, own.Ceiling)}
}

func merged(all, own map[string]int64) map[string]int64 {
	both := map[string]int64{}
	maps.Copy(both, all)
	maps.Copy(both, own)
	return both
}

// checkLimits adds a problem for each default that is set above its ceiling.
func (f *File) checkLimits() {
	check := func(key string, of Limits, set map[string]int64) {
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if highest, bounded := of.Ceiling[name]; bounded && set[name] > highest {
				f.Problems = append(f.Problems, f.Problem(key+".default."+name, "the default is above the ceiling of this limit"))
			}
		}
	}
	check("limits", f.Settings.OfScript(""), f.Settings.Limits.Default)
	for _, script := range slices.Sorted(maps.Keys(f.Settings.Limits.Scripts)) {
		check("limits.scripts."+script, f.Settings.OfScript(script), f.Settings.Limits.Scripts[script].Default)
	}
}
