package vm

import (
	"testing"
)

func TestSmoke(t *testing.T) {
	m := New(Config{})
	p, err := m.Compile("a.lua", func(string) ([]byte, error) {
		return []byte(`local t = {3,1,2}
table.sort(t)
on("a.b.c", function(e)
  local ok, err = pcall(function() error("bad") end)
  assert(err == "a.lua:4: bad", err)
  assert(1250000.5 .. "" == "1250000.5", 1250000.5 .. "")
  assert(("x"):rep(3) == "xxx")
  assert(string.format("%5.2f|%s|%d", 3.14159, t, 7) == " 3.14|table|7")
  assert(table.concat(t, ",") == "1,2,3")
  local a, b = ("key = value"):match("(%w+)%s*=%s*(%w+)")
  assert(a == "key" and b == "value")
  assert(("hello world"):gsub("o", "0") == "hell0 w0rld")
  error("end")
end)`), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	regs, err := m.Load(t.Context(), p, Settings{})
	t.Log(regs, err)
	for range 3 {
		out := m.Run(t.Context(), p, Activation{Event: []byte(`{}`)})
		t.Log(out)
	}
}
