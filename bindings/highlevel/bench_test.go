package highlevel_test

import (
	"os"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

// BenchmarkParseCatalogue measures what each catalogue costs at every start.
func BenchmarkParseCatalogue(b *testing.B) {
	for name, file := range map[string]string{"dated": "catalogue.txt", "v3": "v3/catalogue.txt"} {
		b.Run(name, func(b *testing.B) {
			text, err := os.ReadFile(file)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := bindings.ParseEdition("v3", text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFirstLookup measures a script's first use of an operation: the
// operation with its body and answer, decoded.
func BenchmarkFirstLookup(b *testing.B) {
	text, err := os.ReadFile("catalogue.txt")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		c, err := bindings.ParseCatalogue(text)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		o, _ := c.Operation("contacts.upsert")
		c.Resolve(&o.Body.Type)
		c.Resolve(o.Answer)
	}
}
