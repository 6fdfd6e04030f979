package callback_test

import (
	"context"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	tab "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/connection/callback"
)

// browser starts a real one, or skips the test where none is installed.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no chromium is installed, so that the login is not tried in a real browser")
	}
	if testing.Short() {
		t.Skip("a real browser takes seconds")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(stop)
	ctx, cancel := context.WithTimeout(allocator, 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		defer cancel()
		if err := chromedp.Cancel(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := chromedp.Listen(ctx, func(event any) {
		e, ok := event.(*log.EventEntryAdded)
		// The server does not answer for a favicon once it is closed.
		if ok && e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.URL, "favicon") && !strings.HasPrefix(e.Entry.URL, "https://localhost") {
			t.Errorf("the browser complains: %s (%s)", e.Entry.Text, e.Entry.URL)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func get[T any](t *testing.T, ctx context.Context, step chromedp.Action[T]) T {
	t.Helper()
	found, err := chromedp.Run(ctx, step)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// press clicks and waits for the next page.
func press(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	loaded := func(tab.EventLoadEventFired) bool { return true }
	get(t, ctx, chromedp.WaitEvent(tab.LoadEventFired, loaded, chromedp.Click(selector)))
}

// login begins an authorisation at the sandbox's server.
func login(t *testing.T, apps *sandbox.Sandbox, name, as, redirect string) *connection.Login {
	t.Helper()
	i := slices.IndexFunc(all.Apps(), func(app *bindings.App) bool { return app.Name == name })
	app := all.Apps()[i]
	w := slices.IndexFunc(app.Auth, func(a bindings.Auth) bool { return a.OAuth != nil })
	scopes, _ := connection.ScopeChoices(app, &app.Auth[w], as)
	return connection.NewLogin(connection.LoginConfig{
		App: app, Auth: &app.Auth[w], Redirect: redirect, Scopes: scopes,
		Settings: connection.Settings{Name: name, As: as, AuthorizeURL: apps.AuthorizeURL(name), TokenURL: apps.TokenURL(name),
			Credentials: map[string]string{"client_id": sandbox.ClientID, "client_secret": sandbox.ClientSecret}},
	})
}

// TestBrowser is a person who agrees, chooses, or refuses on the consent pages
// of each app with OAuth, in a real browser.
func TestBrowser(t *testing.T) {
	ctx := browser(t)
	apps := startSandbox(t)
	for _, test := range []struct {
		app, as  string
		choose   string // a further click
		button   string
		account  string
		isParent bool
		refused  string
	}{
		{app: "highlevel", button: "allow", account: apps.Account("highlevel")},
		{app: "highlevel", as: "company", choose: `input[value="sandboxCompany000001"]`, button: "allow", account: "sandboxCompany000001", isParent: true},
		{app: "qonto", button: "allow"},
		{app: "asana", button: "allow"},
		{app: "googlecalendar", button: "allow"},
		{app: "qonto", button: "deny", refused: "Qonto did not authorise it: access_denied"},
	} {
		t.Run(strings.TrimSpace(test.app+" "+test.as+" "+test.button), func(t *testing.T) {
			redirect := "http://localhost:" + freePort(t) + "/callback"
			server, err := callback.Listen(redirect)
			if err != nil {
				t.Fatal(err)
			}
			l := login(t, apps, test.app, test.as, redirect)
			var grant connection.TokenResponse
			waited := make(chan error, 1)
			go func() {
				waited <- server.Wait(t.Context(), l.Matches, func(ctx context.Context, answer url.Values) (callback.Page, error) {
					var err error
					grant, err = l.Redeem(ctx, answer)
					return callback.Page{Title: "Connected", Text: "You can close this page."}, err
				})
			}()
			do(t, ctx, chromedp.Navigate(l.URL()))
			text := get(t, ctx, chromedp.Text("main"))
			for _, scope := range l.Scopes {
				if !strings.Contains(text, scope) {
					t.Errorf("the page does not have %s", scope)
				}
			}
			if test.choose != "" {
				do(t, ctx, chromedp.Click(test.choose))
			}
			press(t, ctx, `button[value="`+test.button+`"]`)
			err = <-waited
			end := get(t, ctx, chromedp.Text("main"))
			if test.refused != "" {
				if err == nil || err.Error() != test.refused || !strings.Contains(end, "Not connected") {
					t.Errorf("got %v; the page is %q", err, end)
				}
				return
			}
			if err != nil || !strings.Contains(end, "Connected") {
				t.Fatalf("got %v; the page is %q", err, end)
			}
			if grant.Account != test.account || grant.IsParent != test.isParent || grant.Access == "" || grant.Refresh == "" || !slices.Equal(grant.Scopes, l.Scopes) {
				t.Errorf("granted is account %q, isParent %v, scopes %v", grant.Account, grant.IsParent, grant.Scopes)
			}
		})
	}
}

// TestBrowserElsewhere is a person who copies the address at which nothing
// answered the browser: Slack accepts no redirect to an address of http.
func TestBrowserElsewhere(t *testing.T) {
	ctx := browser(t)
	apps := startSandbox(t)
	l := login(t, apps, "slack", "user", "https://localhost:"+freePort(t)+"/callback")
	do(t, ctx, chromedp.Navigate(l.URL()))
	moved := func(e tab.EventFrameNavigated) bool {
		return strings.HasPrefix(e.Frame.URL+e.Frame.UnreachableURL, "https://localhost") || strings.Contains(e.Frame.UnreachableURL, "https://localhost")
	}
	where := get(t, ctx, chromedp.WaitEvent(tab.FrameNavigated, moved, chromedp.Click(`button[value="allow"]`)))
	answer, err := connection.ParseRedirect(where.Frame.UnreachableURL)
	if err != nil {
		t.Fatal(err)
	}
	grant, err := l.Redeem(t.Context(), answer)
	if err != nil || grant.Access == "" || grant.Account != apps.Account("slack") || grant.DisplayName != "Sandbox" {
		t.Errorf("got account %q of %q, %v", grant.Account, grant.DisplayName, err)
	}
}
