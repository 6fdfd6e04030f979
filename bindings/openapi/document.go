package openapi

import (
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/bindings/jsonpointer"
)

// documents are a document and the files that it refers to.
type documents struct {
	// open reads a file, by its path from the folder of the document; nil: there
	// are no other files.
	open  func(name string) ([]byte, error)
	files map[string]*Node
	main  string // the name of the document in files
	// flat is set if all files are in one folder: the folder of a reference is
	// ignored.
	flat bool
}

// place is a node and the file that it is in, from which its references are
// resolved.
type place struct {
	*Node
	file string
}

// maxHops bounds references to references.
const maxHops = 32

// follow resolves the $ref of a node, if it has one. ref is the whole reference,
// "file#/pointer", empty if there is none.
func (d *documents) follow(p place) (to place, ref string, err error) {
	for range maxHops {
		at := p.Str("$ref")
		if p.Node == nil || at == "" {
			return p, ref, nil
		}
		if p, ref, err = d.reference(p.file, at); err != nil {
			return p, ref, err
		}
	}
	return p, ref, fmt.Errorf("$ref %q leads in a circle", ref)
}

// encodedSlash turns a percent-encoded slash, which some documents have in the
// name of a path, into one that ends no name.
var encodedSlash = strings.NewReplacer("%2F", "~1", "%2f", "~1")

// reference resolves a $ref of a file.
func (d *documents) reference(from, ref string) (place, string, error) {
	file, pointer, _ := strings.Cut(ref, "#")
	if strings.Contains(file, "://") {
		return place{}, ref, fmt.Errorf("$ref %q is an address; save the document it names next to this one and refer to that", ref)
	}
	if file == "" {
		file = from
	} else {
		file = path.Join(path.Dir(from), file)
	}
	if d.flat {
		file = path.Base(file)
	}
	whole := file + "#" + pointer
	root, err := d.file(file)
	if err != nil {
		return place{}, whole, fmt.Errorf("$ref %q: %w", ref, err)
	}
	if decoded, err := url.PathUnescape(encodedSlash.Replace(pointer)); err == nil {
		pointer = decoded
	}
	n := root
	for _, part := range jsonpointer.Split(pointer) {
		if part == "" {
			continue
		}
		next := n.Get(part)
		if i, err := strconv.Atoi(part); next == nil && err == nil && n.Kind == List && i >= 0 && i < len(n.All) {
			next = n.All[i]
		}
		if next == nil {
			return place{}, whole, fmt.Errorf("$ref %q leads nowhere: there is no %q", ref, part)
		}
		n = next
	}
	return place{n, file}, whole, nil
}

// file reads a file once, but none above the document's folder.
func (d *documents) file(name string) (*Node, error) {
	if n := d.files[name]; n != nil {
		return n, nil
	}
	if d.open == nil || strings.HasPrefix(name, "../") || path.IsAbs(name) {
		return nil, fmt.Errorf("file %q is not in the document's folder or below it", name)
	}
	source, err := d.open(name)
	if err != nil {
		return nil, err
	}
	n, err := Parse(source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d.files[name] = n
	return n, nil
}
