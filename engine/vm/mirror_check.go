package vm

import (
	"fmt"
	"reflect"

	lua "github.com/yuin/gopher-lua"
)

// checkMirror compares the mirrors with the real types, so that another version
// of gopher-lua is an error and its memory is not misread.
func checkMirror() error {
	L := lua.NewState(lua.Options{CallStackSize: 1, RegistrySize: 128, SkipOpenLibs: true})
	defer L.Close()
	state := reflect.TypeOf(lua.LState{})
	stack := reflect.ValueOf(L).Elem().FieldByName("stack").Elem().Type().Elem()
	field := func(t reflect.Type, name string) reflect.Type {
		f, ok := t.FieldByName(name)
		if !ok || f.Type.Kind() != reflect.Pointer {
			return reflect.TypeOf(struct{}{})
		}
		return f.Type.Elem()
	}
	frame := reflect.TypeOf(struct{}{})
	if array, ok := stack.FieldByName("array"); ok && array.Type.Kind() == reflect.Slice {
		frame = array.Type.Elem()
	}
	registry := field(state, "reg")
	for _, pair := range []struct{ ours, real reflect.Type }{
		{reflect.TypeFor[stateMirror](), state},
		{reflect.TypeFor[fixedStackMirror](), stack},
		{reflect.TypeFor[frameMirror](), frame},
		{reflect.TypeFor[registryMirror](), registry},
		{reflect.TypeFor[allocatorMirror](), field(state, "alloc")},
		{reflect.TypeFor[upvalueMirror](), reflect.TypeFor[lua.Upvalue]()},
		{reflect.TypeFor[tableMirror](), reflect.TypeFor[lua.LTable]()},
	} {
		if err := sameLayout(pair.ours, pair.real); err != nil {
			return fmt.Errorf("this version of gopher-lua has another layout than the one that the meter reads: %w", err)
		}
	}
	return nil
}

func sameLayout(ours, real reflect.Type) error {
	if ours.Size() != real.Size() || ours.NumField() != real.NumField() {
		return fmt.Errorf("%s has another size than %s", real, ours)
	}
	for i := range ours.NumField() {
		o, r := ours.Field(i), real.Field(i)
		opaque := o.Type.Kind() == reflect.Array || o.Type.Kind() == reflect.Struct || o.Type.Kind() == reflect.UnsafePointer
		if o.Name != r.Name || o.Offset != r.Offset || o.Type.Size() != r.Type.Size() || !opaque && o.Type.Kind() != r.Type.Kind() {
			return fmt.Errorf("%s.%s is not %s.%s", real, r.Name, ours, o.Name)
		}
	}
	return nil
}
