package sqlite

import (
	"bytes"
	"compress/flate"
	"database/sql/driver"
	"fmt"
	"io"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// maxInRow is how many bytes of a value a row has at most. A larger value has a row
// of its own, in the table large, and its number is in the row.
const maxInRow = 256 << 10

// pack compresses a value that is too large for a row. It returns nil for another
// value.
func pack(text []byte) []byte {
	if len(text) <= maxInRow {
		return nil
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
		panic(err) // a bytes.Buffer returns no errors
	}
	return b.Bytes()
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

// storeValue returns the column value for a value, and writes a large value.
func (t *tx) storeValue(v ledger.Value) (any, error) {
	if v.Packed == nil {
		return blob(v.Text), nil
	}
	return t.sql.addLarge.one(v.Packed)
}

// loadValue returns the value of a column.
func (t *tx) loadValue(column driver.Value) ([]byte, error) {
	id, large := column.(int64)
	if !large {
		text, _ := column.([]byte)
		return bytes.Clone(text), nil
	}
	packed, err := t.sql.getLarge.one(id)
	if err != nil {
		return nil, err
	}
	data, ok := packed.([]byte)
	if !ok {
		return nil, fmt.Errorf("the large value %d is gone from the file", id)
	}
	return unpack(data)
}

// dropValue deletes the large value of a column, if it has one.
func (t *tx) dropValue(column driver.Value) error {
	id, large := column.(int64)
	if !large {
		return nil
	}
	_, err := t.sql.dropLarge.run(id)
	return err
}
