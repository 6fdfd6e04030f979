package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connect"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/connection/callback"
)

// defaultRedirect is the redirect URL of logins. It is always the same, since
// vendors require it to be registered at the app.
const defaultRedirect = "http://localhost:8976/callback"

// connectFlags are the flags of connect.
type connectFlags struct {
	folder                          folderFlags
	way, scopes, clientID, redirect string
	manual, noBrowser               bool
	stdin, untested, ask            bool
	writes                          bool // --read-only=false
	set                             []string
	given                           connection.Settings
	wait                            time.Duration
}

func connectCommand(t terminal) *cobra.Command {
	f := &connectFlags{}
	c := &cobra.Command{
		Use:   "connect APP[/NAME]",
		Short: "Connect an account of an app, or connect it again",
		Long: `Connect an account of an app: by OAuth in the browser, or with a key. What it
gets is stored encrypted in the data folder, and a running engine uses it at once;
runs that a broken connection stopped go on.

On a machine without a browser, --manual prints the address to open elsewhere
and asks for the one that the browser is sent to. Keys are asked for without
being shown; --stdin reads them instead: one line, or lines NAME=VALUE.

Settings of the connection in tidewire.yaml override what is stored. client_id and
client_secret may be there, in TIDEWIRE_CONNECTIONS__APP__CLIENT_SECRET, or be
given here.

An account that is connected again is connected as it is now: the same way, the
same scopes, and for reading only if it is so now. --way, --scopes and
--read-only=false change that, and --ask asks for all of it; what is requested in
addition is printed before.`,
		RunE: func(c *cobra.Command, args []string) error {
			f.writes = c.Flags().Changed("read-only") && !f.given.ReadOnly
			apps, err := appsOf(f.folder.dir)
			if err != nil {
				return err
			}
			connector, err := connect.Open(f.folder.sources(t), apps)
			if err != nil {
				return err
			}
			defer connector.Close()
			made, d, err := f.connect(c.Context(), t, connector, args[0])
			if d != nil && made.Test.Name != "" {
				printResult(t.out, d, made)
			}
			return err
		},
	}
	f.folder.addDir(c.Flags())
	flags := c.Flags()
	for setting, into := range f.given.Fields() {
		if setting.Flag != "" {
			settingFlag(flags, setting, into)
		}
	}
	flags.StringVar(&f.way, "way", "", "way to connect, where the app has several (oauth, token, …)")
	flags.StringVar(&f.scopes, "scopes", "", "scopes to ask for, with commas between")
	flags.StringVar(&f.clientID, "client-id", "", "client_id of the app at the vendor")
	flags.StringArrayVar(&f.set, "set", nil, "further setting NAME=VALUE that is no secret, such as tenant=…")
	flags.BoolVar(&f.stdin, "stdin", false, "read secrets from standard input")
	flags.BoolVar(&f.manual, "manual", false, "ask for the address that the browser is sent to, instead of listening for it")
	flags.BoolVar(&f.noBrowser, "no-browser", false, "print the address and open no browser")
	flags.StringVar(&f.redirect, "redirect", "", "address that the browser comes back to (default "+defaultRedirect+")")
	flags.BoolVar(&f.untested, "untested", false, "store a key without a test")
	flags.BoolVar(&f.ask, "ask", false, "ask again for what is known already")
	flags.DurationVar(&f.wait, "wait", 10*time.Minute, "how long to wait for the browser")
	return c
}

func (f *connectFlags) connect(ctx context.Context, t terminal, connector *connect.Connector, name string) (connect.Result, *connect.Draft, error) {
	d, err := connector.Draft(name, f.given)
	if err != nil {
		return connect.Result{}, nil, err
	}
	if f.writes {
		if err := d.AllowWrites(); err != nil {
			return connect.Result{}, nil, err
		}
		if d.Previous != nil && d.Previous.ReadOnly {
			printf(t.err, "%s only reads now, and may change something from then on.\n", name)
		}
	}
	prompt := newPrompter(t)
	if f.given.Parent != "" {
		made, err := connector.SaveChild(ctx, d)
		return made, d, err
	}
	with, err := f.selectAuth(ctx, prompt, d)
	if err != nil {
		return connect.Result{}, nil, err
	}
	made, err := f.authorise(ctx, t, prompt, connector, with)
	return made, d, err
}

