package vm

import (
	"encoding/csv"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// readCSV reads all rows of a text, as text.csv does without a header.
func readCSV(text, separator string, lazy bool) ([][]string, error) {
	r := &csvReader{text: strings.TrimPrefix(text, bom), separator: separator, lazy: lazy}
	var rows [][]string
	for r.next() {
		var row []string
		for last := false; !last; {
			f, ended, err := r.field()
			if err != nil {
				return rows, err
			}
			row, last = append(row, f.value()), ended
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func writeCSV(rows [][]string, separator string) string {
	w := csvWriter{separator: separator}
	for _, row := range rows {
		for _, field := range row {
			w.field(field)
		}
		w.end()
	}
	return w.text.String()
}

// TestCSVMatchesEncodingCSV compares the reader with encoding/csv. They agree
// if a line ends with LF or CRLF, but encoding/csv makes CRLF in quotes LF. Its
// LazyQuotes is not compared: with it a row may continue after a closing quote.
func TestCSVMatchesEncodingCSV(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "bc", " ", ",", ",", ";", `"`, `"`, `""`, "\n", "\n", "\r\n", `"x`, `y"`, "\t",
		}), 0, 40).Draw(r, "text"), "")
		separator := rapid.SampledFrom([]string{",", ";", "\t"}).Draw(r, "separator")
		reference := csv.NewReader(strings.NewReader(text))
		reference.Comma, reference.FieldsPerRecord = rune(separator[0]), -1
		want, wantErr := reference.ReadAll()
		got, err := readCSV(text, separator, false)
		if err != nil && strings.Contains(err.Error(), "not closed") {
			if wantErr == nil {
				r.Fatalf("%q: %v; encoding/csv reads it", text, err)
			}
			return
		}
		if (err == nil) != (wantErr == nil) {
			r.Fatalf("%q: %v; encoding/csv: %v", text, err, wantErr)
		}
		if parse := (*csv.ParseError)(nil); errors.As(wantErr, &parse) {
			if at := fmt.Sprintf("line %d, column %d: ", parse.Line, parse.Column); !strings.HasPrefix(err.Error(), at) {
				r.Fatalf("%q: %v; encoding/csv: %v", text, err, wantErr)
			}
			return
		}
		for _, row := range got {
			for i := range row {
				row[i] = strings.ReplaceAll(row[i], "\r\n", "\n")
			}
		}
		if !reflect.DeepEqual(got, want) {
			r.Fatalf("%q is %q; encoding/csv: %q", text, got, want)
		}
	})
}

// Rows that are written are read back unchanged, by encoding/csv too if no
// field has CRLF.
func TestCSVRoundTrip(t *testing.T) {
	field := rapid.OneOf(
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", `"`, ",", ";", "\n", "\r", "\r\n", " ", bom, `\.`, "\xff", "é"}), 0, 5),
			func(parts []string) string { return strings.Join(parts, "") }),
	)
	rows := rapid.SliceOfN(rapid.SliceOfN(field, 1, 5), 1, 6)
	rapid.Check(t, func(r *rapid.T) {
		want := rows.Draw(r, "rows")
		separator := rapid.SampledFrom([]string{",", ";", "\t", "¦", " "}).Draw(r, "separator")
		text := writeCSV(want, separator)
		for _, lazy := range []bool{false, true} {
			if got, err := readCSV(text, separator, lazy); err != nil || !reflect.DeepEqual(got, want) {
				r.Fatalf("%q was written as %q and read as %q, %v", want, text, got, err)
			}
		}
		if strings.Contains(text, "\r\n") {
			return
		}
		reference := csv.NewReader(strings.NewReader(text))
		reference.Comma, reference.FieldsPerRecord = []rune(separator)[0], -1
		if got, err := reference.ReadAll(); err != nil || !reflect.DeepEqual(got, want) {
			r.Fatalf("%q was written as %q; encoding/csv: %q, %v", want, text, got, err)
		}
	})
}

// FuzzCSV reads any text: the rows are the same after they are written and read
// again, and the place that an error names is in the text.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"a,b\r1,2\r\n3,4\n", "\uFEFF\"a\",b", "\"a\"\"b\",\"c\rd\"", "a\"b", "\"a\"b", "\"a", "\n\r\n\r", ",\n,", "é;\xff", "\"\"",
	} {
		f.Add(seed, ",", false)
		f.Add(seed, ";", true)
	}
	f.Fuzz(func(t *testing.T, text, separator string, lazy bool) {
		if len([]rune(separator)) != 1 || strings.ContainsAny(separator, "\"\r\n\uFFFD"+bom) {
			return
		}
		rows, err := readCSV(text, separator, lazy)
		if err != nil {
			var line, column int
			if _, scan := fmt.Sscanf(err.Error(), "line %d, column %d:", &line, &column); scan != nil {
				t.Fatalf("%q: the error %v has no place", text, err)
			}
			lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(text, bom)), "\n")
			if line < 1 || line > len(lines) || column < 1 || column > len([]rune(lines[line-1])) || []rune(lines[line-1])[column-1] != '"' {
				t.Fatalf("%q: %v; no quote is there", text, err)
			}
			return
		}
		written := writeCSV(rows, separator)
		if again, err := readCSV(written, separator, false); err != nil || !reflect.DeepEqual(again, rows) {
			t.Fatalf("%q is %q, written as %q and read as %q, %v", text, rows, written, again, err)
		}
	})
}
