package poll_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/poll"
)

func TestContentHash(t *testing.T) {
	const base = `{"name":"Ada","tags":["a","b"],"at":"2026-03-01T12:00:00Z","n":40,"deep":{"x":1,"y":"z"},"fields":[{"id":"f","value":"1"}]}`
	for name, test := range map[string]struct {
		other string
		same  bool
	}{
		"itself":                     {base, true},
		"fields in another order":    {`{"n":40,"fields":[{"value":"1","id":"f"}],"deep":{"y":"z","x":1},"at":"2026-03-01T12:00:00Z","tags":["a","b"],"name":"Ada"}`, true},
		"what is empty":              {`{"name":"Ada","tags":["a","b"],"at":"2026-03-01T12:00:00Z","n":40,"deep":{"x":1,"y":"z","q":null},"fields":[{"id":"f","value":"1"}],"e":"","l":[],"o":{}}`, true},
		"a list in another order":    {`{"name":"Ada","tags":["b","a"],"at":"2026-03-01T12:00:00Z","n":40,"deep":{"x":1,"y":"z"},"fields":[{"id":"f","value":"1"}]}`, true},
		"a time in another zone":     {`{"name":"Ada","tags":["a","b"],"at":"2026-03-01T13:00:00.000+01:00","n":40,"deep":{"x":1,"y":"z"},"fields":[{"id":"f","value":"1"}]}`, true},
		"a number spelt differently": {`{"name":"Ada","tags":["a","b"],"at":"2026-03-01T12:00:00Z","n":4e1,"deep":{"x":1.0,"y":"z"},"fields":[{"id":"f","value":"1"}]}`, true},
		"what is passed over":        {`{"seen":7,"name":"Ada","tags":["a","b"],"at":"2026-03-01T12:00:00Z","n":40,"deep":{"x":1,"y":"z","seen":8},"fields":[{"id":"f","value":"1"}]}`, true},
		"another text":               {`{"name":"ada","tags":["a","b"],"at":"2026-03-01T12:00:00Z","n":40,"deep":{"x":1,"y":"z"},"fields":[{"id":"f","value":"1"}]}`, false},
		"a field less":               {`{"tags":["a","b"],"at":"2026-03-01T12:00:00Z","n":40,"deep":{"x":1,"y":"z"},"fields":[{"id":"f","value":"1"}]}`, false},
		"a deeper value":             {`{"name":"Ada","tags":["a","b"],"at":"2026-03-01T12:00:00Z","n":40,"deep":{"x":1,"y":"!"},"fields":[{"id":"f","value":"1"}]}`, false},
		"a text for a number":        {`{"name":"Ada","tags":["a","b"],"at":"2026-03-01T12:00:00Z","n":"40","deep":{"x":1,"y":"z"},"fields":[{"id":"f","value":"1"}]}`, false},
		"twice in a list":            {`{"name":"Ada","tags":["a","a","b"],"at":"2026-03-01T12:00:00Z","n":40,"deep":{"x":1,"y":"z"},"fields":[{"id":"f","value":"1"}]}`, false},
	} {
		ignore := []string{"seen", "deep.seen"}
		if same := poll.ContentHash([]byte(base), nil, ignore) == poll.ContentHash([]byte(test.other), nil, ignore); same != test.same {
			t.Errorf("%s: the same is %v", name, same)
		}
	}
	paths := []string{"name", "deep.x", "gone"}
	if poll.ContentHash([]byte(base), paths, nil) != poll.ContentHash([]byte(`{"deep":{"x":1},"name":"Ada","gone":null,"more":1}`), paths, nil) {
		t.Error("only what is named should count")
	}
	// What moves from one field to another is another content.
	if poll.ContentHash([]byte(`{"a":"x"}`), []string{"a", "b"}, nil) == poll.ContentHash([]byte(`{"b":"x"}`), []string{"a", "b"}, nil) {
		t.Error("fields are not distinguished")
	}
}

func TestReadTime(t *testing.T) {
	want := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, text := range []string{"2026-03-01T12:00:00Z", "2026-03-01T13:00:00.000+01:00", "2026-03-01 12:00:00", "2026-03-01T12:00:00", "1772366400", "1772366400000"} {
		if got := poll.ReadTime(text); !got.Equal(want) {
			t.Errorf("%q: found %v", text, got)
		}
	}
	if got := poll.ReadTime("2026-03-01"); !got.Equal(want.Add(-12 * time.Hour)) {
		t.Errorf("a date: found %v", got)
	}
	for _, text := range []string{"", "soon", "-5", "NaN", "1e300", "99999999999999999999"} {
		if got := poll.ReadTime(text); !got.IsZero() {
			t.Errorf("%q: found %v", text, got)
		}
	}
}

func FuzzContentHash(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}],"c":"2026-03-01T12:00:00Z"}`))
	f.Add([]byte(`{"a":1,"a":"","b":[[]]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var value any
		if json.Unmarshal(data, &value) != nil {
			return
		}
		again, err := json.Marshal(value)
		if err != nil {
			t.Skip()
		}
		poll.ContentHash(data, []string{"a", "a.b"}, []string{"c"})
		if first := poll.ContentHash(again, nil, nil); first != poll.ContentHash(again, nil, nil) {
			t.Error("the same text is not the same")
		}
	})
}

func FuzzReadTime(f *testing.F) {
	f.Add("2026-03-01T12:00:00Z")
	f.Add("1772366400000")
	f.Fuzz(func(t *testing.T, text string) {
		if at := poll.ReadTime(text); !at.IsZero() && at.Location() != time.UTC {
			t.Errorf("%q: found %v", text, at)
		}
	})
}
