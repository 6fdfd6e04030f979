package slack_test

import (
	"net/http"
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

// What reads may be sent again, and takes a form; what changes something may
// not, and takes JSON.
func TestReadingMethods(t *testing.T) {
	c := slack.App().Catalogue
	for _, name := range c.Operations() {
		o, _ := c.Operation(name)
		if o.Body == nil || o.Body.Encoding == bindings.Multipart {
			continue
		}
		if reads := o.Body.Encoding == bindings.Form; reads != o.Safe {
			t.Errorf("%s: safe is %v, and its body is %s", name, o.Safe, o.Body.Encoding)
		}
	}
	for _, name := range []string{"conversations.list", "conversations.history", "users.lookup_by_email", "chat.get_permalink"} {
		if o, _ := c.Operation(name); !o.Safe {
			t.Errorf("%s is not safe", name)
		}
	}
	if o, _ := c.Operation("chat.post_message"); o.Safe {
		t.Error("chat.post_message is safe")
	}
}
