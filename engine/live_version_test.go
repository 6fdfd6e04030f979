package engine_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestScriptBrokenWhileStopped breaks a script while no engine runs. After the start
// its last version takes what comes: an event, a post to its address and an event
// of another script.
func TestScriptBrokenWhileStopped(t *testing.T) {
	const emits = `on("in:/a", { verify = "none" }, function() emit("paid", {}) end)`
	const receives = `on({ "in:/b", "emit:paid" }, { name = "takes", verify = "none" }, function(event) log.info("taken " .. event.type) end)`
	f := newDoctorFixture(t, pays)
	write := func(name, text string) {
		must(t, os.WriteFile(filepath.Join(f.config.Scripts, name), []byte(text), 0o644))
	}
	post := func(path string) int {
		t.Helper()
		answer, err := http.Post(f.engine.URL()+path, "application/json", strings.NewReader("{}"))
		must(t, err)
		defer answer.Body.Close()
		return answer.StatusCode
	}
	f.stop()
	write("emits.lua", emits)
	write("takes.lua", receives)
	write("never.lua", "on(")
	f.start()
	f.stop()
	write("takes.lua", "on(")
	write("orders.lua", "on(")
	from := f.log.length()
	f.start()
	for path, want := range map[string]int{"/in/a": 200, "/in/b": 200, "/in/c": 503} {
		if got := post(path); got != want {
			t.Errorf("%s: status %d, want %d", path, got, want)
		}
	}
	f.log.await(t, from, `"taken in:/b"`)
	f.log.await(t, from, `"taken emit:paid"`)
	f.sendAndAwait("o1")
	all := fmt.Sprint(f.found())
	for _, part := range []string{"takes was not loaded, its last version stays live: takes.lua:1", "never was not loaded, it is not live, and senders"} {
		if !strings.Contains(all, part) {
			t.Errorf("found %s, want %q", all, part)
		}
	}
	f.log.await(t, from, `"script not loaded; its last version stays live","script":"takes"`)
}
