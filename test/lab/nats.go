package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/logger"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/cioevents/cioevents/internal/stream/natsserver"
)

// NATSRole is the first argument that turns a test's program into a NATS server. The
// main function of the program calls RunNATS with the other arguments.
const NATSRole = "nats"

// NATSConfig configures a NATS server in a process of its own.
type NATSConfig struct {
	// Name is unique in a cluster.
	Name string
	// Dir contains the files of JetStream.
	Dir string
	// Port is the port of 127.0.0.1 for clients.
	Port int
	// ClusterPort is the port for the other servers of a cluster, 0 for a single server.
	ClusterPort int
	// Routes lists the URLs of the other servers, separated by commas.
	Routes string
	// Accounts is the path of a configuration of nats-server with accounts and users, ""
	// for a server without passwords. The server reads the file again after SIGHUP.
	Accounts string
	// Log writes the server's log to standard error.
	Log bool
}

// NewNATS returns the process of a NATS server, which is not started. Addr is the URL
// for clients.
func NewNATS(cfg NATSConfig) (*Process, error) {
	arg, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	p, err := Self(NATSRole, string(arg))
	if err != nil {
		return nil, err
	}
	p.Name, p.Addr = cfg.Name, fmt.Sprintf("nats://127.0.0.1:%d", cfg.Port)
	return p, nil
}

// RunNATS runs a NATS server until ctx ends. NewNATS makes the arguments.
func RunNATS(ctx context.Context, args []string) error {
	var cfg NATSConfig
	if len(args) != 1 {
		return errors.New("run NATS: want one argument")
	}
	if err := json.Unmarshal([]byte(args[0]), &cfg); err != nil {
		return fmt.Errorf("run NATS: %w", err)
	}
	var log server.Logger
	if cfg.Log {
		log = logger.NewStdLogger(true, false, false, false, true)
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	opts, err := cfg.options()
	if err != nil {
		return err
	}
	srv, err := natsserver.Start(opts, log)
	if err != nil {
		return err
	}
	err = cfg.serve(ctx, srv, hup)
	srv.Shutdown()
	srv.WaitForShutdown()
	return err
}

// serve reloads the settings after each signal until ctx ends.
func (cfg *NATSConfig) serve(ctx context.Context, srv *natsserver.Server, hup <-chan os.Signal) error {
	for {
		select {
		case <-hup:
		case <-ctx.Done():
			return nil
		}
		opts, err := cfg.options()
		if err == nil {
			err = srv.ReloadOptions(opts)
		}
		if err != nil {
			return fmt.Errorf("reload the settings: %w", err)
		}
	}
}

// options returns the settings of deploy/. A server of a cluster syncs each message to
// disk before the acknowledgement, so that an acknowledged message is on the disks of
// two servers. A single server syncs every two minutes, the default of nats-server.
func (cfg *NATSConfig) options() (*natsserver.Options, error) {
	opts := &natsserver.Options{}
	if cfg.Accounts != "" {
		if err := opts.ProcessConfigFile(cfg.Accounts); err != nil {
			return nil, fmt.Errorf("read the accounts: %w", err)
		}
	}
	opts.ServerName, opts.Host, opts.Port = cfg.Name, "127.0.0.1", cfg.Port
	opts.NoSigs, opts.MaxPayload, opts.JetStream, opts.StoreDir = true, 9<<20, true, cfg.Dir
	opts.NoSublistCache = true
	if cfg.ClusterPort == 0 {
		return opts, nil
	}
	opts.SyncInterval, opts.SyncAlways = 2*time.Minute, true
	opts.Routes = server.RoutesFromStr(cfg.Routes)
	// The advertised address is unusable on purpose. A server that learns the address of
	// another server would connect around the proxy of the test.
	opts.Cluster = server.ClusterOpts{
		Name: "lab", Host: "127.0.0.1", Port: cfg.ClusterPort, Advertise: "127.0.0.1:1", NoAdvertise: true,
		PoolSize: -1, Compression: server.CompressionOpts{Mode: server.CompressionOff},
	}
	return opts, nil
}
