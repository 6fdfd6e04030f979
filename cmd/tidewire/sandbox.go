package main

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

func sandboxCommand(t terminal, logs *logFlags) *cobra.Command {
	var listen, webhooks, dir string
	var config sandbox.Config
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the apps in memory, to try scripts against",
		Long: `Serve stand-ins for all apps on this machine. They have the vendors' HTTP
interfaces, store what is created in memory, and send signed webhooks to the
engine at --webhooks. They allow any number of requests; with --limits they
answer 429 beyond the vendors' rate limits.

To see how scripts handle what vendors do, while the sandbox runs:

answer the next two calls with 429, and with how long to wait:
  curl -d '{"app":"slack","status":429,"times":2,"header":{"Retry-After":"5"}}' http://127.0.0.1:4010/sandbox/faults
do a call and leave out its answer, so that it is uncertain, and its run is held:
  curl -d '{"app":"slack","operation":"chat.post_message","cut":"answer","times":1}' http://127.0.0.1:4010/sandbox/faults
send a webhook, as if a person had made the change at the vendor:
  curl -d '{"trigger":"qonto.client.created","data":{"name":"Acme","kind":"company"}}' http://127.0.0.1:4010/sandbox/emit
do what a person does on the app's screen: click a button, submit a form, or this:
  curl -d '{"command":"/deploy now","channel":"C0GENERAL01"}' http://127.0.0.1:4010/sandbox/do/slack/command

  curl http://127.0.0.1:4010/sandbox/     lists all that can be done`,
		RunE: func(c *cobra.Command, _ []string) error {
			log, err := logs.logger(t.err)
			if err != nil {
				return err
			}
			if config.Apps, err = checkedApps(dir); err != nil {
				return err
			}
			config.Rules, config.Log = all.Rules(), log
			apps, err := sandbox.New(config)
			if err != nil {
				return err
			}
			defer apps.Close()
			if err := apps.Start(c.Context(), listen); err != nil {
				return err
			}
			for _, app := range apps.AppNames() {
				if webhooks == "" || !apps.SendsWebhooks(app) {
					continue
				}
				if err := apps.Subscribe(app, strings.TrimSuffix(webhooks, "/")+"/hooks/"+app, sandboxSecret); err != nil {
					return usageError{fmt.Errorf("--webhooks: %w", err)}
				}
			}
			describe(t.out, config.Apps, apps)
			<-c.Context().Done()
			return nil
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:4010", "address to serve on")
	c.Flags().StringVar(&webhooks, "webhooks", "http://"+defaultListen, "engine that webhooks are sent to; empty for none")
	c.Flags().StringVarP(&dir, "dir", "C", ".", "folder that tidewire run is given, for apps of its own")
	c.Flags().Int64Var(&config.Seed, "seed", 0, "make ids and keys the same each time (0: different ones)")
	c.Flags().BoolVar(&config.EnforceLimits, "limits", false, "answer 429 beyond the vendors' rate limits")
	c.Flags().DurationVar(&config.TokenLifetime, "token-life", 0, "how long access tokens are valid (0: as the vendors')")
	c.Flags().BoolVar(&config.Strict, "strict", false, "refuse fields that the vendor does not declare")
	return c
}

// sandboxSecret signs the webhooks of the sandbox's apps that sign with a secret.
const sandboxSecret = "sandbox-webhook-secret"

// describe prints the configuration of connections to the sandbox.
func describe(out io.Writer, known []*bindings.App, apps *sandbox.Sandbox) {
	fmt.Fprint(out, "# The apps are in memory. Save this as tidewire.yaml:\nconnections:\n")
	for _, app := range known {
		printf(out, "  %s:\n    base_url: %s\n    account: %s\n", app.Name, apps.URL(app.Name), apps.Account(app.Name))
		describeKeys(out, app, apps.PublicKey(app.Name))
	}
	if i := slices.IndexFunc(known, func(app *bindings.App) bool { return app.Added }); i >= 0 {
		if at, err := url.Parse(apps.URL(known[i].Name)); err == nil {
			printf(out, "http:\n  allow: [%s] # apps of this folder may reach the sandbox\n", at.Host)
		}
	}
	base := strings.TrimSuffix(apps.URL("sandbox"), "/sandbox")
	printf(out, "\n# In the terminal of tidewire run:\n#   export SANDBOX_LOGIN=demo SANDBOX_TOKEN=%s SANDBOX_WEBHOOK_SECRET=%s\n", sandbox.Token, sandboxSecret)
	printf(out, "# To try tidewire connect instead, for instance:\n#   tidewire connect asana/me --way oauth --client-id %s --base-url %[2]s/asana --authorize-url %[2]s/asana/oauth/authorize --token-url %[2]s/asana/oauth/token\n#   the client_secret is %[3]s\n",
		sandbox.ClientID, base, sandbox.ClientSecret)
	printf(out, "# Requests that the apps received, and more:\n#   curl %s/\n", apps.URL("sandbox"))
}

// describeKeys prints the credentials of a connection, where the app has a way
// without OAuth, and the key that webhooks are checked with.
func describeKeys(out io.Writer, app *bindings.App, public string) {
	if i := slices.IndexFunc(app.Auth, func(a bindings.Auth) bool { return a.OAuth == nil }); i >= 0 {
		fields := app.Auth[i].Fields
		for n, field := range fields {
			variable := "SANDBOX_LOGIN"
			if n == len(fields)-1 { // the secret part
				variable = "SANDBOX_TOKEN"
			}
			printf(out, "    %s: ${%s}\n", field, variable)
		}
	}
	switch {
	case app.Webhook == nil:
	case public != "":
		printf(out, "    webhook_keys:\n      %s: |\n        %s\n", app.Webhook.Signatures[0].Name,
			lines(indent(strings.TrimSpace(public), 8)))
	default:
		fmt.Fprint(out, "    webhook_secret: ${SANDBOX_WEBHOOK_SECRET}\n")
	}
}
