package call

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Every case has one rule: with none it would be uncertain, with two the order
// of the rows would decide.
func TestRulesCoverEveryCaseOnce(t *testing.T) {
	for answer := range answerClass(len(answerTexts)) {
		for state := Unsent; state <= MaybeDone; state++ {
			for _, s := range anySafety {
				found := 0
				for _, r := range rules {
					if slices.Contains(r.answers, answer) && r.earlier.includes(state) && slices.Contains(r.safety, s) {
						found++
					}
				}
				if found != 1 {
					t.Errorf("%s, %s before, %s: found %d rules, expected 1", answer, state, s, found)
				}
			}
		}
	}
}

// These hold for every rule of the table.
func TestRulesAreSafe(t *testing.T) {
	for _, r := range rules {
		for _, answer := range r.answers {
			for _, s := range r.safety {
				switch {
				case s == unsafeRepeat && r.send && (r.state == MaybeDone || answer == ready && r.earlier != noneEarlier):
					t.Errorf("%s: what may have been done is sent again, and it is unsafe", answer)
				case r.state == MaybeDone && r.end == returnError && !slices.Contains(harmless, s):
					t.Errorf("%s, %s: what may have been done ends with an error that is not uncertain", answer, s)
				case r.end == returnUncertain && r.state != MaybeDone && r.earlier != maybeEarlier:
					t.Errorf("%s, %s: what was surely not done ends as uncertain", answer, s)
				}
			}
		}
	}
}

// The key of an earlier call's request may become too old before this call sends
// anything.
func TestKeyTooOldBeforeTheFirstSending(t *testing.T) {
	c := New(Config{})
	defer c.Close()
	j := &job{wire: &wire{}, operation: "transfer", safety: unsafeRepeat, keyTTL: time.Minute, state: MaybeDone, record: sentRecord{At: time.Now().Add(-time.Hour)}}
	answer, err := c.send(t.Context(), j)
	var e *bindings.Error
	if !errors.As(err, &e) || e.Kind != bindings.Uncertain || answer.Sendings != 0 {
		t.Errorf("got %d sendings and %v, expected none and an uncertain error", answer.Sendings, err)
	}
}

// The contract with scripts prints the rules.
func TestRulesAreDocumented(t *testing.T) {
	const file, first = "../../scripts/README.md", "| answer | sent before | repeating it | this request | the call |\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), first)
	rows, after, ended := strings.Cut(rest, "\n\n")
	if !found || !ended {
		t.Fatalf("%s has no table that begins with %s", file, first)
	}
	if rows+"\n" == printed() {
		return
	}
	if update := flag.Lookup("update"); update != nil && update.Value.String() == "true" {
		if err := os.WriteFile(file, []byte(before+first+printed()+"\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s prints other rules; -update writes\n%s", file, printed())
}

// printed is the rows of the table. An empty cell of answers means those
// of the row above.
func printed() string {
	var b strings.Builder
	b.WriteString("|---|---|---|---|---|\n")
	above := ""
	for _, r := range rules {
		answers := words(r.answers, "; ")
		if answers == above {
			answers = ""
		} else {
			above = answers
		}
		call := r.end.String()
		switch {
		case r.answers[0] == ready && r.send:
			call = "is sent"
		case r.send:
			call = "is sent again, else " + call
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", answers, r.earlier, repeating(r.safety), r.state, call)
	}
	return b.String()
}

func repeating(all []safety) string {
	if len(all) == len(anySafety) {
		return "any"
	}
	return words(all, "; ")
}

func words[T fmt.Stringer](all []T, by string) string {
	var texts []string
	for _, one := range all {
		texts = append(texts, one.String())
	}
	return strings.Join(texts, by)
}
