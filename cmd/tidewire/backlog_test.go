package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
)

func pipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close(); write.Close() })
	return read, write
}

// All that is written comes out, the lines of each writer in their order.
func TestBacklogKeepsEverything(t *testing.T) {
	read, write := pipe(t)
	lines := make(chan map[int][]int)
	go func() {
		seen := map[int][]int{}
		for scan := bufio.NewScanner(read); scan.Scan(); {
			var writer, number int
			if _, err := fmt.Sscanf(scan.Text(), "writer %d line %d", &writer, &number); err != nil {
				t.Errorf("found %q", scan.Text())
			}
			seen[writer] = append(seen[writer], number)
		}
		lines <- seen
	}()
	b := newBacklog(write)
	var writers sync.WaitGroup
	for writer := range 8 {
		writers.Go(func() {
			for number := range 20_000 { // more than the bound, and than the pipe holds
				fmt.Fprintf(b, "writer %d line %d\n", writer, number)
			}
		})
	}
	writers.Wait()
	b.close()
	fmt.Fprintf(b, "writer 9 line 0\n") // after the end it is written at once
	write.Close()
	seen := <-lines
	for writer := range 8 {
		if len(seen[writer]) != 20_000 {
			t.Errorf("writer %d has %d lines", writer, len(seen[writer]))
		}
		for i, number := range seen[writer] {
			if i != number {
				t.Fatalf("writer %d: line %d stands at %d", writer, number, i)
			}
		}
	}
	if len(seen[9]) != 1 {
		t.Error("what was written after the end is missing")
	}
}

// A reader that stands still stops nobody until the bound, and then nothing is lost.
func TestBacklogDoesNotWaitForItsReader(t *testing.T) {
	read, write := pipe(t)
	b := newBacklog(write)
	line := make([]byte, 1<<10)
	for range mostBacklog / len(line) { // far more than a pipe holds; nobody reads
		if _, err := b.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan int64, 1)
	go func() {
		n, err := io.Copy(io.Discard, read)
		if err != nil {
			t.Error(err)
		}
		got <- n
	}()
	b.close()
	write.Close()
	if n := <-got; n != mostBacklog {
		t.Errorf("%d bytes came out, %d were written", n, mostBacklog)
	}
}
