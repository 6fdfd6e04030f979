package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/connect"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
)

func connectionsCommand(t terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "connections",
		Short: "See, test, rename and remove connections",
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(connectionsList(t), connectionsTest(t), connectionsShow(t), connectionsRename(t), connectionsRemove(t))
	return c
}

// withConnector returns the body of a command for connections.
func withConnector(t terminal, folder *folderFlags, use func(*cobra.Command, []string, *connect.Connector) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		apps, err := appsOf(folder.dir)
		if err != nil {
			return err
		}
		connector, err := connect.Open(folder.sources(t), apps)
		if err != nil {
			return err
		}
		defer connector.Close()
		return use(c, args, connector)
	}
}

func connectionsList(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List connections and their states",
	}
	c.RunE = withConnector(t, folder, func(c *cobra.Command, _ []string, connector *connect.Connector) error {
		all, err := connector.List(c.Context())
		if err != nil || asJSON {
			return jsonLines(t.out, all, err)
		}
		if len(all) == 0 {
			fmt.Fprintln(t.out, "nothing is connected yet; tidewire connect APP connects an account")
			return nil
		}
		return table(t.out, "CONNECTION\tSTATE\tACCOUNT\tNAME\tBY\tWHY", all, func(w io.Writer, s connection.Status) {
			printf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, s.State, dash(s.Account), dash(s.DisplayName), dash(authOf(s)), s.Reason)
		})
	})
	folder.addDir(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return c
}

// authOf returns how a connection authenticates: its way, or the name of its
// parent.
func authOf(s connection.Status) string {
	if s.AuthName == "" && s.Parent != "" || s.Parent != "" && len(s.Credentials) == 0 {
		return s.Parent
	}
	return s.AuthName
}

var errTest = errors.New("a connection cannot be used, or lacks scopes that scripts need")

