package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// crash ends a program as a power cut does.
func crash(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: crash NAME")
	}
	p := running(ts, args[0])
	ts.Check(p.cmd.Process.Kill())
	if err := p.end(); err == nil {
		ts.Fatalf("%s ended by itself", args[0])
	}
}

// awaitFaults waits until the sandbox has used all its faults, each by a call.
func awaitFaults(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: awaitfaults URL")
	}
	for timeout := time.After(maxWait); ; {
		response, err := http.Get(args[0] + "/sandbox/faults")
		ts.Check(err)
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		ts.Check(err)
		if strings.TrimSpace(string(body)) == "[]" {
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-timeout:
			ts.Fatalf("no call has arrived: %s is left", body)
		}
	}
}

// vendor serves a vendor that ends the first N connections without an answer, so
// that it is uncertain whether these requests were done.
func vendor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: vendor NAME N")
	}
	cut, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		n := asked.Add(1)
		if n <= cut {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"request":`+strconv.FormatInt(n, 10)+`}`)
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}