// authorise asks for what is missing, and connects.
func (f *connectFlags) authorise(ctx context.Context, t terminal, prompt prompter, connector *connect.Connector, d *connect.AuthDraft) (connect.Result, error) {
	if err := f.fillFields(ctx, t, prompt, d); err != nil {
		return connect.Result{}, err
	}
	if o := d.Auth.OAuth; o == nil || o.ClientCredentials {
		return connector.SaveKey(ctx, d, f.untested)
	}
	scopes, err := f.selectScopes(ctx, prompt, connector, d)
	if err != nil {
		return connect.Result{}, err
	}
	if more := d.MoreScopes(scopes); len(more) > 0 {
		printf(t.err, "This asks for scopes that %s does not have now: %s\n", d.Settings.Name, strings.Join(more, " "))
	}
	return f.login(ctx, t, prompt, connector, d, scopes)
}

// selectAuth selects the way to connect.
func (f *connectFlags) selectAuth(ctx context.Context, prompt prompter, d *connect.Draft) (*connect.AuthDraft, error) {
	choose := f.ask && f.way == "" && len(d.App.Auth) > 1 && prompt.interactive()
	selected, err := d.WithAuth(f.way)
	if err != nil || selected != nil && !choose {
		return selected, err
	}
	var names, titles []string
	for _, auth := range d.App.Auth {
		names = append(names, auth.Name)
		titles = append(titles, titleOf(auth))
	}
	if !prompt.interactive() {
		return nil, usageError{fmt.Errorf("--way is missing: %s can be connected by %s", d.App.Title, strings.Join(names, ", "))}
	}
	n, err := prompt.choose(ctx, "How is "+d.App.Title+" to be connected?", titles)
	if err != nil {
		return nil, err
	}
	return d.WithAuth(names[n])
}

func titleOf(auth bindings.Auth) string {
	if auth.Title == "" {
		return auth.Name
	}
	return auth.Title
}

// fillFields sets the settings that are missing: from flags, standard input, or
// answers of the person.
func (f *connectFlags) fillFields(ctx context.Context, t terminal, prompt prompter, d *connect.AuthDraft) error {
	isKey := d.Auth.OAuth == nil
	if f.ask || d.Exists && isKey {
		d.ClearFields()
	}
	if f.clientID != "" {
		d.SetField("client_id", f.clientID)
	}
	for _, pair := range f.set {
		name, value, found := strings.Cut(pair, "=")
		switch {
		case !found:
			return usageError{fmt.Errorf("--set: found %q, expected NAME=VALUE", pair)}
		case d.Secret(name):
			return usageError{fmt.Errorf("--set: %s is a secret, and the command line shows in lists of processes; leave it out to be asked for it, or use --stdin", name)}
		}
		d.SetField(name, value)
	}
	if f.stdin {
		if err := readGiven(t.in, d); err != nil {
			return err
		}
	}
	missing := d.Missing()
	if len(missing) == 0 {
		return nil
	}
	if !prompt.interactive() {
		return usageError{fmt.Errorf("%s missing; give it with --stdin (%s), in tidewire.yaml or a variable, or at a terminal",
			joinNames(missing), strings.Join(missing, "=…, ")+"=…")}
	}
	if d.Auth.Help != "" {
		printf(prompt.out, "%s\n", d.Auth.Help)
	}
	for _, name := range missing {
		ask := prompt.line
		if d.Secret(name) {
			ask = prompt.hidden
		}
		value, err := ask(ctx, name+": ")
		if err != nil {
			return err
		}
		if value == "" {
			return fmt.Errorf("%s is empty; nothing was changed", name)
		}
		d.SetField(name, value)
	}
	return f.webhookSecret(ctx, prompt, d)
}

