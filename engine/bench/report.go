package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// Report has the results of a measurement.
type Report struct {
	Quick   bool `json:"quick"`
	Parked  int  `json:"parked"`
	History int  `json:"history"`

	Cores  int    `json:"cores"`
	System string `json:"system"`
	Go     string `json:"go"`

	SenderPerSecond float64 `json:"sender_per_s"`
	SyncMicros      float64 `json:"sync_us"`

	// By the number of senders.
	AcceptsPerSecond map[int]float64 `json:"accepts_per_s"`
	RunsPerSecond    map[int]float64 `json:"runs_per_s"`

	FirstCall    Percentiles `json:"first_call_ms"`
	ParkedBytes  float64     `json:"parked_bytes_per_run"`
	StartMillis  float64     `json:"start_ms"`
	HistoryRatio float64     `json:"history_ratio"`
}

// Percentiles of a time.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// Table prints the report for people.
func (r Report) Table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "senders\taccepted/s\twhole runs/s\t\n")
	for _, senders := range slices.Sorted(maps.Keys(r.AcceptsPerSecond)) {
		fmt.Fprintf(w, "%d\t%.0f\t%.0f\t\n", senders, r.AcceptsPerSecond[senders], r.RunsPerSecond[senders])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	sort := "full"
	if r.Quick {
		sort = "quick, with smaller counts"
	}
	_, err := fmt.Fprintf(out, `
post to first call   %.1f ms median, %.1f ms p99, at %d posts a second
a parked run         %.0f bytes of memory, of %d
start                %.0f ms, with %d parked runs
history              %.2f of the runs per second, with %d old runs in the file

%s; %d cores, %s, %s; senders, engine and app share them.
Senders alone post %.0f a second; making 4 KB durable takes %.0f µs here.
`, r.FirstCall.P50, r.FirstCall.P99, rate, r.ParkedBytes, r.Parked, r.StartMillis, r.Parked, r.HistoryRatio, r.History,
		sort, r.Cores, r.System, r.Go, r.SenderPerSecond, r.SyncMicros)
	return err
}
