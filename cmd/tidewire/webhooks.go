package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

func webhooksCommand(t terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "webhooks",
		Short: "Register webhooks at vendors, and see which there are",
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(webhooksSync(t), webhooksList(t))
	return c
}

func webhooksSync(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var dry, asJSON bool
	c := &cobra.Command{
		Use:   "sync [CONNECTION…]",
		Short: "Register the webhooks that scripts need, renew what is due and remove the rest",
		Long: `Register the webhooks that scripts need, renew what is due and remove the rest,
now. The running engine does it: vendors check the address while they register.
Where a vendor has no API for it, the address and the steps are printed.

With webhooks: auto in a connection's settings the engine does this by itself.`,
		RunE: func(c *cobra.Command, args []string) error {
			return withEngine(c.Context(), folder.sources(t), func(client *control.Client) error {
				done, err := client.SyncWebhooks(c.Context(), control.SyncOptions{Connections: args, Dry: dry})
				if err != nil {
					return err
				}
				if asJSON {
					err = jsonLines(t.out, done, nil)
				} else {
					err = showSync(t.out, done, dry)
				}
				failed := func(w control.Webhook) bool { return w.Action == "failed" }
				if err == nil && slices.ContainsFunc(done, failed) {
					err = errors.New("not all webhooks are registered as scripts need them")
				}
				return err
			})
		},
	}
	folder.addDir(c.Flags())
	c.Flags().BoolVar(&dry, "dry-run", false, "print what would be done, and do nothing")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return c
}

// showSync prints what was done, and then the steps to do by hand, once for each
// address.
func showSync(out io.Writer, done []control.Webhook, dry bool) error {
	var automatic, manual []control.Webhook
	for _, w := range done {
		switch {
		case w.Action != "by hand":
			automatic = append(automatic, w)
		case !slices.ContainsFunc(manual, func(o control.Webhook) bool { return o.URL == w.URL && slices.Equal(o.Steps, w.Steps) }):
			manual = append(manual, w)
		}
	}
	if len(automatic)+len(manual) == 0 {
		fmt.Fprintln(out, "no script needs a webhook, and none is registered")
		return nil
	}
	if len(automatic) > 0 {
		what := "DONE"
		if dry {
			what = "WOULD BE"
		}
		err := table(out, "CONNECTION\tWEBHOOK\t"+what+"\tTYPES\tUNTIL\tWHY", automatic, func(out io.Writer, w control.Webhook) {
			printf(out, "%s\t%s\t%s\t%s\t%s\t%s\n", w.Connection, webhookName(w.Subscription, w.Item), w.Action, dash(strings.Join(w.Types, ", ")), until(w.Expires), dash(w.Text))
		})
		if err != nil {
			return err
		}
	}
	for _, w := range manual {
		printf(out, "\n%s: by hand at the vendor\n", w.Connection)
		for i, step := range w.Steps {
			printf(out, "  %d. %s\n", i+1, step)
		}
	}
	return nil
}

// webhookName returns the name of a webhook, with its item if it has one.
func webhookName(subscription, item string) string {
	if item == "" {
		return dash(subscription)
	}
	return subscription + " of " + item
}

func webhooksList(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the webhooks that are registered at vendors",
		RunE: func(c *cobra.Command, _ []string) error {
			return withReader(c.Context(), folder.sources(t), func(r journal.Reader) error {
				all, err := r.Subscriptions(c.Context())
				if err != nil || asJSON {
					return jsonLines(t.out, all, err)
				}
				if len(all) == 0 {
					fmt.Fprintln(t.out, "none is registered; tidewire webhooks sync registers what scripts need")
					return nil
				}
				return table(t.out, "CONNECTION\tWEBHOOK\tSTATE\tTYPES\tUNTIL\tPROBLEM", all, func(w io.Writer, s journal.Subscription) {
					printf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Connection, webhookName(s.Name, s.Item), s.State, dash(strings.Join(s.Types, ", ")), until(s.Expires), dash(s.Problem))
				})
			})
		},
	}
	folder.addDir(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return c
}

// until returns when a webhook ends: when it expires, or when it is removed.
func until(t time.Time) string {
	if t.IsZero() {
		return "removed"
	}
	return formatTime(t)
}
