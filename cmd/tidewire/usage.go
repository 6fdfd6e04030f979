package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tidewire/tidewire/bindings"
)

// usageError is a mistake on the command line; it exits with 2.
type usageError struct{ error }

// nothing refuses arguments of a command that takes none. Where it has
// commands of its own, an argument is one that was mistyped.
func nothing(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !c.HasAvailableSubCommands() {
		return wrongUse(c, "found %q, expected no argument", args[0])
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if near := bindings.Nearest(args[0], names); near != "" {
		return usageError{fmt.Errorf("there is no command %q; did you mean %s %s?", args[0], c.CommandPath(), near)}
	}
	return wrongUse(c, "there is no command %q", args[0])
}

// one asks for exactly the argument that a command's Use names.
func one(c *cobra.Command, args []string) error {
	_, name, _ := strings.Cut(c.Use, " ")
	name = strings.Trim(name, "[]")
	switch {
	case len(args) == 0:
		return wrongUse(c, "%s is missing", name)
	case len(args) > 1:
		return wrongUse(c, "found %q after %s, expected nothing more", args[1], name)
	}
	return nil
}

// atMostOne allows the argument that a command's Use names to be left out.
func atMostOne(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return one(c, args)
}

func wrongUse(c *cobra.Command, format string, args ...any) error {
	return usageError{fmt.Errorf("%s; see %s --help", fmt.Sprintf(format, args...), c.CommandPath())}
}

// kinds say what a flag's type expects, as a person would put it.
var kinds = map[string]string{
	"int": "a whole number", "int64": "a whole number", "duration": "a length of time such as 30m or 24h",
	"bool": "true or false",
}

// wrongFlag puts what the parser of flags says in our words.
func wrongFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var value *pflag.InvalidValueError
	var empty *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		var names []string
		add := func(f *pflag.Flag) { names = append(names, f.Name) }
		c.Flags().VisitAll(add)
		c.InheritedFlags().VisitAll(add)
		slices.Sort(names)
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			return wrongUse(c, "there is no flag -%s", name)
		}
		if near := bindings.Nearest(name, names); near != "" {
			return usageError{fmt.Errorf("there is no flag --%s; did you mean --%s?", name, near)}
		}
		return wrongUse(c, "there is no flag --%s", name)
	case errors.As(err, &value):
		flag := value.GetFlag()
		if kind := kinds[flag.Value.Type()]; kind != "" {
			return wrongUse(c, "--%s: found %q, expected %s", flag.Name, value.GetValue(), kind)
		}
	case errors.As(err, &empty):
		return wrongUse(c, "--%s: its value is missing", empty.GetFlag().Name)
	}
	return wrongUse(c, "%v", err)
}

// limit checks how many items a listing was asked for.
func limit(c *cobra.Command, n int) error {
	if n < 1 {
		return wrongUse(c, "--limit: found %d, expected 1 or more", n)
	}
	return nil
}
