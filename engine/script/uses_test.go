package script_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

func TestUses(t *testing.T) {
	apps := all.Apps()
	f := openWith(t, script.Config{Apps: apps, Machine: vm.New(vm.Config{Apps: apps})}, "crm.lua", `
local hl = require "highlevel"
local v3 = require "highlevel.v3"
local contacts = hl.contacts

local function sync(event)
  local one = contacts.get { contactId = event.data.id }
  for item in each(hl.opportunities.search, { limit = 1 }) do log.info(item.id) end
  local ok, err = try(require("slack").chat.post_message, { channel = "C1", text = "x" .. tostring(one) })
  if not ok then v3.contacts.get { contactId = "x" } end
end

on("qonto.client.created", sync)
`, "other.lua", `
local slack = require "slack"
local group = "chat"
every("1h", function()
  slack[group].post_message { channel = "C1" }
  slack.chat[group] {}
  slack.request { path = "/x" }
  local copy = { slack }
  return copy
end)
`)
	uses, unresolved := f.set.Generation().Uses(apps)
	var got []string
	for _, u := range uses {
		got = append(got, fmt.Sprintf("%s.%s %s", u.App, u.Operation, u.Position))
	}
	want := `highlevel.contacts.get crm.lua:7
highlevel.opportunities.search crm.lua:8
highlevel.v3.contacts.get crm.lua:10
slack.chat.post_message crm.lua:9`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	got = nil
	for _, u := range unresolved {
		got = append(got, u.App+" "+u.Position)
	}
	if want := "slack other.lua:5 slack other.lua:6 slack other.lua:7 slack other.lua:8"; strings.Join(got, " ") != want {
		t.Errorf("unresolved are %q, want %q", got, want)
	}
}
