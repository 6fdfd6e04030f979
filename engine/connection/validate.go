package connection

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/config"
)

// addProblem adds a problem at a path below connections. Nothing is sent on the
// connection then. It stays among those of its app: else a call could go to the
// only other one.
func (b *builder) addProblem(c *Connection, setting, message string, args ...any) {
	if c.state != nil && c.app != nil {
		text := strings.TrimPrefix(setting+": ", ": ") + fmt.Sprintf(message, args...)
		if before, kind, _ := c.currentProblem(); kind == Misconfigured {
			text = trimPrefix(before.Message, c.Name()) + "; " + text
		}
		c.setProblem(Misconfigured, broken(c.app.Name, c.Name(), "%s", text), b.config.Clock.Now())
	}
	path := "connections." + c.Name()
	if setting != "" {
		path += "." + setting
	}
	b.addProblemAt(path, message, args...)
}

func (b *builder) addProblemAt(path, message string, args ...any) {
	b.problems = append(b.problems, &Problem{Path: path, Text: fmt.Sprintf(message, args...)})
}

// minInterval protects a vendor's rate limit from a mistake in the settings.
const minInterval = 10 * time.Second

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(/[A-Za-z0-9][A-Za-z0-9_-]*)?$`)

// ValidName reports whether a text can be the name of a connection.
func ValidName(name string) bool { return namePattern.MatchString(name) }

// check checks one connection by itself, and adds it to the others.
func (b *builder) check(c *Connection) {
	c.settings.BaseURL = strings.TrimRight(c.settings.BaseURL, "/")
	settings := c.settings
	if b.snapshot.byName[settings.Name] != nil {
		b.addProblem(c, "", "is listed twice")
		return
	}
	var known []string
	for _, app := range b.config.Apps {
		known = append(known, app.Name)
		if app.Name == appOf(settings.Name) {
			c.app = app
		}
	}
	switch {
	case !namePattern.MatchString(settings.Name):
		b.addProblem(c, "", `expected a name such as "highlevel" or "highlevel/paris": an app, and behind a slash letters, digits, "-" and "_"`)
		if c.app == nil {
			return
		}
	case c.app == nil:
		b.addProblem(c, "", "there is no app %q%s; known are %s", appOf(settings.Name), didYouMean(appOf(settings.Name), known), joinOrNone(known))
		return
	}
	for setting, value := range settings.Fields() {
		if text, isText := value.(*string); isText && *text != "" {
			b.checkText(c, setting, *text)
		}
	}
	b.checkSignatures(c)
	b.checkIntervals(c)
	b.snapshot.byName[settings.Name] = c
	b.snapshot.sorted = append(b.snapshot.sorted, c)
}

// checkIntervals checks the settings of times, and that there is something to
// poll.
func (b *builder) checkIntervals(c *Connection) {
	settings := c.settings
	if settings.Timeout < 0 {
		b.addProblem(c, "timeout", "expected a duration above zero, found %s", settings.Timeout)
	}
	for _, every := range []struct {
		name  string
		value time.Duration
	}{{"poll", settings.Poll}, {"reconcile", settings.Reconcile}} {
		if every.value != config.Off && every.value != 0 && every.value < minInterval {
			b.addProblem(c, every.name, "expected off, or %s at least, found %s", minInterval, every.value)
		}
	}
	reconciles := func(p bindings.Poll) bool { return p.Reconcile }
	if settings.Reconcile > 0 && !slices.ContainsFunc(c.app.Polls, reconciles) {
		b.addProblem(c, "reconcile", "%s has no list in which what webhooks lost could be found", c.app.Name)
	}
	if (settings.Poll > 0 || !settings.Since.IsZero()) && len(c.app.Polls) == 0 {
		b.addProblem(c, "poll", "%s has no list that could be polled", c.app.Name)
	}
}

// checkText checks a setting that is a text by its kind.
func (b *builder) checkText(c *Connection, setting config.Setting, text string) {
	switch {
	case setting.Secret && strings.TrimSpace(text) == "":
		b.addEmpty(c, setting.Name)
	case setting.Kind == config.URL:
		b.checkURL(c, setting.Name, text)
	case setting.Kind == config.Choice && !slices.Contains(setting.Choices, text):
		b.addProblem(c, setting.Name, `expected "%s", found %q`, strings.Join(setting.Choices, `" or "`), text)
	case setting.Kind == config.Text && strings.ContainsFunc(text, isControl):
		b.addProblem(c, setting.Name, "holds a line break or another control character")
	}
}

// addEmpty adds the problem of a secret without a value.
func (b *builder) addEmpty(c *Connection, setting string) {
	if c.configured {
		b.addProblem(c, setting, "is empty; is the variable or file that it refers to filled?")
		return
	}
	b.addProblem(c, setting, "is empty in the vault; connect again: tidewire connect %s", c.Name())
}

// checkURL requires https, since credentials are sent there; http is accepted
// on this machine.
func (b *builder) checkURL(c *Connection, setting, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		b.addProblem(c, setting, "expected an address such as https://host/path, without user, query and fragment")
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u.Hostname()):
	default:
		b.addProblem(c, setting, "expected https (http only on this machine), found %q", u.Scheme+"://"+u.Host)
	}
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func (b *builder) checkSignatures(c *Connection) {
	var all, optional []string
	if c.app.Webhook != nil {
		for _, s := range c.app.Webhook.Signatures {
			all = append(all, s.Name)
			if s.OptIn {
				optional = append(optional, s.Name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.settings.WebhookKeys)) {
		setting := "webhook_keys." + name
		if !slices.Contains(all, name) {
			b.addProblem(c, setting, "%s has no such signature%s; it has %s", c.app.Name, didYouMean(name, all), joinOrNone(all))
			continue
		}
		block, _ := pem.Decode([]byte(c.settings.WebhookKeys[name]))
		if block == nil {
			b.addProblem(c, setting, "expected a public key in PEM (-----BEGIN PUBLIC KEY-----)")
		} else if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil {
			b.addProblem(c, setting, "expected a public key in PEM, found %q", block.Type)
		}
	}
	for _, name := range c.settings.Signatures {
		if !slices.Contains(optional, name) {
			b.addProblem(c, "signatures", "%s has no signature %q to ask for%s; it has %s", c.app.Name, name, didYouMean(name, optional), joinOrNone(optional))
		}
	}
}

// setParent sets the parent of a connection.
func (b *builder) setParent(c *Connection) {
	name := c.settings.Parent
	if name == "" {
		return
	}
	parent := b.snapshot.byName[name]
	switch {
	case parent == nil:
		b.addProblem(c, "parent", "there is no connection %q%s", name, didYouMean(name, slices.Sorted(maps.Keys(b.snapshot.byName))))
	case parent == c:
		b.addProblem(c, "parent", "a connection is not its own parent")
	case parent.app != c.app:
		b.addProblem(c, "parent", "%q is a connection to %s, expected one to %s", name, parent.app.Name, c.app.Name)
	case parent.settings.Parent != "":
		b.addProblem(c, "parent", "%q has a parent itself, expected one without", name)
	default:
		c.parent, parent.isParent = parent, true
	}
}

// checkAccounts checks what is between connections: no account twice, and the
// names under accounts:.
func (b *builder) checkAccounts() {
	// A bot and a person may share an account; two of a kind would receive every event twice.
	owner := map[[3]string]*Connection{}
	for _, c := range b.snapshot.sorted {
		if c.settings.Account == "" {
			continue
		}
		key := [3]string{c.app.Name, c.settings.Account, c.settings.As}
		switch other := owner[key]; {
		case other == nil:
			owner[key] = c
		case c.configured && other.configured:
			b.addProblem(c, "account", "%q is the account of %q too", c.settings.Account, other.Name())
		case c.configured: // the configured one is used
			b.rejectDuplicate(other, c)
			owner[key] = c
		default:
			b.rejectDuplicate(c, other)
		}
	}
	known := slices.Sorted(maps.Keys(b.snapshot.byName))
	for _, from := range slices.Sorted(maps.Keys(b.config.Accounts)) {
		path := "accounts." + from
		if b.snapshot.byName[from] == nil {
			b.addMissing(path, from, known)
		}
		byApp := map[string]string{}
		for _, to := range b.config.Accounts[from] {
			app := appOf(to)
			switch {
			case b.snapshot.byName[to] == nil:
				b.addMissing(path, to, known)
			case app == appOf(from):
				b.addProblemAt(path, "%q is of the same app; calls to an event's own app always go to the event's connection", to)
			case byApp[app] != "":
				b.addProblemAt(path, "both %q and %q; expected one connection of each app", byApp[app], to)
			}
			byApp[app] = to
		}
	}
}

// addMissing adds the problem of a connection that accounts: names and that does
// not exist.
func (b *builder) addMissing(path, name string, known []string) {
	p := &Problem{Path: path, Text: fmt.Sprintf("there is no connection %q%s", name, didYouMean(name, known)), Missing: true}
	b.problems = append(b.problems, p)
}

// rejectDuplicate makes a connection unusable whose account another one has.
func (b *builder) rejectDuplicate(c, other *Connection) {
	c.setProblem(Misconfigured, broken(c.app.Name, c.Name(), "%s has its %s %q too; remove one of them: tidewire connections remove %s",
		other.Name(), c.app.Account.Noun, c.settings.Account, c.Name()), b.config.Clock.Now())
}

func didYouMean(name string, candidates []string) string {
	if near := bindings.Nearest(name, candidates); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
