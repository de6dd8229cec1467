// Package natsserver runs a NATS server inside this process: for cioctl dev and
// for tests.
package natsserver

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Options are the settings of nats-server.
type Options = server.Options

// Server is a running nats-server. Its owner calls Shutdown.
type Server = server.Server

// RandomPort as Options.Port lets the kernel choose a free port.
const RandomPort = server.RANDOM_PORT

// readyWait is how long a server may take to accept connections. JetStream recovers
// its streams from disk first.
const readyWait = 30 * time.Second

// Start starts a server and returns when it accepts connections. A nil log keeps
// the logger that opts imply.
func Start(opts *Options, log server.Logger) (*Server, error) {
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("set up the NATS server: %w", err)
	}
	if log != nil {
		srv.SetLoggerV2(log, false, false, false)
	}
	srv.Start()
	if !srv.ReadyForConnections(readyWait) {
		srv.Shutdown()
		return nil, errors.New("start the NATS server: it accepts no connections after 30 s")
	}
	return srv, nil
}
