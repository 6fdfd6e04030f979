package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
)

func catalogCommand(t terminal) *cobra.Command {
	var asJSON bool
	var dir string
	c := &cobra.Command{
		Use:   "catalog",
		Short: "Look up what the apps offer: operations and triggers",
		Long: `List the apps, and the editions of their APIs, with how many operations and
triggers each has. Scripts require each by its name, call an operation as
app.group.operation and hook a trigger with on("app.noun.verb_past", …).`,
		RunE: func(c *cobra.Command, _ []string) error {
			apps, err := appsOf(dir)
			if err != nil {
				return err
			}
			return catalogApps(t.out, apps, asJSON)
		},
	}
	c.PersistentFlags().StringVarP(&dir, "dir", "C", ".", "folder that tidewire run is given, for apps of its own")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	c.AddCommand(catalogSearch(t, &dir), catalogShow(t, &dir))
	return c
}

// appCounts is a line of the list of apps: an app, or an edition of it.
type appCounts struct {
	App        string `json:"app"`
	Title      string `json:"title"`
	Operations int    `json:"operations"`
	Triggers   int    `json:"triggers"`
	Docs       string `json:"docs"`
}

func catalogApps(out io.Writer, apps []*bindings.App, asJSON bool) error {
	var counts []appCounts
	for _, app := range apps {
		for _, name := range app.Modules() {
			c, _ := app.Module(name)
			counts = append(counts, appCounts{name, app.Title, len(c.Operations()), len(c.Triggers()), app.Docs})
		}
	}
	if asJSON {
		return jsonLines(out, counts, nil)
	}
	return table(out, "APP\tOPERATIONS\tTRIGGERS\tNAME", counts, func(w io.Writer, n appCounts) {
		printf(w, "%s\t%d\t%d\t%s\n", n.App, n.Operations, n.Triggers, n.Title)
	})
}

// catalogEntry is an operation or trigger in a list.
type catalogEntry struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`             // operation or trigger
	Method string `json:"method,omitempty"` // of an operation
	Path   string `json:"path,omitempty"`
	Vendor string `json:"vendor,omitempty"` // of a trigger: the vendor's type
}

func entry(f bindings.SearchResult) catalogEntry {
	if f.Operation != nil {
		return catalogEntry{Name: f.Name(), Kind: "operation", Method: f.Operation.Method, Path: f.Operation.Path}
	}
	return catalogEntry{Name: f.Name(), Kind: "trigger", Vendor: f.Trigger.Vendor}
}

func catalogSearch(t terminal, dir *string) *cobra.Command {
	var asJSON bool
	var maxResults int
	c := &cobra.Command{
		Use:   "search WORD [WORD…]",
		Short: `Find operations and triggers by words: "create task"`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := limit(c, maxResults); err != nil {
				return err
			}
			query := strings.Join(args, " ")
			apps, err := checkedApps(*dir)
			if err != nil {
				return err
			}
			found := bindings.Search(apps, query)
			if len(found) == 0 && !asJSON {
				return fmt.Errorf("nothing fits %q; try fewer words, or tidewire catalog for the apps", query)
			}
			more := len(found) - maxResults
			var entries []catalogEntry
			for _, f := range found[:min(maxResults, len(found))] {
				entries = append(entries, entry(f))
			}
			if asJSON {
				return jsonLines(t.out, entries, nil)
			}
			err = table(t.out, "NAME\tKIND\tENDPOINT", entries, func(w io.Writer, e catalogEntry) {
				printf(w, "%s\t%s\t%s\n", e.Name, e.Kind, dash(strings.TrimSpace(e.Method+" "+e.Path+e.Vendor)))
			})
			if err == nil && more > 0 {
				printf(t.out, "and %d more; --limit shows them, another word narrows\n", more)
			}
			return err
		},
	}
	c.Flags().IntVar(&maxResults, "limit", 25, "how many at most")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return c
}

func catalogShow(t terminal, dir *string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Show an operation, a trigger, or all of a group or an app",
		Long: `Show an operation with its signature, fields, scopes and an example call; a
