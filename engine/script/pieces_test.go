package script_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/engine/script"
)

// spinVariable makes a process of this test that only uses a processor.
const spinVariable = "TIDEWIRE_TEST_SPIN"

func TestMain(m *testing.M) {
	if os.Getenv(spinVariable) != "" {
		for began := time.Now(); time.Since(began) < 10*time.Minute; {
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// spin makes all processors busy with other processes until the test ends.
func spin(t *testing.T) {
	for range runtime.NumCPU() {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), spinVariable+"=1")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = c.Process.Kill()
			_ = c.Wait()
		})
	}
}

// TestSavesInPieces overwrites a script in place, in pieces each of which is a script
// too, while all processors are busy. No half-written version may be live.
func TestSavesInPieces(t *testing.T) {
	appendTo := func(name string) (*os.File, error) { return os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0) }
	tests := []struct {
		name  string
		open  func(name string) (*os.File, error)
		again bool // the file is opened for each piece, which only time can show
		max   int  // half-written versions
	}{
		{"one open file", func(name string) (*os.File, error) { return os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0) }, false, 0},
		{"a new file", func(name string) (*os.File, error) {
			_ = os.Remove(name)
			return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		}, false, 0},
		{"opened for each piece", func(name string) (*os.File, error) { return os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0) }, true, 1 + savesInPieces/500},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			spin(t)
			text := func(n int) string {
				return strings.Repeat(fmt.Sprintf("-- %d\n", n), 20+100*(n%2)) + hook(fmt.Sprintf("save%d", n)) + strings.Repeat("-- end\n", 40)
			}
			f := openWith(t, script.Config{RemoveTime: 2 * time.Second}, "a.lua", text(0)).watch()
			var latencies []time.Duration
			random := rand.New(rand.NewPCG(1, 2))
			for n := 1; n <= savesInPieces; n++ {
				w, err := test.open(f.path("a.lua"))
				f.must(err)
				for piece := range slices.Chunk([]byte(text(n)), 100) {
					_, err := w.Write(piece)
					f.must(err)
					if test.again {
						f.must(w.Close())
					}
					<-time.After(time.Duration(random.IntN(12)) * time.Millisecond)
					if test.again {
						w, err = appendTo(f.path("a.lua"))
						f.must(err)
					}
				}
				f.must(w.Close())
				written := time.Now()
				f.until(fmt.Sprintf("a:save%d", n))
				latencies = append(latencies, time.Since(written))
			}
			slices.Sort(latencies)
			half := 0
			for _, version := range f.versions("a.lua") {
				if !strings.HasSuffix(version, strings.Repeat("-- end\n", 40)) {
					half++
				}
			}
			t.Logf("%d saves, %d half-written versions, from the last write to live p50 %s, p99 %s", len(latencies), half,
				latencies[len(latencies)/2], latencies[len(latencies)*99/100])
			if half > test.max {
				t.Errorf("%d half-written versions were live", half)
			}
		})
	}
}

// A script that gets another path has its hooks there at once, and no longer at
// the old one.
func TestRenamedScriptIsNotLiveTwice(t *testing.T) {
	f := openWith(t, script.Config{RemoveTime: time.Hour}, "a.lua", hook("a"), "b/main.lua", hook("b")).watch()
	f.rename("a.lua", "c.lua")
	f.until("b:b c:a")
	f.rename("b", "d")
	f.until("c:a d:b")
}