// webhookSecret asks for the secret that signs webhooks, where the customer has
// one.
func (f *connectFlags) webhookSecret(ctx context.Context, prompt prompter, d *connect.AuthDraft) error {
	hook := d.App.Webhook
	if hook == nil || len(hook.Signatures) == 0 || hook.Signatures[0].Key != "" || d.Settings.WebhookSecret != "" || d.Auth.OAuth != nil {
		return nil
	}
	value, err := prompt.hidden(ctx, "secret that its webhooks are signed with (Enter for none yet): ")
	d.Settings.WebhookSecret = value
	return err
}

// joinNames returns names as the subject of a sentence: "a and b are".
func joinNames(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " are"
}

// readGiven reads lines NAME=VALUE, or one line with the secret that is missing.
func readGiven(in io.Reader, d *connect.AuthDraft) error {
	text, err := io.ReadAll(io.LimitReader(in, maxLine))
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	known := append(append([]string{"account", "webhook_secret"}, d.Auth.Fields...), d.Auth.Optional...)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	missing := d.Missing()
	for n, line := range lines {
		line = strings.TrimSpace(line)
		name, value, _ := strings.Cut(line, "=")
		named := false
		for _, one := range known {
			named = named || one == name
		}
		switch {
		case line == "" || line[0] == '#':
		case named:
			d.SetField(name, value)
		case len(lines) == 1 && len(missing) > 0:
			// The line is the missing secret; account and client_id are no secrets.
			for _, one := range missing {
				if d.Secret(one) {
					d.SetField(one, line)
					break
				}
			}
		default:
			return fmt.Errorf("standard input, line %d: expected one of %s=VALUE", n+1, strings.Join(known, ", "))
		}
	}
	return nil
}

// selectScopes returns the scopes to ask for: those that the connection has
// already, or else the usual ones are offered first.
func (f *connectFlags) selectScopes(ctx context.Context, prompt prompter, connector *connect.Connector, d *connect.AuthDraft) ([]string, error) {
	usual, readOnly, needed := connector.ScopeChoices(d)
	if f.scopes != "" {
		return bindings.SplitScopes(f.scopes), nil
	}
	asks := prompt.interactive() && (f.ask || len(d.PreviousScopes()) == 0)
	if previous := f.previousScopes(d); len(previous) > 0 && !asks {
		return previous, nil
	}
	switch {
	case d.Settings.ReadOnly && len(readOnly) > 0:
		return readOnly, nil
	case d.Settings.ReadOnly:
		return nil, usageError{fmt.Errorf("--read-only: which scopes of %s read only is not known; name them with --scopes", d.App.Title)}
	case !prompt.interactive() && len(usual) > 0:
		return usual, nil
	case !prompt.interactive():
		return needed, nil
	}
	return f.askScopes(ctx, prompt, d, usual, readOnly, needed)
}

// previousScopes returns the scopes that a connection has already; with --read-only
// those that only read.
func (f *connectFlags) previousScopes(d *connect.AuthDraft) []string {
	previous := d.PreviousScopes()
	if f.given.ReadOnly {
		return d.ReadScopes(previous)
	}
	return previous
}

func (f *connectFlags) askScopes(ctx context.Context, prompt prompter, d *connect.AuthDraft, usual, readOnly, needed []string) ([]string, error) {
	var options []string
	var sets [][]string
	offer := func(what string, scopes []string) {
		if len(scopes) > 0 {
			options, sets = append(options, fmt.Sprintf("%s: %s", what, strings.Join(scopes, " "))), append(sets, scopes)
		}
	}
	offer("those that it has now", f.previousScopes(d))
	offer("the usual ones", usual)
	offer("what the scripts here need", needed)
	offer("those that read only", readOnly)
	options = append(options, "others")
	n, err := prompt.choose(ctx, "Which scopes are to be asked for?", options)
	if err != nil {
		return nil, err
	}
	if n < len(sets) {
		d.Settings.ReadOnly = d.Settings.ReadOnly || strings.HasPrefix(options[n], "those that read only")
		return sets[n], nil
	}
	text, err := prompt.line(ctx, "scopes, with commas or blanks between: ")
	return bindings.SplitScopes(text), err
}