func connectionsTest(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var asJSON, read bool
	var report string
	c := &cobra.Command{
		Use:   "test [APP/NAME…]",
		Short: "Make one harmless call, and see whose a connection is and what it may do",
		Long: `Make one harmless call on each connection, or on those that are named, and print
whose the connection is, which scopes it has, and which it lacks for the scripts
present. What scripts call is read in their text; places where that shows only
when they run are listed.

It exits with 1 if one cannot be used or lacks a scope.

--read calls each operation that lists and only reads, for one item, and one that
gets this item. It uses a tenth of the vendor's rate limit at most, and can last
minutes. The answers are compared with what is declared, and the report has
operations, statuses and names of fields, but no values: it can be sent to the
makers of Tidewire.`,
	}
	c.RunE = withConnector(t, folder, func(c *cobra.Command, names []string, connector *connect.Connector) error {
		if len(names) == 0 {
			list, err := connector.List(c.Context())
			if err != nil {
				return err
			}
			for _, one := range list {
				names = append(names, one.Name)
			}
		}
		if read {
			return readAll(c.Context(), t, connector, names, report)
		}
		return testAll(c.Context(), connector, names, func(test control.ConnectionTest) error {
			if asJSON {
				return json.NewEncoder(t.out).Encode(test)
			}
			printTest(t.out, test)
			return nil
		})
	})
	folder.addDir(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	c.Flags().BoolVar(&read, "read", false, "call all that lists, and compare the answers with what is declared")
	c.Flags().StringVar(&report, "report", "tidewire-report.json", "file that --read writes")
	return c
}

// readAll reads with connections and writes the report.
func readAll(ctx context.Context, t terminal, connector *connect.Connector, names []string, path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	defer file.Close()
	out := json.NewEncoder(file)
	out.SetIndent("", "  ")
	for _, name := range names {
		printf(t.err, "%s: reading; this can last minutes …\n", name)
		r, err := connector.Read(ctx, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		printRead(t.out, name, r)
		if err := out.Encode(r); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	printf(t.out, "the report is in %s; it has no values, and can be sent to us\n", path)
	return file.Close()
}

func printRead(out io.Writer, name string, r control.ReadReport) {
	failed, differ := 0, 0
	for _, one := range r.Calls {
		switch {
		case one.Error != "":
			failed++
		case one.Differs():
			differ++
		}
	}
	printf(out, "%s  %d operations called: %d as declared, %d with other fields, %d refused; %d not called\n",
		name, len(r.Calls), len(r.Calls)-failed-differ, differ, failed, len(r.Skipped))
}

// testAll tests connections and calls show with each result. It returns errTest
// if one of them cannot be used or lacks a scope.
func testAll(ctx context.Context, connector *connect.Connector, names []string, show func(control.ConnectionTest) error) error {
	bad := false
	for _, name := range names {
		test, err := connector.Test(ctx, name)
		if err != nil {
			return err
		}
		bad = bad || test.Problem != "" || len(test.Lacks) > 0
		if err := show(test); err != nil {
			return err
		}
	}
	if bad {
		return errTest
	}
	return nil
}

func printTest(out io.Writer, s control.ConnectionTest) {
	whose := strings.Join(s.Names, ", ")
	if s.Account != "" {
		whose = strings.TrimSpace(whose + " (" + s.Account + ")")
	}
	switch {
	case s.Problem != "":
		printf(out, "%s  %s: %s\n", s.Name, s.State, s.Problem)
	case s.Untested:
		printf(out, "%s  %s; it has no call to be tested with\n", s.Name, s.State)
	case whose != "":
		printf(out, "%s  works: %s (%s)\n", s.Name, whose, s.Operation)
	default:
		printf(out, "%s  works (%s)\n", s.Name, s.Operation)
	}
	if len(s.Scopes) > 0 {
		printf(out, "  has    %s\n", strings.Join(s.Scopes, " "))
	} else if len(s.Needs) > 0 {
		fmt.Fprintln(out, "  the vendor does not return which scopes it has; the scripts here need:")
		for _, need := range s.Needs {
			printf(out, "  needs  %s for %s\n", strings.Join(need.Scopes, " or "), strings.Join(need.For, ", "))
		}
	}
	printLacks(out, s)
	if s.ReadOnly {
		fmt.Fprintln(out, "  only reads: calls that change something are refused here")
	}
}

func printLacks(out io.Writer, s control.ConnectionTest) {
	for _, lack := range s.Lacks {
		printf(out, "  lacks  %s for %s\n", strings.Join(lack.Scopes, " or "), strings.Join(lack.For, ", "))
	}
	if len(s.Unseen) > 0 {
		printf(out, "  what is called at %s shows only when it runs\n", strings.Join(s.Unseen, ", "))
	}
}

func connectionsShow(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "show APP[/NAME]",
		Short: "Show all about a connection but its secrets",
	}
	c.RunE = withConnector(t, folder, func(c *cobra.Command, args []string, connector *connect.Connector) error {
		s, err := connector.Show(c.Context(), args[0])
		if err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(t.out).Encode(s)
		}
		for _, row := range []struct{ name, value string }{
			{"connection", s.Name}, {"formerly", strings.Join(s.FormerNames, ", ")}, {"state", string(s.State)}, {"why", s.Reason}, {"since", stamp(s.Since)},
			{"account", s.Account}, {"name", s.DisplayName}, {"kind", s.Kind}, {"parent", s.Parent}, {"way", s.AuthName},
			{"credentials", strings.Join(s.Credentials, ", ")}, {"scopes", strings.Join(s.Scopes, " ")}, {"only reads", yes(s.ReadOnly)},
			{"token until", stamp(s.Expires)}, {"address", s.BaseURL}, {"webhooks", webhooks(s)}, {"stored in", storedIn(s)},
		} {
			if row.value != "" {
				printf(t.out, "%-12s %s\n", row.name, row.value)
			}
		}
		return nil
	})
	folder.addDir(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return formatTime(at)
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

func webhooks(s connection.Status) string {
	if s.Webhooks {
		return "can be checked"
	}
	return "cannot be checked: webhook_secret is not set"
}

func storedIn(s connection.Status) string {
	switch {
	case s.Configured && s.Stored:
		return "the configuration and the vault"
	case s.Configured:
		return "the configuration"
	}
	return "the vault"
}

func connectionsRename(t terminal) *cobra.Command {
	folder := &folderFlags{}
	c := &cobra.Command{
		Use:   "rename APP/NAME APP/NEW",
		Short: "Give a connection another name; runs that use the old one go on",
	}
	c.RunE = withConnector(t, folder, func(c *cobra.Command, args []string, connector *connect.Connector) error {
		if err := connector.Rename(c.Context(), args[0], args[1]); err != nil {
			return err
		}
		printf(t.out, "%s is called %s now\n", args[0], args[1])
		return nil
	})
	folder.addDir(c.Flags())
	return c
}

func connectionsRemove(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var sure, noRevoke bool
	c := &cobra.Command{
		Use:   "remove APP[/NAME]",
		Short: "End a connection: its tokens at the vendor, and what is stored for it",
	}
	c.RunE = withConnector(t, folder, func(c *cobra.Command, args []string, connector *connect.Connector) error {
		if !sure {
			prompt := newPrompter(t)
			if !prompt.interactive() {
				return usageError{errors.New("--yes is missing: nobody is there to be asked")}
			}
			answer, err := prompt.line(c.Context(), fmt.Sprintf("Remove %s? What is stored for it cannot be brought back. Write yes: ", args[0]))
			if err != nil {
				return err
			}
			if answer != "yes" {
				return errors.New("nothing was changed")
			}
		}
		done, err := connector.Remove(c.Context(), args[0], !noRevoke)
		if err != nil {
			return err
		}
		printf(t.out, "%s is removed\n", args[0])
		switch {
		case done.Revoked:
			fmt.Fprintln(t.out, "its tokens were ended at the vendor")
		case done.Problem != "":
			printf(t.out, "its tokens were not ended at the vendor (%s); take the app away there\n", done.Problem)
		}
		if done.Configured {
			printf(t.out, "tidewire.yaml names it still, under connections.%s\n", args[0])
		}
		return nil
	})
	folder.addDir(c.Flags())
	c.Flags().BoolVar(&sure, "yes", false, "do not ask")
	c.Flags().BoolVar(&noRevoke, "keep-tokens", false, "leave its tokens valid at the vendor")
	return c
}
