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

// TestTeamsMessagesStartRuns registers a webhook for every channel. A notification
// starts the script with the ids of what changed, and the secret of the
// subscription is stored only in the vault.
func TestTeamsMessagesStartRuns(t *testing.T) {
	f := newWebhookFixture(t, map[string]string{"announce.lua": announceMessages}, setting("teams", autoWebhooks))
	f.await("the registrations", f.liveSubscriptions(2))
	resources := f.registered("teams", "subscriptions", "resource")
	slices.Sort(resources)
	const general, leads = "19:5a0d7e2c000000000000000000000001@thread.tacv2", "19:5a0d7e2c000000000000000000000002@thread.tacv2"
	const team = "/teams/5a0d7e2c-0000-4000-8000-0000005a1e50"
	if want := []string{team + "/channels/" + general + "/messages", team + "/channels/" + leads + "/messages"}; !slices.Equal(resources, want) {
		t.Fatalf("registered for %q, want %q", resources, want)
	}
	if types := f.registered("teams", "subscriptions", "changeType"); types[0] != "created" {
		t.Errorf("registered for %q", types)
	}
	f.request("teams", "POST "+team+"/channels/"+leads+"/messages", `{"body":{"content":"A lead"}}`)
	f.request("teams", "POST /chats/19:5a0d7e2c000000000000000000000003@thread.v2/messages", `{"body":{"content":"elsewhere"}}`)
	f.settle()
	events := f.succeeded()
	if len(events) != 1 {
		t.Fatalf("runs of %q, want one; the log:\n%s\n%+v", events, f.log, f.apps.Deliveries())
	}
	if text := gjson.GetBytes(f.apps.Records("teams", "cards")[0], "attachments.0.content.body.0.text").String(); text != "A lead" {
		t.Errorf("the card has %q", text)
	}
	event, _, err := f.journal.Event(t.Context(), events[0])
	must(t, err)
	data := string(event.Data)
	if gjson.Get(data, "teamId").String() != strings.TrimPrefix(team, "/teams/") || gjson.Get(data, "channelId").String() != leads || strings.Contains(data, "clientState") {
		t.Errorf("the event is %s", data)
	}
}

// TestOwnReactionStartsNoRun sets a reaction in a run. Its notification does not
// contain what changed in the message, and starts no run.
func TestOwnReactionStartsNoRun(t *testing.T) {
	f := newWebhookFixture(t, map[string]string{"like.lua": `local teams = require "teams"

on("teams.message.updated", function(event)
  local d = event.data
  teams.channels.set_message_reaction { teamId = d.teamId, channelId = d.channelId, chatMessageId = d.id, reactionType = "like" }
end)`}, setting("teams", autoWebhooks))
	f.await("the registrations", f.liveSubscriptions(2))
	const messages = "/teams/5a0d7e2c-0000-4000-8000-0000005a1e50/channels/19:5a0d7e2c000000000000000000000002@thread.tacv2/messages"
	id := gjson.Get(f.request("teams", "POST "+messages, `{"body":{"content":"Hello"}}`), "id").String()
	f.request("teams", "PATCH "+messages+"/"+id, `{"body":{"content":"Hello all"}}`)
	f.settle()
	if runs := f.succeeded(); len(runs) != 1 || f.apps.Calls("teams", "channels.set_message_reaction") != 1 {
		t.Errorf("runs of %q, and %d reactions, want one of each; the log:\n%s", runs, f.apps.Calls("teams", "channels.set_message_reaction"), f.log)
	}
}

// liveSubscriptions returns a condition: that n webhooks are registered.
func (f *clockFixture) liveSubscriptions(n int) func() bool {
	return func() bool {
		listed, err := f.journal.Subscriptions(f.t.Context())
		must(f.t, err)
		live := slices.DeleteFunc(listed, func(s journal.Subscription) bool { return s.State != journal.SubscriptionLive })
		return len(live) == n
	}
}
