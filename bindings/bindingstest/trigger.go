package bindingstest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

var triggerName = regexp.MustCompile(`^[a-z]+\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$`)

// irregular are past participles that do not end in "ed".
var irregular = []string{"paid", "sent", "left", "made", "set", "won", "lost", "read", "begun", "given", "taken", "written", "held", "put", "met"}

func testTriggers(t reporter, app *bindings.App) {
	sent := map[string]string{}
	for _, name := range app.Catalogue.Triggers() {
		trigger, _ := app.Catalogue.Trigger(name)
		if !triggerName.MatchString(name) || bindings.TriggerName(name).App() != app.Name {
			t.Errorf("%s: expected %s.noun.verb_past", name, app.Name)
		}
		verb := name[strings.LastIndexAny(name, "._")+1:]
		if !strings.HasSuffix(verb, "ed") && !slices.Contains(irregular, verb) {
			t.Errorf("%s: expected a verb in the past at the end", name)
		}
		if trigger.Vendor != "" {
			testSent(t, app, trigger, sent)
		} else if !slices.ContainsFunc(app.Polls, func(p bindings.Poll) bool { return slices.Contains(p.Triggers(), name) }) {
			t.Errorf("%s has no vendor, the type of its webhook, and no poll makes it", name)
		}
		if trigger.Form != "" && !hasForm(app.Webhook, trigger.Form) {
			t.Errorf("%s has the form %q, which the app does not have", name, trigger.Form)
		}
		testApprovalAnswer(t, app, trigger)
		testRespond(t, trigger)
		if _, _, err := typeAt(app.Catalogue, trigger.Data, trigger.Record); trigger.Record != "" && err != nil {
			t.Errorf("%s: record: %v", name, err)
		}
	}
	if app.Webhook != nil && len(sent) == 0 && len(app.Webhook.PollOn) == 0 {
		t.Error("the app sends webhooks, and there is no trigger for one")
	}
}

// testSent checks that the webhooks of a trigger differ from those of the triggers
// in sent, to which it is added.
func testSent(t reporter, app *bindings.App, trigger *bindings.Trigger, sent map[string]string) {
	for _, subscription := range subscriptionsOf(app, trigger.Name) {
		key := fmt.Sprint(subscription, trigger.Form, trigger.Vendor, trigger.When)
		if other := sent[key]; other != "" {
			t.Errorf("%s and %s cannot be distinguished", trigger.Name, other)
		}
		sent[key] = trigger.Name
	}
	if app.Webhook == nil {
		t.Errorf("%s comes by webhook, and the app sends none", trigger.Name)
	}
}

func testRespond(t reporter, trigger *bindings.Trigger) {
	if within := time.Duration(trigger.RespondWithin); within > time.Minute || within > 0 && trigger.Vendor == "" {
		t.Errorf("%s: respond_within %s: expected a minute at most, and a webhook", trigger.Name, within)
	}
}

// testApprovalAnswer checks the paths of an ApprovalAnswer.
func testApprovalAnswer(t reporter, app *bindings.App, trigger *bindings.Trigger) {
	d := trigger.ApprovalAnswer
	if d == nil {
		return
	}
	for _, path := range append(slices.Clone(d.Answer), d.By) {
		if _, _, err := typeAt(app.Catalogue, trigger.Data, path); path != "" && err != nil {
			t.Errorf("%s: decides: %v", trigger.Name, err)
		}
	}
	for _, m := range d.Messages {
		for _, path := range m.Event {
			if _, _, err := typeAt(app.Catalogue, trigger.Data, path); err != nil {
				t.Errorf("%s: decides: messages: %v", trigger.Name, err)
			}
		}
		if len(m.Event) == 0 || len(m.Event) != len(m.Sent) {
			t.Errorf("%s: decides: messages: expected as many paths in sent as in event, one at least, found %v and %v", trigger.Name, m.Event, m.Sent)
		}
	}
	if len(d.Answer) == 0 {
		t.Errorf("%s: decides, and there is no path of the answer", trigger.Name)
	}
}

func hasForm(hook *bindings.Webhook, name string) bool {
	return hook != nil && slices.ContainsFunc(hook.Forms, func(f bindings.WebhookForm) bool { return f.Name == name })
}

// subscriptionsOf returns the names of the registered subscriptions that have a
// trigger; one empty name if there is none.
func subscriptionsOf(app *bindings.App, trigger string) []string {
	var all []string
	for _, s := range app.Subscriptions {
		if s.Create.Operation != "" && slices.ContainsFunc(s.Triggers, func(pattern string) bool { return bindings.TriggerName(trigger).Matches(pattern) }) {
			all = append(all, s.Name)
		}
	}
	if all == nil {
		return []string{""}
	}
	return all
}
