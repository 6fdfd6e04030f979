package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// readHighLevel reads the vendor's OpenAPI documents of the dated versions, in
// the folder openapi, and the list of its webhook events, webhook-events.json.
func readHighLevel(documents string) (*Source, error) {
	source, err := readHighLevelAPI(filepath.Join(documents, "openapi"), "2021-07-28")
	if err != nil {
		return nil, err
	}
	return source, highLevelTriggers(source, filepath.Join(documents, "webhook-events.json"))
}

// readHighLevelV3 reads the documents of the version that is called v3. Its
// events are those of the app.
func readHighLevelV3(documents string) (*Source, error) {
	return readHighLevelAPI(filepath.Join(documents, "openapi-v3"), "v3")
}

// readHighLevelAPI reads a folder of OpenAPI documents; version is sent where
// no operation of a document declares one.
func readHighLevelAPI(folder, version string) (*Source, error) {
	api, err := readOpenAPI(folder)
	if err != nil {
		return nil, err
	}
	api.header = highLevelHeader
	source := &Source{}
	for _, name := range api.names() {
		operations, err := api.operations(api.documents[name])
		if err != nil {
			return nil, err
		}
		source.Operations = append(source.Operations, operations...)
	}
	if source.Types, err = api.merge(source.Operations, func(document string) string {
		return bindings.Snake(strings.TrimSuffix(document, "-api"))
	}); err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for _, o := range source.Operations {
		if declared := o.Fixed["Version"]; declared != "" {
			versions[o.Group] = declared
		}
	}
	for _, o := range source.Operations {
		if o.Fixed == nil && o.Path != "/oauth/token" {
			o.Fixed = map[string]string{"Version": cmp.Or(versions[o.Group], version)}
		}
		highLevelAccount(source, o)
		if o.Method == "DELETE" && strings.HasSuffix(o.Path, "}") && o.Body == nil {
			o.Idempotent = "deletes one record by its id, which the vendor does not give again"
		}
	}
	return source, nil
}

// highLevelHeader takes the Version for all calls of the operation, and leaves
// the token to the connection.
func highLevelHeader(o *Operation, p parameter) (bool, error) {
	switch http.CanonicalHeaderKey(p.Name) { // two of v3 write version
	case "Authorization":
		return false, nil
	case "Version":
		if p.Schema == nil || len(p.Schema.Enum) != 1 {
			return false, fmt.Errorf("header Version: expected one value")
		}
		var version string
		if err := json.Unmarshal(p.Schema.Enum[0], &version); err != nil {
			return false, fmt.Errorf("header Version: %w", err)
		}
		o.Fixed = map[string]string{"Version": version}
		return false, nil
	}
	return true, nil
}

// highLevelAccount finds the parameters that take the location and, where it
// is required, the company. What deletes a location gets none, and what
// deletes anything no company: they are never meant by default.
func highLevelAccount(source *Source, o *Operation) {
	if o.Method == "DELETE" && strings.HasSuffix(o.Path, "/{locationId}") {
		return
	}
	fields := append(append([]bindings.Field(nil), o.PathParams...), o.Query...)
	if o.Body != nil && o.Body.Type.Kind == bindings.Named {
		if d := source.definition(o.Body.Type.Name); d != nil {
			fields = append(fields, d.Fields...)
		}
	}
	has, required := map[string]bool{}, map[string]bool{}
	for _, f := range fields {
		has[f.Name] = true
		required[f.Name] = required[f.Name] || f.Required
		if f.Name == "companyId" && f.Required && o.Method != "DELETE" {
			o.Parent = f.Name
		}
	}
	switch {
	case has["locationId"] && (required["locationId"] || !required["altId"]):
		o.Account = "locationId"
	case has["altId"]:
		o.Account = "altId"
		if has["altType"] {
			o.AccountWith = map[string]string{"altType": "location"}
		}
	case has["location_id"]:
		o.Account = "location_id"
	}
}

// highLevelEvent is one of the vendor's webhook events.
type highLevelEvent struct {
	Type    string
	Fields  ordered[string]
	Example json.RawMessage
}

// highLevelTriggers makes a trigger of each event. What a body calls itself
// stands in its example, which for a few is the name of another event.
func highLevelTriggers(source *Source, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var events []highLevelEvent
	if err := json.Unmarshal(text, &events); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	known := map[string]bool{}
	for _, e := range events {
		known[e.Type] = true
	}
	for _, e := range events {
		from := filepath.Base(file) + ": " + e.Type
		data, err := highLevelData(source, e)
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		t := bindings.Trigger{Vendor: e.Type, Inferred: true, Data: data, Record: e.record()}
		var sent struct{ Type string }
		if e.shown() {
			if err := json.Unmarshal(e.Example, &sent); err != nil {
				return fmt.Errorf("%s: example: %w", from, err)
			}
		}
		declared, _ := e.Fields.get("type")
		if kinds := strings.Split(declared, "/"); len(kinds) > 1 {
			// A body that calls itself Email or SMS is a trigger each.
			for _, kind := range kinds {
				one := t
				one.Vendor, one.Inferred = kind, false
				source.Triggers = append(source.Triggers, &Trigger{Trigger: one, Key: e.Type + "." + kind, From: from})
			}
			continue
		}
		if sent.Type == e.Type || sent.Type != "" && sent.Type != "string" && !known[sent.Type] {
			t.Vendor, t.Inferred = sent.Type, false
		}
		source.Triggers = append(source.Triggers, &Trigger{Trigger: t, Key: e.Type, From: from})
	}
	return nil
}

// shown reports whether there is an example.
func (e highLevelEvent) shown() bool { return len(e.Example) > 0 && string(e.Example) != "null" }

// record is where the id of what the event is about stands.
func (e highLevelEvent) record() string {
	var example ordered[json.RawMessage]
	if e.shown() && json.Unmarshal(e.Example, &example) != nil {
		return ""
	}
	has := func(name string) bool {
		_, declared := e.Fields.get(name)
		_, shown := example.get(name)
		return declared || shown
	}
	switch {
	case has("appointment"):
		return "appointment.id"
	case has("id"):
		return "id"
	case has("_id"):
		return "_id"
	case has("conversationId"): // messages keep the order of their conversation
		return "conversationId"
	case has("messageId"):
		return "messageId"
	}
	return ""
}
