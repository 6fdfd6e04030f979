// Package document reads HighLevel's OpenAPI documents and the list of its
// webhook events.
package document

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/openapi"
	"github.com/tidewire/tidewire/bindings/source"
)

// Read reads the vendor's OpenAPI documents of the dated versions, in
// the folder openapi, and the list of its webhook events, webhook-events.json.
func Read(documents string) (*source.Source, error) {
	made, err := readAPI(filepath.Join(documents, "openapi"), "2021-07-28")
	if err != nil {
		return nil, err
	}
	return made, addTriggers(made, filepath.Join(documents, "webhook-events.json"))
}

// ReadV3 reads the documents of the version named v3. Its events are those of the
// app.
func ReadV3(documents string) (*source.Source, error) {
	return readAPI(filepath.Join(documents, "openapi-v3"), "v3")
}

// readAPI reads a folder of OpenAPI documents; version is sent if no operation
// of a document declares one.
func readAPI(folder, version string) (*source.Source, error) {
	made, err := openapi.Folder{
		Header: headerOf,
		Prefix: func(document string) string { return bindings.Snake(strings.TrimSuffix(document, "-api")) },
	}.Read(folder)
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for _, o := range made.Operations {
		if declared := o.Fixed["Version"]; declared != "" {
			versions[o.Group] = declared
		}
	}
	for _, o := range made.Operations {
		if o.Fixed == nil && o.Path != "/oauth/token" {
			o.Fixed = map[string]string{"Version": cmp.Or(versions[o.Group], version)}
		}
		setAccount(made, o)
		o.Idempotent = "" // this vendor's methods have no documented meaning in general
		if o.Method == "DELETE" && strings.HasSuffix(o.Path, "}") && o.Body == nil {
			o.Idempotent = "deletes one record by its id, which the vendor does not give again"
		}
	}
	return made, nil
}

// headerOf sets the Version for all calls of the operation, and leaves the token to
// the connection.
func headerOf(o *bindings.Operation, name string, schema *openapi.Node) (bool, error) {
	switch http.CanonicalHeaderKey(name) { // two operations of v3 write version
	case "Authorization":
		return false, nil
	case "Version":
		versions := schema.Texts("enum")
		if len(versions) != 1 {
			return false, fmt.Errorf("header Version: expected one value")
		}
		o.Fixed = map[string]string{"Version": versions[0]}
		return false, nil
	}
	return true, nil
}

// setAccount finds the parameters for the location and, if it is required, for the
// company. Operations that delete a location get no default location, and those
// that delete anything no default company.
func setAccount(made *source.Source, o *source.Operation) {
	if o.Method == "DELETE" && strings.HasSuffix(o.Path, "/{locationId}") {
		return
	}
	fields := append(append([]bindings.Field(nil), o.PathParams...), o.Query...)
	if o.Body != nil && o.Body.Type.Kind == bindings.Named {
		if d := made.Definition(o.Body.Type.Name); d != nil {
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

// eventFacts is one of the vendor's webhook events.
type eventFacts struct {
	Type    string
	Fields  *openapi.Node // words for types
	Example *openapi.Node
}

// addTriggers adds a trigger for each event. The type of a body is in its
// example, which for a few events has the type of another one.
func addTriggers(made *source.Source, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var events []eventFacts
	if err := json.Unmarshal(text, &events); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	known := map[string]bool{}
	for _, e := range events {
		known[e.Type] = true
	}
	for _, e := range events {
		from := filepath.Base(file) + ": " + e.Type
		data, err := dataOf(made, e)
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		t := bindings.Trigger{Vendor: e.Type, Inferred: true, Data: data, Record: e.record()}
		sent, declared := e.Example.Str("type"), e.Fields.Str("type")
		if kinds := strings.Split(declared, "/"); len(kinds) > 1 {
			// A body whose type is Email or SMS has a trigger for each.
			for _, kind := range kinds {
				one := t
				one.Vendor, one.Inferred = kind, false
				made.Triggers = append(made.Triggers, &source.Trigger{Trigger: one, Key: e.Type + "." + kind, From: from})
			}
			continue
		}
		if sent == e.Type || sent != "" && sent != "string" && !known[sent] {
			t.Vendor, t.Inferred = sent, false
		}
		made.Triggers = append(made.Triggers, &source.Trigger{Trigger: t, Key: e.Type, From: from})
	}
	return nil
}

// record is the path of the id of the record that the event is about.
func (e eventFacts) record() string {
	has := func(name string) bool { return e.Fields.Get(name) != nil || e.Example.Get(name) != nil }
	switch {
	case has("appointment"):
		return "appointment.id"
	case has("id"):
		return "id"
	case has("_id"):
		return "_id"
	case has("conversationId"): // the messages of a conversation are handled in order
		return "conversationId"
	case has("messageId"):
		return "messageId"
	}
	return ""
}
