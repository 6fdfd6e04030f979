package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// The suffixes of the names of an app's two files: the file that a person
// completes, and the catalogue that was generated from the document.
const (
	appSuffix       = ".app.yaml"
	catalogueSuffix = ".catalogue.txt"
)

// appFile is the content of NAME.app.yaml. A key is the tag `app` of a field, or
// else its name with "_" between its words; a duration is a text such as "30m".
type appFile struct {
	Title, BaseURL, Docs string
	Auth                 []bindings.Auth
	Variants             []bindings.Variant
	Test                 *bindings.Test
	Account              bindings.Account
	Errors               bindings.Errors
	Limits               []bindings.Limit
	JSONType             string
	KeyHeader            string
	KeyTTL               time.Duration
	Webhook              *bindings.Webhook
	Echo                 *bindings.Echo
	Polls                []bindings.Poll
	Subscriptions        []bindings.Subscription
	// Pages and Operations are by the operation's name, Triggers by their own.
	Pages      map[string]bindings.Pages
	Operations map[string]operationFields
	Triggers   map[string]bindings.Trigger
}

// operationFields are the fields of an operation that an app file can set. They
// replace what the document has; nil changes nothing.
type operationFields struct {
	Safe              *bool
	Idempotent        *string
	IdempotentWith    []string
	IdempotentWithout []string
	Key               *bool
	OwnKey            *bindings.OwnKey
	Find              []bindings.Find
	Limit             *string
	Scopes            []string
	Account           *string
}

// Load reads the apps of a folder, sorted by name. A folder that does not exist
// has none.
func Load(folder string) ([]*bindings.App, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*"+appSuffix))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []*bindings.App
	var problems []error
	for _, file := range files {
		app, err := load(file)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		all = append(all, app)
	}
	return all, errors.Join(problems...)
}

func load(file string) (*bindings.App, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	content, err := decode(file, source)
	if err != nil {
		return nil, err
	}
	app, err := content.load(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return app, nil
}

// load returns the App of an app file and of the catalogue in the same folder.
func (f *appFile) load(file string) (*bindings.App, error) {
	name := strings.TrimSuffix(filepath.Base(file), appSuffix)
	if err := CheckName(name); err != nil {
		return nil, err
	}
	catalogueFile := strings.TrimSuffix(file, appSuffix) + catalogueSuffix
	text, err := os.ReadFile(catalogueFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing; tidewire app add generates it again from the document", filepath.Base(catalogueFile))
	}
	if err != nil {
		return nil, err
	}
	return f.app(name, text)
}

var appName = regexp.MustCompile(`^[a-z]+$`)

// CheckName returns an error for a name that scripts could not require, or that means
// something else in them.
func CheckName(name string) error {
	switch {
	case !appName.MatchString(name) || slices.Contains(luaWords, name):
		return fmt.Errorf("the name of an app is lower-case letters and no word of Lua's own, found %q", name)
	case slices.Contains(scriptWords, name):
		return fmt.Errorf("the name of an app is none that scripts have already, found %q; choose another one, such as %q", name, name+"app")
	}
	return nil
}

// app returns the App of an app file and of the text of its catalogue.
func (f *appFile) app(name string, text []byte) (*bindings.App, error) {
	text, err := f.overlay(name, text)
	if err != nil {
		return nil, err
	}
	catalogue, err := bindings.ParseCatalogue(text)
	if err != nil {
		return nil, err
	}
	app := &bindings.App{
		Name: name, Title: f.Title, BaseURL: strings.TrimSuffix(f.BaseURL, "/"), Docs: f.Docs, Auth: f.Auth, Variants: f.Variants, Test: f.Test,
		Account: f.Account, Errors: f.Errors, Limits: f.Limits, JSONType: f.JSONType, KeyHeader: f.KeyHeader, KeyTTL: f.KeyTTL, Webhook: f.Webhook,
		Echo: f.Echo, Polls: f.Polls, Subscriptions: f.Subscriptions, Catalogue: catalogue, Added: true,
	}
	if app.Title == "" {
		app.Title = name
	}
	if app.Account.Noun == "" {
		app.Account.Noun = "account"
	}
	return app, errors.Join(check(app), f.checkFinds(app))
}

// checkFinds returns what is wrong with how calls of operations are found.
func (f *appFile) checkFinds(app *bindings.App) error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(f.Operations)) {
		if s := f.Operations[name]; s.Find == nil && s.OwnKey == nil {
			continue
		}
		if o, found := app.Operation(name); found {
			if err := o.CheckFind(); err != nil {
				problems = append(problems, fmt.Errorf("operations.%s: %w", name, err))
			}
		}
	}
	return errors.Join(problems...)
}

