package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/control"
)

func sendCommand(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var message control.Message
	var data string
	var asJSON bool
	c := &cobra.Command{
		Use:   "send TRIGGER",
		Short: "Send an event to the running engine",
		Long: `Send an event to the running engine, as if it had come from the app. TRIGGER is
what a hook names: highlevel.contact.created, emit:deal.won, in:/orders.`,
		Example: `  tidewire send highlevel.contact.created --data contact.json
  echo '{"id":"c1"}' | tidewire send qonto.client.created --data -`,
		RunE: func(c *cobra.Command, args []string) error {
			message.Type = args[0]
			body, err := readData(t, data, message.Type)
			if err != nil {
				return err
			}
			message.Data = body
			return withEngine(c.Context(), folder.sources(t), func(client *control.Client) error {
				sent, err := client.Send(c.Context(), message)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(t.out).Encode(sent)
				}
				printf(t.out, "%s %s\n", sent.Event, effect(sent))
				return nil
			})
		},
	}
	folder.addDir(c.Flags())
	c.Flags().StringVarP(&data, "data", "d", "", "file with the event's data as JSON, - for standard input (default: {})")
	c.Flags().StringVar(&message.ID, "id", "", "the event's id; a repeated one starts nothing")
	c.Flags().StringVar(&message.Connection, "connection", "", "the connection it comes by (default: the app's only one)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// effect describes what an event caused.
func effect(sent control.Sent) string {
	if sent.Duplicate {
		return "is known already; nothing new was started"
	}
	var all []string
	for _, part := range []struct {
		verb  string
		names []string
		more  string
	}{
		{"started", sent.Runs, ""},
		{"woke", sent.Woken, ""},
		{"joined", sent.Merged, ", which starts later"},
		{"started nothing of", sent.Skipped, ", which has a live run"},
	} {
		if len(part.names) > 0 {
			all = append(all, part.verb+" "+strings.Join(part.names, ", ")+part.more)
		}
	}
	if len(all) == 0 {
		return "is stored and started no run: its connection or its data (where) does not match any hook, and no run waits for it now"
	}
	return strings.Join(all, "; ")
}

// readData reads and checks an event's data.
func readData(t terminal, name, trigger string) (json.RawMessage, error) {
	if name == "" {
		return json.RawMessage("{}"), nil
	}
	var body []byte
	var err error
	if name == "-" {
		name = "standard input"
		body, err = io.ReadAll(t.in)
	} else {
		body, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return nil, fmt.Errorf("--data: %s: %w", position(name, body, err), err)
	}
	if _, object := value.(map[string]any); !object && !strings.HasPrefix(trigger, "in:") {
		return nil, fmt.Errorf("--data: %s holds no object; the data of %s is one: {…}", name, trigger)
	}
	return body, nil
}

// position describes the place of an error in JSON.
func position(name string, body []byte, err error) string {
	var fault *json.SyntaxError
	if !errors.As(err, &fault) || fault.Offset > int64(len(body)) {
		return name + " is not JSON"
	}
	before := string(body[:max(fault.Offset-1, 0)])
	line := strings.Count(before, "\n") + 1
	column := len(before) - strings.LastIndex(before, "\n")
	return fmt.Sprintf("%s:%d:%d is not JSON", name, line, column)
}
