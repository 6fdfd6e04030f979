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

// maxInRow is the largest value that stands in its row.
const maxInRow = 256 << 10

// pack compresses what is too large for a row, and gives nil for what is not.
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
		panic(err) // a buffer takes all
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

// storeValue gives what a row is to hold of a value.
func (t *tx) storeValue(v ledger.Value) (any, error) {
	if v.Packed == nil {
		return blob(v.Text), nil
	}
	return t.sql.addLarge.one(v.Packed)
}

// loadValue reads what a row holds of a value.
func (t *tx) loadValue(held driver.Value) ([]byte, error) {
	id, large := held.(int64)
	if !large {
		text, _ := held.([]byte)
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

// dropValue lets a large value go that a row held.
func (t *tx) dropValue(held driver.Value) error {
	id, large := held.(int64)
	if !large {
		return nil
	}
	_, err := t.sql.dropLarge.run(id)
	return err
}
