package ingest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"slices"

	"github.com/tidewire/tidewire/engine/charset"
)

// maxInlineFile is the size, in bytes, above which a file is stored beside the
// journal. A smaller one is in the data of its event.
const maxInlineFile = 64 << 10

// partReader reads the parts of a body of the type multipart/form-data. One with a
// file name is a file, any other is text.
type partReader struct {
	put    putFile // nil: all files are in the data
	fields fields
	files  []string // the fields that have files
	stored []string // the hashes of those that were put
}

// putFile stores a file and returns its hash and its size in bytes.
type putFile func(io.Reader) (hash string, size int64, err error)

// errPut is the error for a file that could not be stored.
var errPut = errors.New("a file of the form could not be stored")

func (m *message) multipart(boundary string, put putFile) (content, *refusal) {
	if boundary == "" {
		return content{}, unreadable("form", "the body has the type multipart/form-data, without its boundary")
	}
	parts := partReader{put: put}
	data, err := parts.read(multipart.NewReader(bytes.NewReader(m.body), boundary))
	switch {
	case errors.Is(err, errPut):
		refused := m.retryLater("store", errPut.Error())
		refused.cause = err
		return content{}, &refused
	case err != nil:
		return content{}, unreadable("form", "the body is not a form: "+err.Error())
	}
	return content{data: data, files: parts.files, stored: parts.stored}, nil
}

func (r *partReader) read(from *multipart.Reader) (json.RawMessage, error) {
	for {
		part, err := from.NextRawPart()
		if errors.Is(err, io.EOF) {
			return r.fields.object()
		}
		if err == nil {
			err = r.add(part)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (r *partReader) add(part *multipart.Part) error {
	name := part.FormName()
	if name == "" {
		return errors.New("a part has no name")
	}
	body, err := io.ReadAll(part)
	if err != nil {
		return err
	}
	kind := part.Header.Get("Content-Type")
	if part.FileName() == "" {
		text, err := charset.Decode(body, charset.FromContentType(kind))
		if err != nil {
			return fmt.Errorf("the field %.40q is not text that can be read: %w", name, err)
		}
		return r.fields.addText(name, string(text))
	}
	if kind == "" {
		kind = "application/octet-stream"
	}
	file, err := r.file(formFile{Name: part.FileName(), ContentType: kind}, body)
	if err != nil {
		return err
	}
	if !slices.Contains(r.files, name) {
		r.files = append(r.files, name)
	}
	return r.fields.add(name, file)
}

// formFile is a file as package vm has it.
type formFile struct {
	File        string `json:"file"` // "inline", or "sha256:" and the hash of a stored file
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Size        int64  `json:"size"`
	Base64      string `json:"base64,omitempty"` // the content of an inline file
}

// file returns a file with a content as JSON.
func (r *partReader) file(f formFile, content []byte) (json.RawMessage, error) {
	if r.put == nil || len(content) <= maxInlineFile {
		f.File, f.Size, f.Base64 = "inline", int64(len(content)), base64.StdEncoding.EncodeToString(content)
		return json.Marshal(f)
	}
	hash, size, err := r.put(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPut, err)
	}
	r.stored = append(r.stored, hash)
	f.File, f.Size = "sha256:"+hash, size
	return json.Marshal(f)
}