trigger with the data of its events; or list what a group or an app has.

  tidewire catalog show highlevel.contacts.create_task
  tidewire catalog show qonto.client.created
  tidewire catalog show slack.chat`,
		RunE: func(c *cobra.Command, args []string) error {
			apps, err := checkedApps(*dir)
			if err != nil {
				return err
			}
			found, err := find(apps, args[0])
			switch {
			case err != nil:
				return err
			case len(found) == 1 && found[0].Name() == args[0] && found[0].Operation != nil:
				d := call.Describe(found[0].App, found[0].Operation)
				if asJSON {
					return json.NewEncoder(t.out).Encode(d)
				}
				return showOperation(t.out, d)
			case len(found) == 1 && found[0].Name() == args[0]:
				return showTrigger(t.out, found[0], asJSON)
			}
			entries := make([]catalogEntry, len(found))
			for i, f := range found {
				entries[i] = entry(f)
			}
			if asJSON {
				return jsonLines(t.out, entries, nil)
			}
			return table(t.out, "NAME\tKIND\tENDPOINT", entries, func(w io.Writer, e catalogEntry) {
				printf(w, "%s\t%s\t%s\n", e.Name, e.Kind, dash(strings.TrimSpace(e.Method+" "+e.Path+e.Vendor)))
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// find returns the operation or trigger of a name, or all below it where the name
// is that of an app, a group or the noun of triggers.
func find(apps []*bindings.App, name string) ([]bindings.SearchResult, error) {
	var below []bindings.SearchResult
	var known []string
	for _, app := range apps {
		known = append(known, app.Modules()...)
		for _, operation := range app.Operations() {
			op, _ := app.Operation(operation)
			below = collect(below, &known, name, bindings.SearchResult{App: app, Operation: op})
		}
		for _, trigger := range app.Catalogue.Triggers() {
			one, _ := app.Catalogue.Trigger(trigger)
			below = collect(below, &known, name, bindings.SearchResult{App: app, Trigger: one})
		}
	}
	if len(below) > 0 {
		return below, nil
	}
	if near := bindings.Nearest(name, known); near != "" {
		return nil, fmt.Errorf("there is no %q in the catalogues; did you mean %s?", name, near)
	}
	return nil, fmt.Errorf("there is no %q in the catalogues; tidewire catalog search finds names by words", name)
}

// collect appends an operation or trigger to below if it is at or below a name,
// and its names to known, from which suggestions are made.
func collect(below []bindings.SearchResult, known *[]string, name string, f bindings.SearchResult) []bindings.SearchResult {
	whole := f.Name()
	if group := whole[:strings.LastIndexByte(whole, '.')]; !slices.Contains(*known, group) {
		*known = append(*known, group)
	}
	*known = append(*known, whole)
	if whole == name || strings.HasPrefix(whole, name+".") {
		return append(below, f)
	}
	return below
}

func showOperation(out io.Writer, d call.Description) error {
	printf(out, "%s\n\n  %s\n\n", lines(d.Signature), d.Example)
	facts := [][2]string{
		{"endpoint", d.Method + " " + d.Path},
		{"scopes", dash(strings.Join(d.Scopes, ", "))},
		{"sent again", d.Repeat},
	}
	for _, limit := range d.Limits {
		facts = append(facts, [2]string{"rate limit", limit})
	}
	if len(d.AnyScope) > 0 {
		facts[1][1] = "one of " + strings.Join(d.AnyScope, ", ")
	}
	if d.Each != "" {
		facts = append(facts, [2]string{"each walks", d.Each})
	}
	if d.Consent {
		facts = append(facts, [2]string{"approval", "the customer may be asked to approve it; the run waits for that"})
	}
	if d.Inferred {
		facts = append(facts, [2]string{"source", "inferred, not read in the vendor's documents"})
	}
	if d.Deprecated {
		facts = append(facts, [2]string{"deprecated", "the vendor advises to leave it"})
	}
	for _, fact := range facts {
		printf(out, "%-12s%s\n", fact[0], fact[1])
	}
	if len(d.Arguments) > 0 {
		fmt.Fprintln(out)
		err := table(out, "ARGUMENT\tTYPE\tIN\t", d.Arguments, func(w io.Writer, a call.Argument) {
			note := ""
			switch {
			case a.Required:
				note = "required"
			case a.Account:
				note = "the connection's account if left out"
			}
			printf(w, "%s\t%s\t%s\t%s\n", a.Name, a.Type, a.In, note)
		})
		if err != nil {
			return err
		}
	}
	if d.AnyOther {
		fmt.Fprintln(out, "and any other name: the vendor does not declare them all")
	}
	return showFields(out, "ANSWER\tTYPE", d.Answer)
}

func showFields(out io.Writer, header string, fields []call.Argument) error {
	if len(fields) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	return table(out, header, fields, func(w io.Writer, a call.Argument) { printf(w, "%s\t%s\n", a.Name, a.Type) })
}

func showTrigger(out io.Writer, f bindings.SearchResult, asJSON bool) error {
	d := call.DescribeTrigger(f.App, f.Trigger)
	if asJSON {
		return json.NewEncoder(out).Encode(d)
	}
	printf(out, "%s\n\n  %s\n\n", d.Trigger, d.Example)
	for _, fact := range [][2]string{
		{"comes by", strings.Join(d.ComesBy, ", ")}, {"vendor type", dash(d.Vendor)}, {"record", dash(d.Record)},
		{"scopes", dash(strings.Join(d.Scopes, ", "))},
	} {
		printf(out, "%-12s%s\n", fact[0], fact[1])
	}
	if d.RespondWithin > 0 {
		printf(out, "%-12swithin %s, by a hook with respond = true\n", "answer", time.Duration(d.RespondWithin))
	}
	if d.Inferred {
		fmt.Fprintln(out, "source      inferred, not read in the vendor's documents")
	}
	return showFields(out, "EVENT.DATA\tTYPE", d.Data)
}
