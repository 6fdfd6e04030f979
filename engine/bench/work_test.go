//go:build unix

package bench

import (
	"fmt"
	"log/slog"
	"syscall"
	"testing"
	"time"
)

func benchmarkOn(b *testing.B, work func(b *testing.B, all *bench, r *instance)) {
	for name, log := range map[string]func(testing.TB) *slog.Logger{
		"logged": fileLogger, "silent": func(testing.TB) *slog.Logger { return nil },
	} {
		b.Run(name, func(b *testing.B) {
			all, err := open(b.Context(), Config{Dir: b.TempDir(), Log: log(b)})
			if err != nil {
				b.Fatal(err)
			}
			benchmarkAt(b, all, all.newFolder(), work)
			if err := all.close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// benchmarkAt measures work on an engine of a data folder.
func benchmarkAt(b *testing.B, all *bench, data string, work func(b *testing.B, all *bench, r *instance)) {
	err := all.with(b.Context(), data, func(r *instance) error {
		b.ReportAllocs()
		b.ResetTimer()
		before := processor(b)
		work(b, all, r)
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "per-s")
		// On a machine with other work, this is more exact than the time.
		b.ReportMetric(float64((processor(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// processor returns the time that all cores spent on this process.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAccept measures one webhook: posted, verified, stored with its run,
// acknowledged.
func BenchmarkAccept(b *testing.B) {
	for _, senders := range []int{1, 64} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			benchmarkOn(b, func(b *testing.B, all *bench, r *instance) {
				if _, _, err := all.senders(r, queued).burst(b.Context(), senders, b.N, time.Hour); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkRun measures a whole run: a webhook, the mapping and two calls.
func BenchmarkRun(b *testing.B) {
	for _, senders := range []int{1, 64} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			benchmarkOn(b, func(b *testing.B, all *bench, r *instance) {
				if _, _, err := all.runs(b.Context(), r, senders, b.N, time.Hour); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkHistory measures a whole run with a number of old ones in the file.
func BenchmarkHistory(b *testing.B) {
	for _, old := range []int{originals, 1_000_000} {
		all, err := open(b.Context(), Config{Dir: b.TempDir(), Log: fileLogger(b)})
		if err != nil {
			b.Fatal(err)
		}
		data := all.newFolder()
		if _, err := all.addHistory(b.Context(), data, old, time.Hour); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("old=%d", old), func(b *testing.B) {
			benchmarkAt(b, all, data, func(b *testing.B, all *bench, r *instance) {
				if _, _, err := all.runs(b.Context(), r, 64, b.N, time.Hour); err != nil {
					b.Fatal(err)
				}
			})
		})
		if err := all.close(); err != nil {
			b.Fatal(err)
		}
	}
}
