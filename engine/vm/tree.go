package vm

import (
	"bytes"
	"fmt"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// tree is a parsed file, ready to be compiled.
type tree struct {
	statements []ast.Stmt
	requires   []requireCall
}

// requireCall is a require with its literal name.
type requireCall struct {
	name string
	line int
}

func parseSource(name string, source []byte, limit int) (*tree, error) {
	if len(source) > limit {
		return nil, &SyntaxError{Position: name + ":1", Message: fmt.Sprintf("the file has %s; the limit of a source is %s", bytesText(int64(len(source))), bytesText(int64(limit)))}
	}
	statements, err := parse.Parse(bytes.NewReader(source), name)
	if err != nil {
		return nil, err
	}
	return &tree{statements: statements}, nil
}

func compileTree(name string, t *tree) (*lua.FunctionProto, error) {
	return lua.Compile(t.statements, name)
}
