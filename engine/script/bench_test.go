package script_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/script"
)

// thousand returns the files of 1,000 scripts that share one; a tenth of them are
// folders.
func thousand() []string {
	files := []string{"lib/shared.lua", "return { n = 1 }"}
	for i := range 1000 {
		name := fmt.Sprintf("team%d/script%03d", i%20, i)
		text := fmt.Sprintf(`local shared = require "lib.shared"
local function label(event) return event.id .. shared.n end
on("shop.order.created", { name = "order" }, function(event) return label(event) end)
on("emit:work.%d", function(event) return label(event) end)
`, i)
		if i%10 == 0 {
			files = append(files, name+"/main.lua", text, name+"/part.lua", "return 1")
		} else {
			files = append(files, name+".lua", text)
		}
	}
	return files
}

// BenchmarkReload1000 measures the time from the save of one of 1,000 scripts
// until its new version is live, through the real watcher.
func BenchmarkReload1000(b *testing.B) {
	f := open(b, thousand()...).watch()
	if n := len(f.set.Generation().Scripts); n != 1000 {
		b.Fatalf("%d scripts, want 1000: %v", n, f.set.Problems())
	}
	var durations []time.Duration
	for i := 0; b.Loop(); i++ {
		before := f.set.Generation()
		text := fmt.Sprintf("-- %d\n", i) + hook(fmt.Sprintf("edit.%d", i))
		start := time.Now()
		f.write("team7/script007.lua", text)
		<-before.Replaced()
		durations = append(durations, time.Since(start))
		if got := f.set.Generation().Scripts["team7/script007"].Hooks[0].Name; got != fmt.Sprintf("emit:edit.%d", i) {
			b.Fatalf("live is %q", got)
		}
	}
	slices.Sort(durations)
	b.ReportMetric(float64(durations[len(durations)/2].Microseconds())/1000, "ms/p50")
	b.ReportMetric(float64(durations[len(durations)-1].Microseconds())/1000, "ms/max")
}

// BenchmarkReloadShared changes a file that all 1,000 scripts require.
func BenchmarkReloadShared(b *testing.B) {
	f := open(b, thousand()...).watch()
	for i := 0; b.Loop(); i++ {
		before := f.set.Generation()
		f.write("lib/shared.lua", fmt.Sprintf("return { n = %d }", i+10))
		<-before.Replaced()
	}
}

// BenchmarkOpen1000 loads 1,000 scripts.
func BenchmarkOpen1000(b *testing.B) {
	f := open(b, thousand()...)
	for b.Loop() {
		if _, err := script.Open(b.Context(), f.config); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMatch finds the hooks of an event among 2,000.
func BenchmarkMatch(b *testing.B) {
	g := open(b, thousand()...).set.Generation()
	b.ReportAllocs()
	for b.Loop() {
		if len(g.Match("emit:work.7", "")) != 1 {
			b.Fatal("no match")
		}
	}
}
