package bindings

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// placeholder is a word in braces in the arguments of a Call.
var placeholder = regexp.MustCompile(`\{[a-z]+(?:\.[A-Za-z0-9_@$-]+)*\}`)

// Placeholders returns the words in braces in all texts of a value, without the
// braces, in the order in which they are there; those of an object by the names
// of its members.
func Placeholders(value any) (words []string) {
	switch value := value.(type) {
	case string:
		for _, word := range placeholder.FindAllString(value, -1) {
			words = append(words, strings.Trim(word, "{}"))
		}
	case []any:
		for _, inner := range value {
			words = append(words, Placeholders(inner)...)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			words = append(words, Placeholders(value[name])...)
		}
	}
	return words
}
