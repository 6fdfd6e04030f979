package control_test

import (
	"errors"
	"net"
	"testing"

	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
)

// TestEngineEndsDuringRequest returns the same error to a client as when no
// engine runs.
func TestEngineEndsDuringRequest(t *testing.T) {
	data := journaltest.Folder(t)
	path, err := control.SocketPath(data)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		conn, err := engine.Accept()
		ended <- errors.Join(err, engine.Close(), conn.Close())
	}()
	client, err := control.Dial(data)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.Status(t.Context())
	var dial *net.OpError
	if !errors.As(err, &dial) || dial.Op != "dial" {
		t.Errorf("the error is %v; expected one of dialling", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
