package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/v2"

	"github.com/tidewire/tidewire/bindings"
)

// words are the settings of tidewire.yaml with what is expected of each.
var words = map[string]string{
	"listen":             "an address such as " + DefaultListen,
	"scripts":            "the name of a folder",
	"data":               "the name of a folder",
	"timezone":           "a name such as Europe/Paris or UTC",
	"connections":        "connections by name, each with settings of its own",
	"accounts":           "names of connections, each with those that belong to it",
	"secrets":            "secrets by name",
	"params":             "scripts by name, each with parameters of its own",
	"http":               "allow and allow_private",
	"http.allow":         "a list of hosts",
	"http.allow_private": "true or false",
	"in_flight":          "a whole number",
	"flood":              "a whole number, 0 for no bound",
	"grace":              "a length of time such as 20s",
	"vault_key":          "keyring, or a key that age-keygen made",
	"public_url":         "an address such as https://hooks.example.com",
	"retention":          "age, count and ids",
	"retention.age":      "a length of time such as 30 days",
	"retention.count":    "a whole number",
	"retention.ids":      "a length of time such as 90 days",
}

// connectionWords are the settings that every connection may have; others are
// credentials, named by the app.
var connectionWords = map[string]string{
	"account":        "text",
	"as":             "the name of a kind of connection",
	"parent":         "the name of a connection",
	"base_url":       "an address",
	"authorize_url":  "an address",
	"token_url":      "an address",
	"revoke_url":     "an address",
	"webhook_secret": "text",
	"webhooks":       "auto or manual",
	"webhook_keys":   "keys by the name of their signature",
	"signatures":     "a list of names",
	"scopes":         "a list of scopes",
	"read_only":      "true or false",
	"checks":         "warn or off",
	"timeout":        "a length of time such as 30s",
	"poll":           "a length of time such as 5m, or off",
	"reconcile":      "a length of time such as 1h, or off",
	"since":          "a date such as 2026-01-31, or a time such as 2026-01-31T09:00:00Z",
}

// decode fills s, naming what does not fit and what is not known.
func decode(k *koanf.Koanf, s *settings, where origin) []*problem {
	problems := fill(s, k.Raw(), "", where)
	known := slices.Sorted(maps.Keys(words))
	unknown := func(key string, known []string) {
		text := "unknown setting; the settings are " + strings.Join(known, ", ")
		if near := bindings.Nearest(key, known); near != "" {
			text = fmt.Sprintf("unknown setting; did you mean %s?", near)
		}
		problems = append(problems, where.problem(key, text))
	}
	top := slices.DeleteFunc(slices.Clone(known), func(w string) bool { return strings.Contains(w, ".") })
	for _, key := range slices.Sorted(maps.Keys(k.Raw())) {
		if words[key] == "" {
			unknown(key, top)
		}
	}
	for _, group := range []string{"http", "retention"} {
		inside := slices.DeleteFunc(slices.Clone(known), func(w string) bool { return !strings.HasPrefix(w, group+".") })
		for _, name := range k.MapKeys(group) {
			if key := group + "." + name; words[key] == "" {
				unknown(key, inside)
			}
		}
	}
	return problems
}

// fill decodes values into one of our structs and says what does not fit.
func fill(into any, values map[string]any, prefix string, where origin) []*problem {
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: into, WeaklyTypedInput: true, TagName: "koanf",
		MatchName: func(key, field string) bool { return key == field || key == snake(field) },
		DecodeHook: mapstructure.ComposeDecodeHookFunc(
			durationHook, momentHook, mapstructure.StringToSliceHookFunc(",")),
	})
	if err == nil {
		err = decoder.Decode(values)
	}
	expected := words
	if prefix != "" {
		expected = connectionWords
	}
	var problems []*problem
	for _, name := range misfits(err) {
		key := strings.TrimSuffix(strings.NewReplacer("[", ".", "]", "").Replace(snake(name)), ".")
		want := expected[key]
		switch parent, _, deeper := strings.Cut(key, "."); {
		case want == "" && parent == "secrets":
			want = "text"
		case want == "" && deeper:
			want = "settings by name"
		}
		found := described(lookup(values, key))
		if expected[key] == "" || strings.HasPrefix(key, "webhook_") || key == "vault_key" { // it may be a secret
			found = kind(lookup(values, key))
		}
		problems = append(problems, where.problem(prefix+key, "found "+found+", expected "+want))
	}
	return problems
}

// misfits are the names of the settings that an error of the decoder is about.
func misfits(err error) []string {
	var one *mapstructure.DecodeError
	switch several := err.(type) {
	case nil:
		return nil
	case interface{ Unwrap() []error }:
		var all []string
		for _, err := range several.Unwrap() {
			all = append(all, misfits(err)...)
		}
		return all
	}
	if inner := errors.Unwrap(err); inner != nil {
		if all := misfits(inner); len(all) > 0 {
			return all
		}
	}
	if errors.As(err, &one) {
		return []string{one.Name()}
	}
	return nil
}

// snake turns the name of a field into that of its setting: BaseURL is base_url.
func snake(field string) string {
	var out strings.Builder
	for i, r := range field {
		upper := unicode.IsUpper(r)
		if upper && i > 0 && !unicode.IsUpper(rune(field[i-1])) {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

// lookup follows a dotted key; nil if it leads nowhere.
func lookup(values map[string]any, key string) any {
	var v any = values
	for part := range strings.SplitSeq(key, ".") {
		m, _ := v.(map[string]any)
		v = m[part]
	}
	return v
}

// described shows a value that is no secret.
func described(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case bool, int, int64, uint64, float64:
		return fmt.Sprint(v)
	}
	return kind(v)
}

// kind says what a value is without showing it.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "text"
	case bool:
		return "true or false"
	case []any, []string:
		return "a list"
	case map[string]any:
		return "settings"
	}
	return "a number"
}
