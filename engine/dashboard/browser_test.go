package dashboard_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	tab "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/tidewire/tidewire/engine/journal"
)

var shots = flag.String("shots", "", "a folder for pictures of the pages, as phones and desktops show them")

// browser starts a real browser, or skips the test where none is installed. An
// error in the browser's log, such as a violation of the content policy, fails
// the test.
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
		t.Skip("no chromium is installed, so that the page is not tried in a real browser")
	}
	if testing.Short() {
		t.Skip("a real browser takes seconds")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, chromedp.WSURLReadTimeout(2*time.Minute), chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(stop)
	ctx, cancel := context.WithTimeout(allocator, 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		defer cancel()
		if err := chromedp.Cancel(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*log.EventEntryAdded); ok && e.Entry.Level == log.EntryLevelError {
			t.Errorf("the browser complains: %s", e.Entry.Text)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	// Without a focused window, :focus styles would not apply.
	if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// do runs steps one after the other.
func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// get runs one step and returns its result.
func get[T any](t *testing.T, ctx context.Context, step chromedp.Action[T]) T {
	t.Helper()
	found, err := chromedp.Run(ctx, step)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// checkText checks that the page contains texts.
func checkText(t *testing.T, ctx context.Context, texts ...string) {
	t.Helper()
	got := get(t, ctx, chromedp.Text("main"))
	for _, text := range texts {
		if !strings.Contains(got, text) {
			t.Errorf("the page has no %q:\n%s", text, got)
		}
	}
}

// TestBrowser opens the link as on a phone, fills in the form, and decides.
func TestBrowser(t *testing.T) {
	ctx := browser(t)
	d := serve(t, invoice())
	do(t, ctx, chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch), chromedp.Navigate(d.link()))
	checkText(t, ctx, "Pay invoice 412?", "Supplier: Atelier Durand\nAmount:   4,820.00 EUR\n\nDue on 4 April 2026.")

	// Without a name, the browser refuses to send the form; Enter makes no choice.
	do(t, ctx, chromedp.Click(`button[value="approve"]`), chromedp.SendKeys("#by", "Inès Moreau"+kb.Enter))
	if made := d.store.decision("a1"); made != nil {
		t.Fatalf("a decision was made without a choice: %+v", made)
	}
	do(t, ctx, chromedp.SendKeys("#by", kb.Tab))
	if active := get(t, ctx, chromedp.Evaluate[string](`document.activeElement.id`)); active != "note" {
		t.Errorf("after the name comes %q, want the note", active)
	}
	do(t, ctx, chromedp.SendKeys("#note", "Fine by me."))
	loaded := func(tab.EventLoadEventFired) bool { return true }
	get(t, ctx, chromedp.WaitEvent(tab.LoadEventFired, loaded, chromedp.Click(`button[value="approve"]`)))
	checkText(t, ctx, "Thank you. Your answer was taken", "Approve", "by Inès Moreau, 28 March 2026, 12:00 UTC", "Fine by me.")
	if made := d.store.decision("a1"); made == nil || made.Choice != "approve" || made.By != "Inès Moreau" {
		t.Fatalf("the decision is %+v", made)
	}
	do(t, ctx, chromedp.Reload())
	checkText(t, ctx, "Approve", "by Inès Moreau")
	do(t, ctx, chromedp.Navigate(d.link()))
	checkText(t, ctx, "This is decided", "Approve", "by Inès Moreau")
}

// TestBrowserRunsNothing shows a question with markup, which must not be run or
// loaded.
func TestBrowserRunsNothing(t *testing.T) {
	ctx := browser(t)
	a := invoice()
	a.Title, a.Text = `<script>document.title="run"</script>`, `<img src=x onerror='document.title="run"'>`
	d := serve(t, a)
	do(t, ctx, chromedp.Navigate(d.link()))
	title := get(t, ctx, chromedp.Title())
	elements := get(t, ctx, chromedp.Evaluate[int](`document.querySelectorAll("script, img, iframe").length`))
	if title != "Approval: "+a.Title || elements != 0 {
		t.Errorf("the title is %q, with %d elements that are not ours", title, elements)
	}
	checkText(t, ctx, a.Title, a.Text)
}

// TestPageLayout measures the page on phones and desktops, light and dark: it is
// no wider than the screen, fields and buttons are at least 44 pixels high and
// wide, and texts and edges have enough contrast. With -shots it takes pictures.
func TestPageLayout(t *testing.T) {
	ctx := browser(t)
	open, wide, decided := invoice(), invoice(), invoice()
	open.Title = "Pay invoice 2026-0412 of Atelier Durand?"
	wide.ID, wide.Title, wide.Text = "a2", "Welcome Jean-Baptiste-Emmanuel_Vandenbroucke-Lemaître_"+strings.Repeat("0195e1c2", 12), strings.Repeat("W", 300)
	wide.Choices = []string{"approve", "send back to the supplier with a question", "reject", "later"}
	decided.ID, decided.Decision = "a3", &journal.Decision{Choice: "reject", By: "Inès Moreau", Note: "Too much:\nask again.", At: noon}
	d := serve(t, open, wide, decided)
	screens := []struct {
		name          string
		width, height int64
		options       []chromedp.EmulateViewportOption
	}{
		{"phone", 390, 844, []chromedp.EmulateViewportOption{chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateScale(2)}},
		{"small", 320, 568, []chromedp.EmulateViewportOption{chromedp.EmulateMobile, chromedp.EmulateTouch}},
		{"desktop", 1280, 900, nil},
	}
	pages := map[string]string{
		"open": d.dashboard.Link("a1", noon.Add(time.Hour)), "wide": d.dashboard.Link("a2", time.Time{}),
		"decided": d.dashboard.Link("a3", time.Time{}), "thanks": d.dashboard.Link("a3", time.Time{}) + "?thanks",
	}
	for _, screen := range screens {
		for _, scheme := range []string{"light", "dark"} {
			do(t, ctx, chromedp.EmulateViewport(screen.width, screen.height, screen.options...))
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
				t.Fatal(err)
			}
			for name, link := range pages {
				where := name + "-" + screen.name + "-" + scheme
				do(t, ctx, chromedp.Navigate(link))
				for _, text := range get(t, ctx, chromedp.Evaluate[[]string](measure)) {
					t.Errorf("%s: %s", where, text)
				}
				if *shots == "" {
					continue
				}
				picture := get(t, ctx, chromedp.FullScreenshot(100))
				if err := os.WriteFile(filepath.Join(*shots, where+".png"), picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// measure lists what is wrong with the layout of the page.
const measure = `(() => {
  const wrong = []
  const parse = c => (c.match(/[\d.]+/g) || []).map(Number)
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0)
  const back = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor)
      if (c.length === 3 || c[3] === 1) return c
    }
    return [255, 255, 255]
  }
  if (document.documentElement.scrollWidth > innerWidth) wrong.push("it is wider than the screen: " + document.documentElement.scrollWidth)
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
    if (!own || !e.offsetParent) continue
    const a = light(parse(getComputedStyle(e).color)), b = light(back(e))
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05)
    if (ratio < 4.5) wrong.push("contrast " + ratio.toFixed(2) + " of " + e.textContent.trim().slice(0, 40))
  }
  for (const e of document.querySelectorAll("button:not([hidden]), input:not([type=hidden]), textarea")) {
    const box = e.getBoundingClientRect()
    if (box.height < 44 || box.width < 44) wrong.push(e.name + " is " + box.width + " by " + box.height)
    if (e.tagName !== "BUTTON" && !e.labels.length) wrong.push(e.name + " has no label")
    const edge = light(parse(getComputedStyle(e).borderTopColor)), under = light(back(e.parentElement))
    const ratio = (Math.max(edge, under) + .05) / (Math.min(edge, under) + .05)
    if (ratio < 3) wrong.push("edge " + ratio.toFixed(2) + " of " + e.name)
    e.focus({ focusVisible: true })
    if (getComputedStyle(e).outlineStyle === "none") wrong.push(e.name + " shows no focus")
    e.blur()
  }
  return wrong
})()`
