package script

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	mainFile     = "main.lua"
	templateFile = "template.yaml"
	// shared is the top folder whose files every script can require.
	shared = "lib"
	// maxSource bounds the size of a file in bytes. The limit of the vm is lower.
	maxSource = 1 << 20
)

// source is where a script is in the folder.
type source struct {
	name   string
	main   string // path of the file that runs first
	folder string // path of the script's folder, empty for a single file
}

// sourceOf returns the source of the script with a main file.
func sourceOf(main string) source {
	if folder := path.Dir(main); path.Base(main) == mainFile && folder != "." {
		return source{name: folder, main: main, folder: folder}
	}
	return source{name: strings.TrimSuffix(main, ".lua"), main: main}
}

// sources returns the scripts among files, by name. Two files with the same
// script name are a problem, and neither is returned. notFiles are paths where
// something else is in the place of a file.
func sources(files map[string]stamp, notFiles map[string]string) (map[string]source, []Problem) {
	found := map[string]source{}
	conflicts := map[string]Problem{}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(file, ".lua") || strings.HasPrefix(file, shared+"/") {
			continue
		}
		s := sourceOf(ownMain(file, files, notFiles))
		if s.main != file {
			continue // not a main file
		}
		if other, exists := found[s.name]; exists {
			conflicts[s.name] = Problem{Script: s.name, File: file,
				Message: fmt.Sprintf("%q and %q are both the script %q; rename one of them", other.main, file, s.name)}
			continue
		}
		found[s.name] = s
	}
	var problems []Problem
	for _, name := range slices.Sorted(maps.Keys(conflicts)) {
		delete(found, name)
		problems = append(problems, conflicts[name])
	}
	return found, problems
}

// ownMain returns the main file of the outermost script that a file belongs to.
func ownMain(file string, files map[string]stamp, notFiles map[string]string) string {
	for i, c := range file {
		if c != '/' {
			continue
		}
		if main := file[:i+1] + mainFile; has(files, main) || has(notFiles, main) {
			return main
		}
	}
	return file
}

func has[V any](m map[string]V, key string) bool {
	_, found := m[key]
	return found
}

// owns reports whether a script may require a file: one of its own folder, or
// a shared one.
func (s source) owns(file string) bool {
	return file == s.main || strings.HasPrefix(file, shared+"/") || s.folder != "" && strings.HasPrefix(file, s.folder+"/")
}

// errChanging is the error for a file that changed while it was read.
var errChanging = errors.New("the file is being written")

// readFile reads a file of the scripts folder as text.
func readFile(root, file string) (_ []byte, _ stamp, err error) {
	f, err := openFile(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		return nil, stamp{}, readError(err)
	}
	defer f.Close() // only read
	before, err := f.Stat()
	if err != nil {
		return nil, stamp{}, readError(err)
	}
	at := stampOf(before)
	if !before.Mode().IsRegular() {
		return nil, at, fmt.Errorf("expected a file, found %s", kindOf(before))
	}
	if before.Size() > maxSource {
		return nil, at, fmt.Errorf("the file has %d bytes; at most %d are read", before.Size(), maxSource)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	if err != nil {
		return nil, at, readError(err)
	}
	after, err := f.Stat()
	if err != nil {
		return nil, at, readError(err)
	}
	if stampOf(after) != at || int64(len(text)) != before.Size() {
		return nil, at, errChanging
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // the byte order mark that some editors write
	if bad := invalidAt(text); bad >= 0 {
		return text, at, &encodingError{line: 1 + bytes.Count(text[:bad], []byte("\n")), found: text[bad]}
	}
	return text, at, nil
}

// kindOf describes what is in the place of a file.
func kindOf(info fs.FileInfo) string {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return aFolder
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return notAFile
}

// encodingError is the error for a file that is not UTF-8 text.
type encodingError struct {
	line  int
	found byte
}

func (e *encodingError) Error() string {
	return fmt.Sprintf("the byte 0x%02x is not UTF-8 text; save the file as UTF-8", e.found)
}

func readError(err error) error {
	var where *fs.PathError
	if errors.As(err, &where) {
		return fmt.Errorf("cannot be read: %w", where.Err)
	}
	return err
}

func invalidAt(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}
