package bindings_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

func TestRepeatable(t *testing.T) {
	upsert := bindings.Operation{
		Method: "POST", Idempotent: "the contact is found again by its email or phone",
		IdempotentWith: []string{"email", "phone"}, IdempotentWithout: []string{"createNew"},
	}
	for _, test := range []struct {
		name      string
		operation bindings.Operation
		given     []string
		want      bool
	}{
		{"reading", bindings.Operation{Method: "GET"}, nil, true},
		{"a search by POST", bindings.Operation{Method: "POST", Safe: true}, nil, true},
		{"creating", bindings.Operation{Method: "POST"}, []string{"email"}, false},
		{"deleting by id", bindings.Operation{Method: "DELETE", Idempotent: "by its id"}, nil, true},
		{"an upsert with what it is found by", upsert, []string{"name", "phone"}, true},
		{"an upsert without", upsert, []string{"name"}, false},
		{"an upsert that asks for a new one", upsert, []string{"email", "createNew"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			given := map[string]bool{}
			for _, name := range test.given {
				given[name] = true
			}
			if got := test.operation.Repeatable(func(name string) bool { return given[name] }); got != test.want {
				t.Errorf("Repeatable = %v, expected %v", got, test.want)
			}
		})
	}
}
