package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/engine/journal"
)

const announceMessages = `local teams = require "teams"

on("teams.message.created", function(event)
  local d = event.data
  local message = teams.channels.get_message { teamId = d.teamId, channelId = d.channelId, chatMessageId = d.id }
  teams.webhooks.post {
    type = "message",
    attachments = { {
      contentType = "application/vnd.microsoft.card.adaptive",
      content = { type = "AdaptiveCard", version = "1.4", body = { { type = "TextBlock", text = message.body.content } } },
    } },
  }
end)`

// TestMessagesOfTeamsAreNotified: every channel is registered for, a
// notification starts the script with the place of what changed, and the
// secret of the subscription is kept nowhere but in the vault.
func TestMessagesOfTeamsAreNotified(t *testing.T) {
	w := newHooked(t, map[string]string{"announce.lua": announceMessages}, setting("teams", auto))
	w.come("the registrations", w.live(2))
	resources := w.hooks("teams", "subscriptions", "resource")
	slices.Sort(resources)
	const general, leads = "19:5a0d7e2c000000000000000000000001@thread.tacv2", "19:5a0d7e2c000000000000000000000002@thread.tacv2"
	const team = "/teams/5a0d7e2c-0000-4000-8000-0000005a1e50"
	if want := []string{team + "/channels/" + general + "/messages", team + "/channels/" + leads + "/messages"}; !slices.Equal(resources, want) {
		t.Fatalf("registered for %q, want %q", resources, want)
	}
	if types := w.hooks("teams", "subscriptions", "changeType"); types[0] != "created" {
		t.Errorf("registered for %q", types)
	}
	w.somebody("teams", "POST "+team+"/channels/"+leads+"/messages", `{"body":{"content":"A lead"}}`)
	w.somebody("teams", "POST /chats/19:5a0d7e2c000000000000000000000003@thread.v2/messages", `{"body":{"content":"elsewhere"}}`)
	w.settle()
	events := w.succeeded()
	if len(events) != 1 {
		t.Fatalf("runs of %q, want one; the log:\n%s\n%+v", events, w.log, w.apps.Deliveries())
	}
	if said := gjson.GetBytes(w.apps.Records("teams", "cards")[0], "attachments.0.content.body.0.text").String(); said != "A lead" {
		t.Errorf("the card says %q", said)
	}
	event, _, err := w.journal.Event(t.Context(), events[0])
	must(t, err)
	data := string(event.Data)
	if gjson.Get(data, "teamId").String() != strings.TrimPrefix(team, "/teams/") || gjson.Get(data, "channelId").String() != leads || strings.Contains(data, "clientState") {
		t.Errorf("the event is %s", data)
	}
}

// TestAReactionDoesNotCallForAnother: a notification does not say what changed
// in a message, and that of our own reaction starts nothing.
func TestAReactionDoesNotCallForAnother(t *testing.T) {
	w := newHooked(t, map[string]string{"like.lua": `local teams = require "teams"

on("teams.message.updated", function(event)
  local d = event.data
  teams.channels.set_message_reaction { teamId = d.teamId, channelId = d.channelId, chatMessageId = d.id, reactionType = "like" }
end)`}, setting("teams", auto))
	w.come("the registrations", w.live(2))
	const messages = "/teams/5a0d7e2c-0000-4000-8000-0000005a1e50/channels/19:5a0d7e2c000000000000000000000002@thread.tacv2/messages"
	id := gjson.Get(w.somebody("teams", "POST "+messages, `{"body":{"content":"Hello"}}`), "id").String()
	w.somebody("teams", "PATCH "+messages+"/"+id, `{"body":{"content":"Hello all"}}`)
	w.settle()
	if runs := w.succeeded(); len(runs) != 1 || w.apps.Calls("teams", "channels.set_message_reaction") != 1 {
		t.Errorf("runs of %q, and %d reactions, want one of each; the log:\n%s", runs, w.apps.Calls("teams", "channels.set_message_reaction"), w.log)
	}
}

// live reports whether so many webhooks are registered.
func (w *watched) live(n int) func() bool {
	return func() bool {
		listed, err := w.journal.Subscriptions(w.t.Context())
		must(w.t, err)
		live := slices.DeleteFunc(listed, func(s journal.Subscription) bool { return s.State != journal.SubscriptionLive })
		return len(live) == n
	}
}
