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

// setArgs sets the check of arguments by the Use of each command: RUN is
// required, [DIR] is optional, [RUN…] are any number, and a|b is one of the words.
func setArgs(c *cobra.Command) {
	c.Args = arguments
	for _, sub := range c.Commands() {
		setArgs(sub)
	}
}

func arguments(c *cobra.Command, args []string) error {
	names := strings.Fields(c.Use)[1:]
	if i := slices.IndexFunc(names, func(name string) bool { return strings.HasSuffix(name, "…]") }); i >= 0 && i < len(names)-1 {
		// The names behind it are for the last arguments.
		names = slices.Delete(names, i, i+1)
		args = slices.Delete(slices.Clone(args), i, max(i, len(args)-(len(names)-i)))
	}
	for i, name := range names {
		bare := strings.Trim(name, "[]…")
		switch {
		case strings.HasSuffix(name, "…]"):
			return nil
		case i >= len(args) && !strings.HasPrefix(name, "["):
			return wrongUse(c, "%s is missing", bare)
		case i < len(args) && strings.Contains(bare, "|") && !slices.Contains(strings.Split(bare, "|"), args[i]):
			return wrongUse(c, "found %q, expected one of %s", args[i], strings.ReplaceAll(bare, "|", ", "))
		}
	}
	switch {
	case len(args) <= len(names):
		return nil
	case len(names) > 0:
		return wrongUse(c, "found %q, expected nothing after %s", args[len(names)], strings.Trim(names[len(names)-1], "[]"))
	case c.HasAvailableSubCommands():
		return unknownCommand(c, args[0])
	}
	return wrongUse(c, "found %q, expected no argument", args[0])
}

// unknownCommand returns the error for a command that does not exist, with the
// nearest name.
func unknownCommand(c *cobra.Command, name string) error {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if near := bindings.Nearest(name, names); near != "" {
		return usageError{fmt.Errorf("there is no command %q; did you mean %s %s?", name, c.CommandPath(), near)}
	}
	return wrongUse(c, "there is no command %q", name)
}

func wrongUse(c *cobra.Command, format string, args ...any) error {
	return usageError{fmt.Errorf("%s; see %s --help", fmt.Sprintf(format, args...), c.CommandPath())}
}

// kinds are the values that a flag expects, by its type.
var kinds = map[string]string{
	"int": "a whole number", "int64": "a whole number", "duration": "a length of time such as 30m or 24h",
	"bool": "true or false",
}

// wrongFlag turns an error of the flag parser into one in the form of our errors.
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

// limit checks the value of --limit.
func limit(c *cobra.Command, n int) error {
	if n < 1 {
		return wrongUse(c, "--limit: found %d, expected 1 or more", n)
	}
	return nil
}
