package slack_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/bindingstest"
	"github.com/tidewire/tidewire/bindings/slack"
)

func TestApp(t *testing.T) { bindingstest.Run(t, slack.App()) }

// The secret, time and answer are those of the vendor's published example.
func TestWebhookSignature(t *testing.T) {
	const body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V" +
		"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=" +
		"https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN" +
		"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	h := http.Header{}
	h.Set("X-Slack-Request-Timestamp", "1531420618")
	h.Set("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")
	signed, err := slack.App().Webhook.Signatures[0].Verify(h, []byte(body), "8f742231b10e8888abcd99yyyzzz85a5", time.Unix(1531420618, 0), 5*time.Minute)
	if err != nil || signed.Time.Unix() != 1531420618 {
		t.Errorf("got %v, %v", signed, err)
	}
}

// Reading methods are idempotent and are sent as a form; changing methods of the
// families with JSON are sent as JSON.
func TestEncodings(t *testing.T) {
	c := slack.App().Catalogue
	for _, name := range c.Operations() {
		o, _ := c.Operation(name)
		if o.Body == nil || o.Body.Encoding == bindings.Multipart {
			continue
		}
		group, _, _ := strings.Cut(name, ".")
		want := bindings.Form
		if slices.Contains([]string{"chat", "conversations", "users"}, group) && !o.Safe {
			want = bindings.JSON
		}
		if o.Body.Encoding != want {
			t.Errorf("%s: its body is %s, expected %s", name, o.Body.Encoding, want)
		}
	}
}

// A method whose word is that of a change is not safe.
func TestReadingMethods(t *testing.T) {
	c := slack.App().Catalogue
	changes := regexp.MustCompile(`\.(add|approve|archive|assign|bulk|cancel|clear|complete|convert|create|delete|deny|disable|edit|enable|end|` +
		`invalidate|invite|open|post|publish|push|remove|rename|reset|restrict|revoke|rotate|set|share|start|unarchive|uninstall|unpublish|update)(_|$)`)
	for _, name := range c.Operations() {
		if o, _ := c.Operation(name); o.Safe && changes.MatchString(name) {
			t.Errorf("%s is safe", name)
		}
	}
	if o, _ := c.Operation("admin_users_unsupported_versions.export"); o.Safe {
		t.Errorf("%s is safe, and has Slackbot send a message", o.Name)
	}
	for _, name := range []string{"conversations.list", "conversations.history", "users.lookup_by_email", "chat.get_permalink", "auth.test", "files.list", "team.info"} {
		if o, _ := c.Operation(name); !o.Safe {
			t.Errorf("%s is not safe", name)
		}
	}
	if slack.App().JSONType != "application/json; charset=utf-8" {
		t.Error("JSON is sent without its charset, and answers have the warning missing_charset")
	}
	if o, _ := c.Operation("chat.post_message"); o.Safe {
		t.Error("chat.post_message is safe")
	}
}

// All methods exist, and all lists are paged, except the search that answers with
// pages of three lists at once.
func TestEveryListIsPaged(t *testing.T) {
	c := slack.App().Catalogue
	if n := len(c.Operations()); n != 280 {
		t.Errorf("%d methods, expected 280", n)
	}
	for _, name := range c.Operations() {
		o, _ := c.Operation(name)
		if o.Pages != nil || o.Body == nil {
			continue
		}
		_, d := c.Resolve(&o.Body.Type)
		if slices.ContainsFunc(d.Fields, func(f bindings.Field) bool { return f.Name == "cursor" || f.Name == "page" }) && name != "search.all" {
			t.Errorf("%s is paged, and each cannot walk it", name)
		}
	}
}
