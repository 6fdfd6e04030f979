package highlevel_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings/bindingstest"
	"github.com/tidewire/tidewire/bindings/highlevel"
)

func TestApp(t *testing.T) { bindingstest.Run(t, highlevel.App()) }
