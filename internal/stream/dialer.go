package stream

import (
	"net"
	"time"
)

// dialTimeout bounds each try to reach a server, and then its greeting.
const dialTimeout = 2 * time.Second

// A dialer connects a single nats.Conn to its servers. nats.go calls Dial under its lock,
// and no more than one of the connections is in use.
type dialer struct {
	last net.Conn
}

// Dial implements nats.CustomDialer. Dial closes the connection of the last try: nats.go
// 1.55 forgets to close a connection that the server has refused (doReconnect, after
// processConnectInit). While a password is refused, each try would keep a file open until
// the next garbage collection.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	if d.last != nil {
		_ = d.last.Close() // usually closed already
	}
	conn, err := (&net.Dialer{Timeout: dialTimeout}).Dial(network, address)
	if err != nil {
		return nil, err
	}
	d.last = conn
	return conn, nil
}
