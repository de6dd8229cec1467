// Package natsserver runs a NATS server inside the process, for cioctl dev and for
// tests.
package natsserver

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Options are the settings of nats-server.
type Options = server.Options

// Server is a running nats-server. The caller of Start calls Shutdown.
type Server = server.Server

// RandomPort as Options.Port lets the kernel choose a free port.
const RandomPort = server.RANDOM_PORT

// ParseFile reads a configuration file of nats-server.
func ParseFile(path string) (*Options, error) { return server.ProcessConfigFile(path) }

// readyWait bounds the start of a server, until the server accepts connections.
// JetStream recovers its streams from disk first.
const readyWait = 30 * time.Second

// Start starts a server and returns when the server accepts connections. With a nil
// log, the server uses the logger that opts configure.
func Start(opts *Options, log server.Logger) (*Server, error) {
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("configure NATS server: %w", err)
	}
	if log != nil {
		srv.SetLoggerV2(log, false, false, false)
	}
	srv.Start()
	if !srv.ReadyForConnections(readyWait) {
		srv.Shutdown()
		return nil, errors.New("start NATS server: no connections accepted within 30 s")
	}
	return srv, nil
}
