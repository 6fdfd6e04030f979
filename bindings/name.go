package bindings

import (
	"slices"
	"strings"
	"unicode"
)

// OperationName returns the name of an operation in its group. It is the
// vendor's id in snake_case, without the group's noun and without "by_id" at
// the end. "edit", "put" and "patch" become update; a GET of "all" or of
// several records becomes list.
func OperationName(group, id, method, path string) string {
	words := strings.Split(Snake(id), "_")
	var suffix []string
	if last := len(words) - 1; words[last] == "deprecated" {
		words, suffix = words[:last], words[last:]
	}
	if n := len(words); n > 3 && words[n-2] == "by" && words[n-1] == "id" {
		words = words[:n-2]
	}
	switch words[0] {
	case "edit", "put", "patch":
		words[0] = "update"
	case "get", "fetch":
		words[0] = "get"
		if len(words) > 2 && words[1] == "all" {
			words = append([]string{"list"}, words[2:]...)
		} else if isPlural(words[len(words)-1]) && method == "GET" && !strings.HasSuffix(path, "}") {
			words[0] = "list"
		}
	}
	return strings.Join(append(withoutNoun(words, strings.Split(group, "_")), suffix...), "_")
}

// withoutNoun removes the group's noun, plural or singular, from a name, unless
// the name has no other word.
func withoutNoun(words, noun []string) []string {
	single := slices.Clone(noun)
	single[len(single)-1] = Singular(single[len(single)-1])
	for _, noun := range [][]string{noun, single} {
		for i := 0; i+len(noun) <= len(words) && len(words) > len(noun); i++ {
			if slices.Equal(words[i:i+len(noun)], noun) {
				return slices.Concat(words[:i], words[i+len(noun):])
			}
		}
	}
	return words
}

func isPlural(word string) bool {
	return strings.HasSuffix(word, "s") && !strings.HasSuffix(word, "ss") && word != "status" &&
		word != "settings" && word != "stats" && word != "details"
}

// Singular returns the singular of a regular English plural.
func Singular(word string) string {
	switch {
	case strings.HasSuffix(word, "ies"):
		return strings.TrimSuffix(word, "ies") + "y"
	case strings.HasSuffix(word, "sses"):
		return strings.TrimSuffix(word, "es")
	case strings.HasSuffix(word, "s") && !strings.HasSuffix(word, "ss"):
		return strings.TrimSuffix(word, "s")
	}
	return word
}

// Snake turns "get-ContactByID v2" into "get_contact_by_id_v2".
func Snake(text string) string {
	var b strings.Builder
	runes := []rune(text)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			r = '_'
		case unicode.IsUpper(r):
			before := i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]))
			within := i > 0 && unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if before || within {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		if r == '_' && (b.Len() == 0 || strings.HasSuffix(b.String(), "_")) {
			continue
		}
		b.WriteRune(r)
	}
	return strings.TrimSuffix(b.String(), "_")
}
