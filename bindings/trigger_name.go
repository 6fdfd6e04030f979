package bindings

import "strings"

// TriggerName is the name of a trigger: of an app ("highlevel.contact.created",
// app.noun.verb), of a path for requests ("in:/orders"), of events that scripts
// make ("emit:order.paid"), or of the engine ("run.failed", "every").
type TriggerName string

// App returns the app in the name, which may not exist, and "" for a trigger of
// no app.
func (n TriggerName) App() string {
	app, _, dotted := strings.Cut(string(n), ".")
	if !dotted || strings.Contains(app, ":") || app == "run" {
		return ""
	}
	return app
}

// Noun returns what the trigger is about, such as "contact" or
// "contact.note", and "" for a trigger of no app.
func (n TriggerName) Noun() string {
	app := n.App()
	last := strings.LastIndexByte(string(n), '.')
	if app == "" || last == len(app) {
		return ""
	}
	return string(n)[len(app)+1 : last]
}

// Verb returns what happened, such as "created", and "" for a trigger of no app.
func (n TriggerName) Verb() string {
	if n.App() == "" {
		return ""
	}
	return string(n)[strings.LastIndexByte(string(n), '.')+1:]
}
