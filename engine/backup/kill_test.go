package backup

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/tidewire/tidewire/engine/clock"
)

// childRestore, in the environment of the test binary, is the archive that it restores
// to childData; it ends itself with SIGKILL between the renames.
const (
	childRestore = "TIDEWIRE_TEST_RESTORE"
	childData    = "TIDEWIRE_TEST_DATA"
)

func TestMain(m *testing.M) {
	if archive := os.Getenv(childRestore); archive != "" {
		r := &restore{data: os.Getenv(childData), clock: clock.System}
		r.between = func() {
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Kill()
			}
			if err != nil {
				panic(err)
			}
			select {}
		}
		_, err := r.run(context.Background(), archive)
		panic(err)
	}
	os.Exit(m.Run())
}

// killRestore ends a process that restores an archive between the two renames.
func killRestore(t *testing.T, archive, data string) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childRestore+"="+archive, childData+"="+data)
	out, err := c.CombinedOutput()
	if err == nil || len(out) > 0 {
		t.Fatalf("the process ended by itself: %s", out)
	}
}