// overlay returns the text of a catalogue with the operations as the app file
// changes them, and with its triggers.
func (f *appFile) overlay(app string, text []byte) ([]byte, error) {
	unused := map[string]bool{} // operations of the app file that are not found yet
	for _, names := range [][]string{slices.Collect(maps.Keys(f.Pages)), slices.Collect(maps.Keys(f.Operations))} {
		for _, operation := range names {
			unused[operation] = true
		}
	}
	var out bytes.Buffer
	for line := range bytes.Lines(text) {
		rest, isOperation := bytes.CutPrefix(line, []byte("operation "))
		operation, body, _ := bytes.Cut(rest, []byte(" "))
		if !isOperation || !unused[string(operation)] {
			out.Write(line)
			continue
		}
		delete(unused, string(operation))
		changed, err := f.operation(string(operation), body)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "operation %s %s\n", operation, changed)
	}
	for _, operation := range slices.Sorted(maps.Keys(unused)) {
		return nil, fmt.Errorf("there is no operation %q; tidewire catalog show %s lists them", operation, app)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Triggers)) {
		if bindings.TriggerName(name).App() != app || strings.Count(name, ".") != 2 {
			return nil, fmt.Errorf("triggers: %q: expected %s.noun.verb_past", name, app)
		}
		trigger := f.Triggers[name]
		body, err := json.Marshal(trigger)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "trigger %s %s\n", name, body)
	}
	return out.Bytes(), nil
}

// operation returns the JSON of an operation as the app file changes it.
func (f *appFile) operation(name string, body []byte) ([]byte, error) {
	var o bindings.Operation
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, fmt.Errorf("operation %q of the catalogue: %w", name, err)
	}
	if pages, found := f.Pages[name]; found {
		o.Pages = &pages
	}
	s := f.Operations[name]
	put(&o.Safe, s.Safe)
	put(&o.Idempotent, s.Idempotent)
	put(&o.Key, s.Key)
	put(&o.Limit, s.Limit)
	put(&o.Account, s.Account)
	if s.IdempotentWith != nil {
		o.IdempotentWith = s.IdempotentWith
	}
	if s.IdempotentWithout != nil {
		o.IdempotentWithout = s.IdempotentWithout
	}
	if s.OwnKey != nil {
		o.OwnKey = s.OwnKey
	}
	if s.Find != nil {
		o.Find = s.Find
	}
	if s.Scopes != nil {
		o.Scopes, o.AnyScope = s.Scopes, nil
	}
	return json.Marshal(o)
}

func put[T any](into *T, value *T) {
	if value != nil {
		*into = *value
	}
}

// check returns an error for an app that could not work.
func check(app *bindings.App) error {
	var problems []error
	report := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for i, auth := range app.Auth {
		if auth.Header == "" && auth.Query == "" || auth.Format == "" || len(auth.Fields) == 0 {
			report("auth.%d: expected a name, fields, a header or query, and a format such as \"Bearer {token}\"", i)
		}
	}
	exists := func(where, operation string) {
		if _, found := app.Operation(operation); operation != "" && !found {
			report("%s: there is no operation %q", where, operation)
		}
	}
	for i := range app.Polls {
		p := &app.Polls[i]
		exists("polls."+p.Name, p.List.Operation)
		for _, trigger := range p.Triggers() {
			if _, found := app.Catalogue.Trigger(trigger); !found {
				report("polls.%s: there is no trigger %q; add it under triggers", p.Name, trigger)
			}
		}
	}
	for i := range app.Subscriptions {
		exists("subscriptions."+app.Subscriptions[i].Name, app.Subscriptions[i].Create.Operation)
	}
	for _, operation := range testOperations(app.Test) {
		exists("test", operation)
	}
	for i, l := range app.Limits {
		if l.Requests <= 0 || l.Per <= 0 {
			report("limits.%d: expected requests and per, such as requests: 100, per: 10s", i)
		}
	}
	return errors.Join(append(problems, checkWebhook(app)...)...)
}

// testOperations returns the operations that test a connection.
func testOperations(test *bindings.Test) []string {
	if test == nil {
		return nil
	}
	return append([]string{test.Operation}, test.Others...)
}

// checkWebhook returns what makes it unclear for whom a webhook is.
func checkWebhook(app *bindings.App) (problems []error) {
	hook, report := app.Webhook, func(text string) { problems = append(problems, errors.New("webhook."+text)) }
	if hook == nil {
		return nil
	}
	if hook.SharedKey == nil && slices.ContainsFunc(hook.Signatures, func(s bindings.Signature) bool { return s.Key != "" }) {
		report("shared_key is missing: expected true if the vendor signs the webhooks of all its apps with the key in signatures, and false if the key is of this app alone")
	}
	for i, signature := range hook.Signatures {
		if err := signature.Check(); err != nil {
			report(fmt.Sprintf("signatures.%d: %v", i, err))
		}
	}
	if !hook.SharesKey() {
		return problems
	}
	if len(app.Account.Paths) == 0 {
		report("shared_key is true, so account.paths must have the path of the account in a webhook")
	}
	if hook.AppID == nil && len(hook.InstallEvents)+len(hook.Installed)+len(hook.Uninstalled) > 0 {
		report("shared_key is true, so app_id must have the path of the vendor's id of the app, by which installations of other apps are refused")
	}
	return problems
}
