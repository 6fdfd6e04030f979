package bindings

import (
	"slices"
	"strings"
)

// Nearest returns the candidate that is most similar to name, or "" if none is
// similar. Case and separators are ignored, two swapped letters count as one
// edit, and the same words in another order are the same name. Of equally
// similar candidates it returns the first.
func Nearest(name string, candidates []string) string {
	wanted := bareName(name)
	if wanted == "" {
		return ""
	}
	words := sortedWords(name)
	best, least := "", len(wanted)/3+1
	if len(wanted) < 3 {
		least = 1
	}
	for _, candidate := range candidates {
		bare := bareName(candidate)
		if abs(len(bare)-len(wanted)) >= least && least > 0 {
			if slices.Equal(words, sortedWords(candidate)) {
				return candidate
			}
			continue
		}
		distance := editDistance(wanted, bare)
		if distance > 0 && slices.Equal(words, sortedWords(candidate)) {
			distance = 0
		}
		if distance < least {
			best, least = candidate, distance
		}
		if least == 0 {
			return best
		}
	}
	return best
}

// bareName removes all but letters and digits, and makes them lower case.
func bareName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r > 127:
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, name)
}

// sortedWords returns the words of a name, sorted: create_task, createTask and
// "task.create" have the same words.
func sortedWords(name string) []string {
	var spaced strings.Builder
	lower := false
	for _, r := range name {
		upper := r >= 'A' && r <= 'Z'
		if upper && lower {
			spaced.WriteByte(' ')
		}
		lower = r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
		spaced.WriteRune(r)
	}
	words := strings.FieldsFunc(strings.ToLower(spaced.String()), func(r rune) bool {
		return r == '_' || r == '-' || r == '.' || r == ' ' || r == '[' || r == ']'
	})
	slices.Sort(words)
	return words
}

// editDistance is the number of insertions, deletions, replacements and swaps of
// neighbours that turn a into b. Only the first 64 bytes of each are compared.
func editDistance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	before := make([]int, len(b)+1)
	above := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

func abs(n int) int { return max(n, -n) }
