package highlevel_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/bindingstest"
	"github.com/tidewire/tidewire/bindings/highlevel"
)

func TestApp(t *testing.T) { bindingstest.Run(t, highlevel.App()) }

// Parameters for a location or a company get the connection's, in both editions,
// unless another one than the caller's own may be meant: the operation deletes,
// installs or sells it.
func TestAccounts(t *testing.T) {
	app := highlevel.App()
	never := []string{
		"locations.delete", "marketplace.uninstall_app", "oauth.get_location_access_token",
		"saas.allow_attach_rebilling", "saas.enable", "saas.enable_deprecated", "saas.get_subscription", "saas.get_subscription_deprecated",
		"saas.get_wallet_balance", "saas.pause", "saas.pause_deprecated", "saas.update_subscription", "saas.update_subscription_deprecated",
		"saas.update_wallet_balance",
	}
	given := 0
	for _, c := range app.Catalogues() {
		for _, name := range c.Operations() {
			op, _ := c.Operation(name)
			fields := slices.Concat(op.PathParams, op.Query)
			if op.Body != nil {
				if _, d := c.Resolve(&op.Body.Type); d != nil {
					fields = append(fields, d.Fields...)
				}
			}
			for _, f := range fields {
				names := []string{"locationId", "altId", "location_id", "companyId"}
				if !f.Required || !slices.Contains(names, f.Name) {
					continue
				}
				switch f.Name {
				case op.Account, op.Parent:
					given++
				default:
					if !slices.ContainsFunc(never, func(n string) bool { return name == c.Qualify(n) }) {
						t.Errorf("%s requires %q, and the connection does not give it", name, f.Name)
					}
				}
			}
			if op.Account == "altId" && op.AccountWith["altType"] != "location" && slices.ContainsFunc(fields, func(f bindings.Field) bool { return f.Name == "altType" }) {
				t.Errorf("%s takes an altId that has no altType", name)
			}
		}
	}
	if given < 600 {
		t.Errorf("the connection gives %d required ids, expected more", given)
	}
}

// TestQueryLists: each list in a query is written as the vendor's client writes
// it, which is with brackets. The client writes the types of numbers as one text,
// and does not have the cursor of a business's contacts.
func TestQueryLists(t *testing.T) {
	plain := []string{"v3.contacts.list_by_business startAfter"}
	joined := []string{"v3.phone_system.list_available_numbers numberTypes"}
	lists := 0
	for _, c := range highlevel.App().Catalogues() {
		for _, name := range c.Operations() {
			op, _ := c.Operation(name)
			for _, f := range op.Query {
				if f.Type.Kind != bindings.List {
					continue
				}
				lists++
				at := op.Name + " " + f.Name
				switch {
				case slices.Contains(joined, at):
					if op.Join[f.Name] != "," {
						t.Errorf("%s: the items are not joined with commas", at)
					}
				case !strings.HasSuffix(f.Name, "[]") && !slices.Contains(plain, at):
					t.Errorf("%s: expected %s[], as the vendor's client writes it", at, f.Name)
				}
			}
		}
	}
	if lists < 20 {
		t.Errorf("%d lists, expected those of both editions", lists)
	}
}