// login connects by OAuth: a person authorises it in the browser.
func (f *connectFlags) login(ctx context.Context, t terminal, prompt prompter, connector *connect.Connector, d *connect.AuthDraft, scopes []string) (connect.Result, error) {
	redirect, manual := f.redirect, f.manual
	if redirect == "" {
		redirect = defaultRedirect
		if d.Auth.OAuth.HTTPSRedirect {
			// Nothing is served there; the person copies the address.
			redirect = "https" + strings.TrimPrefix(redirect, "http")
		}
	}
	manual = manual || !strings.HasPrefix(redirect, "http://")
	login := connector.Login(d, redirect, scopes)
	ctx, cancel := context.WithTimeoutCause(ctx, f.wait, fmt.Errorf("nobody came back from the consent page within %s; nothing was changed", f.wait))
	defer cancel()
	var made connect.Result
	redeem := func(ctx context.Context, answer url.Values) (callback.Page, error) {
		grant, err := login.Redeem(ctx, answer)
		if err != nil {
			return callback.Page{}, err
		}
		made, err = connector.SaveOAuth(ctx, d, login, grant)
		return callback.Page{Title: d.App.Title + " is connected", Text: "You can close this page and go back to the terminal."}, err
	}
	if manual {
		printf(t.err, "Open this address in a browser, on any machine:\n\n%s\n\nIt is sent to %s, where it may find nothing. Copy the address that it shows then.\n", login.URL(), redirect)
		text, err := prompt.line(ctx, "address: ")
		if err != nil {
			return made, err
		}
		answer, err := connection.ParseRedirect(text)
		if err != nil {
			return made, err
		}
		_, err = redeem(ctx, answer)
		return made, err
	}
	receiver, err := callback.Listen(redirect)
	if err != nil {
		return made, err
	}
	defer receiver.Close()
	printf(t.err, "Open this address in a browser on this machine:\n\n%s\n\nThe app at %s must have the redirect URL %s. Waiting for the browser …\n", login.URL(), d.App.Title, redirect)
	if !f.noBrowser {
		openBrowser(login.URL())
	}
	err = receiver.Wait(ctx, login.Matches, redeem)
	return made, err
}

// openBrowser opens an address in the browser, if there is one. The address was
// also printed.
func openBrowser(address string) {
	command := exec.Command("xdg-open", address)
	switch runtime.GOOS {
	case "darwin":
		command = exec.Command("open", address)
	case "windows":
		command = exec.Command("rundll32", "url.dll,FileProtocolHandler", address)
	}
	if command.Start() == nil {
		go command.Wait() // the command ends once it has passed the address to a browser
	}
}

// printResult prints what was connected, with its scopes.
func printResult(out io.Writer, d *connect.Draft, made connect.Result) {
	s := made.Test
	printf(out, "%s is connected%s\n", s.Name, accountText(d.App, s.Status))
	if len(s.Scopes) > 0 {
		printf(out, "granted      %s\n", strings.Join(s.Scopes, " "))
	}
	if len(made.Lacking) > 0 {
		printf(out, "not granted  %s\n", strings.Join(made.Lacking, " "))
	}
	printLacks(out, s)
	if s.Problem != "" {
		printf(out, "but a test call did not succeed: %s\n", s.Problem)
	}
	if made.Running {
		fmt.Fprintln(out, "the running engine uses it from now on")
	}
}

// accountText returns the account of a connection, for the end of a sentence.
func accountText(app *bindings.App, s connection.Status) string {
	noun := app.Account.Noun
	if s.Kind != "" {
		noun = s.Kind
	}
	switch {
	case s.DisplayName != "" && s.Account != "":
		return fmt.Sprintf(": %s %s (%s)", noun, s.DisplayName, s.Account)
	case s.DisplayName != "":
		return ": " + s.DisplayName
	case s.Account != "":
		return fmt.Sprintf(": %s %s", noun, s.Account)
	}
	return ""
}
