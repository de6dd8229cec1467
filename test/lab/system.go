package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/stream"
)

// A Client connects a test to the streams: with the product's connection, and with
// JetStream for everything else.
type Client struct {
	*stream.Conn
	JetStream jetstream.JetStream

	nc      *nats.Conn
	refused chan error // the first error of an asynchronous publish
}

// Connect connects to NATS and creates the streams. It tries for one minute, because
// a cluster elects leaders first.
func Connect(ctx context.Context, url string, settings stream.Settings) (*Client, error) {
	conn, err := stream.Connect(stream.Config{URL: url, Log: zerolog.Nop()})
	if err != nil {
		return nil, err
	}
	c := &Client{Conn: conn, refused: make(chan error, 1)}
	err = WaitFor(ctx, "the streams exist", time.Minute, func() error {
		_, err := conn.Ensure(ctx, settings)
		return err
	})
	if err == nil {
		err = c.open(url)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// maxPending is how many messages Publish sends before their acknowledgements.
const maxPending = 4096

func (c *Client) open(url string) (err error) {
	c.nc, err = nats.Connect(url, nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		return fmt.Errorf("connect to NATS: %w", err)
	}
	c.JetStream, err = jetstream.New(c.nc, jetstream.WithPublishAsyncMaxPending(maxPending),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, _ *nats.Msg, err error) {
			select {
			case c.refused <- err:
			default: // The first error is enough.
			}
		}))
	return err
}

// Close closes the connections.
func (c *Client) Close() {
	if c.nc != nil {
		c.nc.Close()
	}
	c.Conn.Close()
}

// A System is one NATS server with the streams, and the programs of the product.
type System struct {
	Programs
	*Client
	NATS *Process
}

// StartSystem starts a NATS server with its files in dir and creates the streams. Bin
// is the folder of Build. The programs log warnings and errors.
func StartSystem(ctx context.Context, bin, dir string) (*System, error) {
	server, err := NewNATS(NATSConfig{Name: "nats", Dir: dir, Port: FreePort()})
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	client, err := Connect(ctx, server.Addr, stream.Settings{})
	if err != nil {
		server.Stop()
		return nil, err
	}
	programs := Programs{Bin: bin, NATSURL: server.Addr, Env: Env{"LOG_LEVEL": "warn"}}
	return &System{Programs: programs, Client: client, NATS: server}, nil
}

// Close closes the connections and stops the server.
func (s *System) Close() {
	s.Client.Close()
	s.NATS.Stop()
}
