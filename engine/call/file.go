package call

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/charset"
	"github.com/tidewire/tidewire/engine/file"
)

// content is a file in arguments and answers. File is HashPrefix and the hash
// under which it is stored, or InlineFile where Text or Base64 has the content.
// A table with text or base64 and no File is a file only where one is declared.
type content struct {
	File        string `json:"file,omitempty"`
	Name        string `json:"name,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Size        int64  `json:"size,omitempty"`
	Text        string `json:"text,omitempty"`
	Base64      string `json:"base64,omitempty"`
}

// The values of a file's field file: InlineFile where the table itself has the
// content, and HashPrefix before the hash of a stored file.
const (
	InlineFile = "inline"
	HashPrefix = "sha256:"
)

// maxInline bounds a file that is put into a body of JSON, as base64, in bytes.
const maxInline = 32 << 20

// isFile reports whether a table is a file: it has a hash, text or base64, and
// no field that a file does not have.
func isFile(v gjson.Result) bool {
	found, good := 0, true
	v.ForEach(func(key, value gjson.Result) bool {
		want := gjson.String
		switch key.String() {
		case "text", "base64":
			found++
		case "file":
			good = good && (value.Str == InlineFile || strings.HasPrefix(value.Str, HashPrefix))
			if value.Str != InlineFile {
				found++
			}
		case "name", "content_type":
		case "size":
			want = gjson.Number
		default:
			good = false
		}
		good = good && value.Type == want
		return good
	})
	return good && found == 1
}

// hasFileField reports whether a table has the field file of a file. One with
// text or base64 alone may be another table.
func hasFileField(v gjson.Result) bool {
	return v.IsObject() && v.Get("file").Type == gjson.String && isFile(v)
}

// bytes returns the content of a file that is not stored.
func (f content) bytes() ([]byte, error) {
	if f.Base64 == "" {
		return []byte(f.Text), nil
	}
	decoded, err := base64.StdEncoding.DecodeString(f.Base64)
	if err != nil {
		return nil, errors.New("its base64 does not decode")
	}
	return decoded, nil
}

func (f content) stored() bool { return strings.HasPrefix(f.File, HashPrefix) }

func (f content) hash() string { return strings.TrimPrefix(f.File, HashPrefix) }

// read returns the content of any file.
func (f content) read(files *file.Store) ([]byte, error) {
	if !f.stored() {
		return f.bytes()
	}
	if files == nil {
		return nil, errNoFiles
	}
	return files.Read(f.hash(), maxInline)
}

var errNoFiles = errors.New("files are not stored here")

// inlineFiles replaces files in the arguments for a body of JSON or a form by
// their content, as base64: such a body has no other way to carry them.
func inlineFiles(args json.RawMessage, op *bindings.Operation, files *file.Store) (json.RawMessage, error) {
	if op.Body == nil || op.Body.Encoding == bindings.Multipart || op.Body.Encoding == bindings.Binary || !bytes.Contains(args, []byte(`"file":`)) {
		return args, nil
	}
	out, err := appendInlined(nil, gjson.ParseBytes(args), files)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func appendInlined(out []byte, v gjson.Result, files *file.Store) ([]byte, error) {
	if hasFileField(v) {
		var f content
		if err := json.Unmarshal([]byte(v.Raw), &f); err != nil {
			return nil, err
		}
		text, err := f.read(files)
		if err != nil {
			return nil, fmt.Errorf("file %q: %w", f.Name, err)
		}
		out = append(out, '"')
		out = base64.StdEncoding.AppendEncode(out, text)
		return append(out, '"'), nil
	}
	if !v.IsObject() && !v.IsArray() {
		return append(out, v.Raw...), nil
	}
	open, end := byte('{'), byte('}')
	if v.IsArray() {
		open, end = '[', ']'
	}
	out = append(out, open)
	first := true
	var failed error
	v.ForEach(func(key, item gjson.Result) bool {
		if !first {
			out = append(out, ',')
		}
		first = false
		if open == '{' {
			out = append(append(out, key.Raw...), ':')
		}
		out, failed = appendInlined(out, item, files)
		return failed == nil
	})
	return append(out, end), failed
}

// stream is a body in pieces, some of which are files.
type stream []piece

type piece struct {
	data []byte
	hash string // of a file, instead
}

// open returns the whole body and its length in bytes. The caller closes it.
func (s stream) open(files *file.Store) (body io.ReadCloser, size int64, err error) {
	if files == nil {
		return nil, 0, errNoFiles
	}
	var all openedStream
	defer func() {
		if err != nil {
			all.Close()
		}
	}()
	readers := make([]io.Reader, 0, len(s))
	for _, p := range s {
		if p.hash == "" {
			readers = append(readers, bytes.NewReader(p.data))
			size += int64(len(p.data))
			continue
		}
		f, err := files.Open(p.hash)
		if err != nil {
			return nil, 0, err
		}
		all.files = append(all.files, f)
		info, err := f.Stat()
		if err != nil {
			return nil, 0, err
		}
		readers = append(readers, f)
		size += info.Size()
	}
	all.Reader = io.MultiReader(readers...)
	return &all, size, nil
}

type openedStream struct {
	io.Reader
	files []io.Closer
}

func (o *openedStream) Close() (err error) {
	for _, f := range o.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// storeAnswer stores an answer as a file, and returns the file as it is
// recorded in the journal.
func (c *Client) storeAnswer(from *url.URL, header http.Header, body io.Reader) ([]byte, error) {
	if c.config.Files == nil {
		return nil, errNoFiles
	}
	hash, size, err := c.config.Files.Put(body)
	if err != nil {
		return nil, err
	}
	kind := contentType(header)
	if kind == "" {
		kind = "application/octet-stream"
	}
	// Text is read, and sent on, in the charset that it came in.
	declared := charset.FromContentType(header.Get("Content-Type"))
	isText := strings.HasPrefix(kind, "text/") || jsonType(kind) || textType(kind)
	if isText && declared != "" && !strings.EqualFold(declared, "utf-8") {
		kind = cmp.Or(mime.FormatMediaType(kind, map[string]string{"charset": declared}), kind)
	}
	return json.Marshal(content{File: HashPrefix + hash, Name: fileName(from, header), ContentType: kind, Size: size})
}

// fileName is the name that the answer declares for its file, else the last
// part of its address.
func fileName(from *url.URL, header http.Header) string {
	name := ""
	if _, params, err := mime.ParseMediaType(header.Get("Content-Disposition")); err == nil {
		name = params["filename"]
	}
	if name == "" && from != nil {
		name = from.Path
	}
	name = path.Base("/" + strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(dropControl, name)
	if name == "/" || name == "." || name == ".." {
		return "file"
	}
	return name[:min(len(name), 200)]
}

// fileTimeout bounds a sending whose answer is a file, unless the call or the
// connection has a timeout.
const fileTimeout = 10 * time.Minute
