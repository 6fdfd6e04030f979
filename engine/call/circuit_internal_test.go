package call

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestCircuit checks the state of a circuit after steps. A step is
//
//	fail, answer, cancel   a sending with this result
//	send NAME              a sending begins
//	end NAME RESULT        and ends
//	refused                no sending is admitted
//	after 5s               time passes
//	closed, open 5s        the state, with the wait until the next probe
func TestCircuit(t *testing.T) {
	const fourFail, fiveFail = "fail; fail; fail; fail", "fail; fail; fail; fail; fail"
	for name, steps := range map[string]string{
		"four failures":                            fourFail + "; closed",
		"five failures":                            fiveFail + "; open 5s; refused; after 4.9s; refused",
		"an answer between the failures":           fourFail + "; answer; " + fourFail + "; closed; fail; open 5s",
		"a canceled sending between":               fourFail + "; cancel; closed; fail; open 5s",
		"one probe at a time":                      fiveFail + "; after 5s; send a; refused; after 1h; refused; end a answer; closed",
		"an answer to the probe closes it":         fiveFail + "; after 5s; answer; closed; " + fourFail + "; closed",
		"the wait is doubled up to a minute":       fiveFail + "; after 5s; fail; open 10s; refused; after 10s; fail; open 20s; after 20s; fail; open 40s; after 40s; fail; open 60s; after 60s; fail; open 60s",
		"the next time it opens the wait is short": fiveFail + "; after 5s; fail; open 10s; after 10s; answer; " + fiveFail + "; open 5s",
		"a canceled probe":                         fiveFail + "; after 5s; send a; refused; end a cancel; send b; refused; end b answer; closed",
		"failures of sendings from before it opened": "send a; send b; " + fiveFail + "; open 5s; end a fail; open 5s; after 5s; answer; closed; " +
			fourFail + "; end b fail; closed",
		"an answer to a sending from before it opened": "send a; " + fiveFail + "; end a answer; open 5s; refused",
		"failures of sendings at the same time":        "send a; send b; send c; send d; send e; end a fail; end b fail; end c fail; end d fail; closed; end e fail; open 5s",
	} {
		t.Run(name, func(t *testing.T) { checkCircuit(t, steps) })
	}
}

func checkCircuit(t *testing.T, steps string) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	c, generation, sendings := &circuit{}, 0, map[string]pass{}
	results := map[string]sendResult{"fail": failed, "answer": answered, "cancel": inconclusive}
	admit := func(step string) pass {
		p, ok := c.admit(now)
		if !ok {
			t.Fatalf("%s: refused", step)
		}
		return p
	}
	end := func(p pass, r sendResult) {
		c.end(p, r, "reason", now, generation+1)
		generation = max(generation, c.generation)
	}
	for step := range strings.SplitSeq(steps, "; ") {
		words := strings.Fields(step)
		switch words[0] {
		case "fail", "answer", "cancel":
			end(admit(step), results[words[0]])
		case "send":
			sendings[words[1]] = admit(step)
		case "end":
			end(sendings[words[1]], results[words[2]])
		case "after":
			d, err := time.ParseDuration(words[1])
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(d)
		case "refused":
			if _, ok := c.admit(now); ok {
				t.Fatalf("%s: a sending was admitted", steps)
			}
		default:
			state := "closed"
			if c.isOpen() {
				state = fmt.Sprintf("open %gs", c.next.Sub(now).Seconds())
			}
			if state != step {
				t.Fatalf("found %s, want %s", state, step)
			}
		}
	}
}

// TestCircuitsAreBounded checks that hosts that fail and are not called again do
// not fill the memory.
func TestCircuitsAreBounded(t *testing.T) {
	c := New(Config{}).circuits
	for i := range 3 * maxCircuits {
		c.end(Target{Host: fmt.Sprint(i)}, pass{}, failed, "no answer")
	}
	if n := len(c.all); n > maxCircuits {
		t.Errorf("there are %d circuits, want at most %d", n, maxCircuits)
	}
	c.end(Target{Host: "x"}, pass{}, failed, "no answer")
	c.end(Target{Host: "x"}, pass{}, answered, "")
	if _, found := c.all[Target{Host: "x"}]; found {
		t.Error("the circuit of a host that answers is retained")
	}
}

func TestTarget(t *testing.T) {
	for url, host := range map[string]string{
		"https://Api.example.com/v2/x?y=1": "api.example.com",
		"http://127.0.0.1:80":              "127.0.0.1:80",
		"https://example.com?q=/":          "example.com",
		"http://[::1]:8080/a":              "[::1]:8080",
	} {
		if got := (&job{wire: &wire{url: url}}).target(); got != (Target{Host: host}) {
			t.Errorf("%s: found %v, want %s", url, got, host)
		}
	}
}
