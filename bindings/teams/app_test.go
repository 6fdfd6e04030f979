package teams_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings/bindingstest"
	"github.com/tidewire/tidewire/bindings/teams"
)

func TestApp(t *testing.T) { bindingstest.Run(t, teams.App()) }
