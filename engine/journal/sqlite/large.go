package sqlite

import (
	"bytes"
	"compress/flate"
	"database/sql/driver"
	"fmt"
	"io"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// maxInRow is the largest value that stands in its row.
const maxInRow = 256 << 10

// value is a value on its way into a row, compressed if it is to stand beside.
type value struct{ text, packed []byte }

// pack compresses what is large. It takes a while then, so callers do it
// before they ask the writer.
func pack(text []byte) value {
	if len(text) <= maxInRow {
		return value{text: text}
	}
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		_, err = z.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // a buffer takes all
	}
	return value{text: text, packed: b.Bytes()}
}

// unpackLimit bounds what a damaged value can unpack to.
const unpackLimit = 2 * journal.MaxValue

func unpack(packed []byte) ([]byte, error) {
	z := flate.NewReader(bytes.NewReader(packed))
	text, err := io.ReadAll(io.LimitReader(z, unpackLimit))
	if err != nil {
		return nil, fmt.Errorf("unpack a large value: %w", err)
	}
	return text, z.Close()
}

// put gives what a row is to hold of a value.
func (w *writer) put(v value) (any, error) {
	if v.packed == nil {
		return blob(v.text), nil
	}
	return w.sql.addLarge.one(v.packed)
}

// get reads what a row holds of a value.
func (w *writer) get(held driver.Value) ([]byte, error) {
	id, large := held.(int64)
	if !large {
		text, _ := held.([]byte)
		return text, nil
	}
	packed, err := w.sql.getLarge.one(id)
	if err != nil {
		return nil, err
	}
	data, ok := packed.([]byte)
	if !ok {
		return nil, fmt.Errorf("the large value %d is gone from the file", id)
	}
	return unpack(data)
}

// forget lets a large value go that a row held.
func (w *writer) forget(held driver.Value) error {
	id, large := held.(int64)
	if !large {
		return nil
	}
	_, err := w.sql.dropLarge.run(id)
	return err
}

// tooLarge is the error that a step ends with whose value cannot be kept.
func tooLarge(what string, size int) *bindings.Error {
	return &bindings.Error{Kind: bindings.TooLarge,
		Message: fmt.Sprintf("the %s of this step would be %d bytes, at most %d can be kept", what, size, journal.MaxValue)}
}
